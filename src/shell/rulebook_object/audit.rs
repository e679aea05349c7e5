//! The audit trail as it is read: who did what when, the newest first. Entries are only ever appended.

use super::ask::{Answer, Ask};
use super::store::{EntryRow, whole};
use crate::shell::reply::json;
use serde_json::json as object;

impl Ask<'_> {
    /// `GET /audit`
    pub(super) fn audit(&self) -> Answer {
        let (before, limit) = self.page()?;
        let rows = self.store.entries(before, limit)?;
        let more = u64::try_from(rows.len()).is_ok_and(|count| count == limit);
        let next = rows.last().map(|row| whole(row.seq)).filter(|last| more && *last > 1);
        let items: Vec<_> = rows.into_iter().map(shown).collect();
        Ok(json(200, &object!({ "items": items, "next": next }))?)
    }
}

fn shown(row: EntryRow) -> serde_json::Value {
    object!({
        "seq": whole(row.seq),
        "at_ms": whole(row.at_ms),
        "subject": row.subject,
        "role": row.role,
        "action": row.action,
        "kind": row.kind,
        "id": row.id,
        "from_version": row.from_version.map(whole),
        "to_version": row.to_version.map(whole),
        "comment": row.comment,
    })
}
