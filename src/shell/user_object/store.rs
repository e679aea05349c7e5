//! The user on disk: one row, which is the time that the alarm was asked for (8 bytes, little endian, 0 for none) and then
//! the snapshot. The table is made by the first commit and never by a look.

use worker::{Error, Result, SqlStorageValue, State};

/// What is on disk: when the alarm was asked for, and the snapshot.
pub(super) fn load(state: &State) -> Result<Option<(Option<u64>, Vec<u8>)>> {
    let sql = state.storage().sql();
    let rows = |statement: &str| -> Result<Vec<Vec<SqlStorageValue>>> { sql.exec(statement, None)?.raw().collect() };
    if rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'hot'")?.is_empty() {
        return Ok(None);
    }
    let Some(row) = rows("SELECT b FROM hot WHERE id = 1")?.into_iter().next() else { return Ok(None) };
    let Some(SqlStorageValue::Blob(bytes)) = row.into_iter().next() else {
        return Err(Error::RustError("a row holds no bytes".into()));
    };
    let short = || Error::RustError("the hot row is too short".into());
    let (head, snapshot) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
    Ok(Some((Some(u64::from_le_bytes(*head)).filter(|at_ms| *at_ms > 0), snapshot.to_vec())))
}

/// Writes the row.
pub(super) fn commit(state: &State, alarm_at_ms: Option<u64>, snapshot: &[u8], exists: bool) -> Result<()> {
    let sql = state.storage().sql();
    if !exists {
        sql.exec("CREATE TABLE IF NOT EXISTS hot (id INTEGER PRIMARY KEY CHECK (id = 1), b BLOB NOT NULL)", None)?;
    }
    let mut bytes = Vec::with_capacity(8 + snapshot.len());
    bytes.extend_from_slice(&alarm_at_ms.unwrap_or(0).to_le_bytes());
    bytes.extend_from_slice(snapshot);
    sql.exec("INSERT OR REPLACE INTO hot (id, b) VALUES (1, ?)", vec![SqlStorageValue::Blob(bytes)])?;
    Ok(())
}
