//! A user as operators see it: profile, visitors, claims, merges and the audit trail.

use super::User;
use footfall_protocol::{Object, Value};

impl User {
    /// Traits that its visitors brought and that found no room.
    fn left_out(&self) -> u32 {
        let settled = self.settled.iter().map(|(.., sum)| sum.0.left_out);
        self.linked.iter().map(|one| one.contribution.0.left_out).chain(settled).fold(0, u32::saturating_add)
    }

    /// Everything that is known. Times are in milliseconds since the epoch.
    pub fn view(&self) -> Value {
        let text = |text: &str| Value::from(text);
        let object = |members: Vec<(&str, Value)>| {
            Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Object>())
        };
        let linked = self.linked.iter().map(|one| {
            object(vec![
                ("visitor", text(&one.member.visitor.to_string())),
                ("incarnation", text(&one.member.incarnation.to_string())),
                ("user", text(&one.user.to_string())),
                ("version", one.version.into()),
                ("fed_at_ms", one.fed_ms.into()),
                ("events", one.contribution.0.events.into()),
                ("orders", one.contribution.0.ledger.orders().into()),
                ("told", (one.told >= self.version).into()),
                ("gone", one.gone.into()),
            ])
        });
        let claimed = self.claims.iter().map(|(member, _)| text(&member.visitor.to_string()));
        let absorbed = self
            .absorbed
            .iter()
            .map(|(user, id)| object(vec![("user", text(&user.to_string())), ("user_id", text(id))]));
        let mut members = vec![
            ("site", text(self.site.as_str())),
            ("user", text(&self.user.to_string())),
            ("user_id", text(&self.id)),
            ("version", self.version.into()),
            ("profile", Value::of(&self.profile.0)),
            ("visitors", Value::Array(linked.collect())),
            ("claimed", Value::Array(claimed.collect())),
            ("claims_dropped", self.claims_dropped.into()),
            ("left_out", self.left_out().into()),
            ("absorbed", Value::Array(absorbed.collect())),
            ("audit", self.audit.view()),
        ];
        if let Some(merge) = &self.merge {
            let into = vec![
                ("user", text(&merge.into.to_string())),
                ("user_id", text(&merge.into_id)),
                ("done", merge.done.into()),
            ];
            members.push(("merged_into", object(into)));
        }
        object(members)
    }
}
