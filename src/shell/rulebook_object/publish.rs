//! Compiles a rulebook whole and says what is published.

use super::addressed;
use super::documents::Kind;
use super::store::Store;
use crate::engine::rules::{self, DocumentFault, RuleSet};
use crate::shell::config::Published;
use footfall_protocol::Value;
use worker::Result;

/// What is published now: the newest version, or the defaults while nothing was ever written.
pub(super) fn published(store: &Store) -> Result<Published> {
    let newest = store.newest()?;
    let (version, hash) = newest.unwrap_or_else(|| (0, defaults().0));
    Ok(Published { version, hash })
}

/// What a site without documents of its own has.
pub(super) fn defaults() -> (String, Vec<u8>) {
    addressed(&rules::compile(&[], &[], &[]).0)
}

/// Compiles all documents as they would be with one of them changed (`None`: deleted).
pub(super) fn compile_with(
    store: &Store,
    kind: Kind,
    id: &str,
    changed: Option<&Value>,
) -> Result<(RuleSet, Vec<DocumentFault>)> {
    let all = |of: Kind| -> Result<Vec<Value>> {
        let mut values = Vec::new();
        for row in store.documents(of.as_str())? {
            if of != kind || row.id != id {
                values.push(serde_json::from_str(&row.body)?);
            }
        }
        values.extend(changed.filter(|_| of == kind).cloned());
        Ok(values)
    };
    Ok(rules::compile(&all(Kind::Rules)?, &all(Kind::Segments)?, &all(Kind::Stages)?))
}
