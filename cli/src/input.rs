//! Reading files, with sentences that say which one is wrong and where.

use crate::Refusal;
use footfall_protocol::Value;
use std::fs;
use std::path::Path;

/// The text of a file.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub(crate) fn text(path: &Path) -> Result<String, Refusal> {
    fs::read_to_string(path).map_err(|error| Refusal(format!("{} cannot be read: {error}", path.display())))
}

/// The JSON that a file holds, each key once.
///
/// # Errors
/// When it cannot be read or is no such JSON; the sentence has the line and the column.
pub(crate) fn json(path: &Path) -> Result<Value, Refusal> {
    serde_json::from_str(&text(path)?)
        .map_err(|error| Refusal(format!("{} is not JSON that can be used: {error}", path.display())))
}
