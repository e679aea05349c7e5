//! What a visitor's records tell of it, beside the visitor itself: for tests that compare the two.

use crate::Sim;
use footfall::engine::{FoldFault, Visitor, fold};
use serde_json::Value;

impl Sim {
    /// The visitor as its records so far fold to; they have to be of one life.
    ///
    /// # Errors
    /// As [`fold`].
    pub fn folded(&self, until_ms: u64) -> Result<Option<Visitor>, FoldFault> {
        let of = (self.site.clone(), self.id, self.visitor.incarnation());
        fold(of, &self.made, until_ms, &self.config)
    }

    /// What the log tells of a visitor, and what each of its rules stands at: everything but which sockets are open, what
    /// hangs on them, what waits for the queue or for users' objects, and what is known of a user that nothing reads.
    ///
    /// # Panics
    /// When the view is not what it is documented to be.
    pub fn told(&self, visitor: &Visitor, now_ms: u64) -> Value {
        let mut view = serde_json::to_value(visitor.inspection(now_ms, &self.config)).expect("a view is JSON");
        let members = view.as_object_mut().expect("a view is an object");
        for name in ["outbox", "tabs", "page"] {
            members.remove(name);
        }
        if !self.config.rules.reads_user() {
            members.remove("user");
        }
        if let Some(identity) = members.get_mut("identity").and_then(Value::as_object_mut) {
            // How far the letters to the user's object have come.
            for name in ["fed_version", "feeding", "told_version"] {
                identity.remove(name);
            }
        }
        let timers = members["timers"].as_array_mut().expect("timers are a list");
        timers.retain(|timer| !["flush", "feed", "retention"].iter().any(|reason| timer["reason"] == *reason));
        // What has expired is thrown away with the next input, whether or not that is recorded.
        let pushes = members["pushes"].as_array_mut().expect("pushes are a list");
        pushes.retain(|push| push["expires_at_ms"].as_u64() > Some(now_ms));
        view
    }

    /// Checks that the records so far fold to the visitor as it is now, also in what explains its rules.
    ///
    /// # Panics
    /// When they do not; what differs is in the message.
    pub fn assert_log_tells_all(&self, about: &str) {
        let folded = self.folded(self.now_ms).expect("the records are whole").expect("the life goes on");
        let (live, again) = (self.told(&self.visitor, self.now_ms), self.told(&folded, self.now_ms));
        if live == again {
            // Why a rule has or has not fired can also depend on the page in sight, which hangs on sockets.
            let page = |visitor: &Visitor| visitor.inspection(self.now_ms, &self.config).get("page").cloned();
            for rule in self.config.rules.rules.iter().filter(|_| page(&self.visitor) == page(&folded)) {
                let explained = |visitor: &Visitor| visitor.explain(&rule.id, self.now_ms, &self.config);
                assert_eq!(explained(&self.visitor), explained(&folded), "{about}: why {}", rule.id);
            }
            return;
        }
        let names = live.as_object().into_iter().flat_map(|members| members.keys());
        let differ = names.filter(|name| live[name.as_str()] != again[name.as_str()]);
        let told: String =
            differ.map(|name| format!("\n{name}\n  live  {}\n  again {}", live[name], again[name])).collect();
        panic!("{about}, {} records{told}", self.made.len());
    }
}
