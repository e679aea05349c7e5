//! A user's audit trail: who came and went, which users became one, and what was refused.

use super::letter::Member;
use footfall_protocol::limits::USER_AUDIT_MAX;
use footfall_protocol::{Object, Value};
use serde::{Deserialize, Serialize};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    at_ms: u64,
    what: String,
    /// The visitor's life or the user that it is about.
    subject: String,
    /// Why; may be empty.
    reason: String,
}

/// The last entries, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Audit(Vec<Entry>);

impl Audit {
    /// Notes what happened; the same thing over and over is noted once.
    pub(super) fn note(&mut self, at_ms: u64, what: &str, subject: String, reason: &str) {
        let entry = Entry { at_ms, what: what.to_owned(), subject, reason: reason.to_owned() };
        let same =
            |kept: &Entry| (&kept.what, &kept.subject, &kept.reason) == (&entry.what, &entry.subject, &entry.reason);
        if self.0.last().is_some_and(same) {
            return;
        }
        self.0.push(entry);
        if self.0.len() > USER_AUDIT_MAX {
            self.0.remove(0);
        }
    }

    /// Drops what is about somebody.
    pub(super) fn forget(&mut self, member: Member) {
        let names = [member.incarnation.to_string(), member.visitor.to_string()];
        self.0.retain(|entry| !names.contains(&entry.subject));
    }

    /// The entries, the newest first.
    pub(super) fn view(&self) -> Value {
        let shown = |entry: &Entry| {
            let texts = [("what", &entry.what), ("subject", &entry.subject), ("reason", &entry.reason)];
            let mut object = Object::from_iter([("at_ms".to_owned(), entry.at_ms.into())]);
            for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
                object.insert(key, text.as_str());
            }
            Value::Object(object)
        };
        Value::Array(self.0.iter().rev().map(shown).collect())
    }
}
