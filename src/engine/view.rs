//! The visitor as others see it: the visitor's own view, the whole view, and the patches between two of them.
//!
//! A member that has no value is left out, so that every view can be reached by a JSON Merge Patch (RFC 7396), in which
//! `null` takes a member away.

use super::{Config, Effect, Reason, Turn, Visitor};
use footfall_protocol::message::ServerMessage;
use footfall_protocol::{Millis, Object, Value};

/// Which sockets a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// The tab with this id.
    Tab(String),
    /// Every connected tab that sees the visitor's own view.
    Others,
    /// Every connected tab that sees the whole view.
    Inspectors,
    /// Every connected tab.
    Everyone,
}

/// Builds an object from pairs, without those that have no value.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let there = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(there.map(|(key, value)| (key.to_owned(), value)).collect())
}

fn strings<'a>(texts: impl IntoIterator<Item = &'a String>) -> Value {
    Value::Array(texts.into_iter().map(|text| text.as_str().into()).collect())
}

/// Text that may be empty, which then is no value.
fn text(text: &str) -> Value {
    Some(text).filter(|text| !text.is_empty()).into()
}

impl Visitor {
    /// The visitor's own view: what a page needs to know. Times are in milliseconds since the epoch.
    pub fn view(&self, now: Millis, config: &Config) -> Value {
        with_time(self.own(config), now)
    }

    /// The whole view, for operators and the console: timers, pushes and counters as well.
    pub fn inspection(&self, now: Millis, config: &Config) -> Value {
        with_time(self.whole(config), now)
    }

    /// The tabs that are known to have a socket.
    pub fn connected_tabs(&self) -> impl Iterator<Item = &str> {
        self.tabs.iter().filter(|tab| tab.connected).map(|tab| tab.id.as_str())
    }

    /// Whether a tab is in sight; one of which nothing is known is.
    pub fn is_in_sight(&self, tab: &str) -> bool {
        self.tabs.get(tab).is_none_or(|tab| tab.visible)
    }

    fn own(&self, config: &Config) -> Value {
        let session = self.core.session.as_ref().map(|session| {
            object([
                ("number", session.number.into()),
                ("started_at_ms", session.started_ms.into()),
                ("pages", session.pages.into()),
                ("events", session.events.into()),
                ("product_views", session.product_views.into()),
            ])
        });
        let user = self.identity.profile().map(|user| {
            object([
                ("id", user.id.as_str().into()),
                ("devices", user.devices.into()),
                ("sessions", user.sessions.into()),
                ("orders", user.orders.into()),
                ("revenue", user.revenue.into()),
                ("currency", text(&user.currency)),
                ("first_seen_ms", user.first_seen_ms.into()),
                ("recent_products", strings(&user.recent_products)),
                ("recent_categories", strings(&user.recent_categories)),
                ("groups", strings(&user.groups)),
            ])
        });
        object([
            ("user", user.into()),
            ("visitor", self.core.visitor.to_string().into()),
            ("stage", self.stage(config).into()),
            ("segments", strings(&self.segments.0)),
            ("session", session.into()),
            ("cart", self.cart_view()),
            (
                "profile",
                object([
                    ("known", self.profile.user_id.is_some().into()),
                    ("sessions", self.profile.sessions.into()),
                    ("orders", self.profile.orders.into()),
                    ("revenue", self.profile.revenue.into()),
                    ("recent_products", strings(&self.profile.recent_products)),
                    ("recent_categories", strings(&self.profile.recent_categories)),
                ]),
            ),
        ])
    }

    /// The stage, by the site's present configuration.
    pub(super) fn stage<'a>(&'a self, config: &'a Config) -> &'a str {
        if config.rules.has_stage(&self.core.stage) { &self.core.stage } else { config.rules.initial_stage() }
    }

    fn cart_view(&self) -> Value {
        let lines = self.cart.lines.iter().map(|line| {
            object([
                ("sku", line.sku.as_str().into()),
                ("name", text(&line.name)),
                ("price", line.price.into()),
                ("quantity", line.quantity.into()),
            ])
        });
        object([
            ("lines", Value::Array(lines.collect())),
            ("value", self.cart.value().into()),
            ("count", self.cart.count().into()),
            ("currency", text(&self.cart.currency)),
        ])
    }

    fn whole(&self, config: &Config) -> Value {
        let core = &self.core;
        let mut whole = self.own(config);
        let Value::Object(members) = &mut whole else { return whole };
        members.insert("site", core.site.as_str());
        members.insert("incarnation", core.incarnation.to_string());
        members.insert("rules_version", config.version);
        members.insert("stages", Value::Array(config.rules.way(self.stage(config)).map(Value::from).collect()));
        members.insert("stage_since_ms", core.stage_since_ms);
        members.insert("consent", serde_name(&core.consent));
        members.insert("gpc", core.gpc);
        members.insert("last_activity_ms", core.last_activity_ms);
        members.insert("tabs", Value::Array(self.tabs.iter().map(tab_view).collect()));
        members.insert("timers", self.timers_view(config));
        members.insert("recent_events", Value::Array(core.recent_events.iter().map(event_view).collect()));
        members.insert("pushes", Value::Array(self.mailbox.pending(core.clock_ms).map(push_view).collect()));
        members.insert("last_push", self.mailbox.last_seq);
        let fired = self.firings.iter().map(|firing| {
            let last_ms = Value::from(firing.last_ms);
            object([("rule", firing.rule.as_str().into()), ("count", firing.total.into()), ("last_at_ms", last_ms)])
        });
        members.insert("fired", Value::Array(fired.collect()));
        let (hot, pages) = self.outbox.waiting();
        let records = [("last_seq", self.outbox.last_seq()), ("hot", hot as u64), ("pages", pages as u64)];
        members.insert("outbox", object(records.map(|(key, value)| (key, value.into()))));
        let counters = [
            ("cart_lines_dropped", self.cart.lines_dropped),
            ("traits_dropped", self.profile.traits_dropped),
            ("pushes_dropped", self.mailbox.pushes_dropped),
            ("pushes_too_large", self.mailbox.pushes_too_large),
            ("retractions_dropped", self.mailbox.retractions_dropped),
            ("dwells_dropped", core.dwells_dropped),
            ("partials_dropped", self.partials.dropped),
            ("starts_dropped", self.starts.dropped),
            ("groups_dropped", self.firings.groups_dropped),
            ("emitted_too_large", self.firings.emitted_too_large),
        ];
        members.insert("counters", object(counters.map(|(key, value)| (key, value.into()))));
        if let Some(view) = self.tabs.latest().map(tab_view) {
            members.insert("page", view);
        }
        for (key, value) in [("geo", serde_object(&core.geo)), ("device", serde_object(&core.device))] {
            if !value.is_null() {
                members.insert(key, value);
            }
        }
        if let (Some(session), Some(Value::Object(shown))) = (&core.session, members.remove("session")) {
            let mut shown = shown;
            shown.insert("engaged_ms", session.engaged_ms);
            if let Some(since_ms) = session.attentive_since_ms {
                shown.insert("attentive_since_ms", since_ms);
            }
            shown.insert("landing_path", session.landing_path.as_str());
            shown.insert("referrer", session.referrer.as_str());
            shown.insert("campaign", serde_object(&Some(&session.campaign)));
            shown.insert("recent_pages", strings(&session.recent_pages));
            members.insert("session", shown);
        }
        if let Some(Value::Object(profile)) = members.remove("profile") {
            let mut profile = profile;
            if let Some(user_id) = &self.profile.user_id {
                profile.insert("user_id", user_id.as_str());
            }
            profile.insert("traits", self.profile.traits.clone());
            profile.insert("first_seen_ms", self.profile.first_seen_ms);
            members.insert("profile", profile);
        }
        if let Some(identity) = self.identity.view() {
            members.insert("identity", identity);
        }
        if let (Some(user), Some(Value::Object(shown))) = (self.identity.profile(), members.remove("user")) {
            let mut shown = shown;
            shown.insert("events", user.events);
            shown.insert("last_seen_ms", user.last_seen_ms);
            shown.insert("traits", user.traits.clone());
            members.insert("user", shown);
        }
        whole
    }

    fn timers_view(&self, config: &Config) -> Value {
        let timer = |wake: super::Wake| {
            let (key, tab) = match wake.reason {
                Reason::Dwell { at } => {
                    let dwell = self.dwells.0.get(at);
                    (dwell.map(|dwell| dwell.pattern_key), dwell.map(|dwell| dwell.tab.as_str()))
                }
                Reason::Absence { key, .. } => (Some(key), None),
                Reason::Start { .. }
                | Reason::SessionEnd
                | Reason::Lapse
                | Reason::Flush
                | Reason::Feed
                | Reason::Erasure
                | Reason::Retention => (None, None),
            };
            let started = if let Reason::Start { at } = wake.reason { self.starts.rule(at) } else { None };
            let rule = key.and_then(|key| config.rules.node(key)).map(|(_, rule, _)| rule.id.as_str());
            object([
                ("reason", wake.reason.as_str().into()),
                ("due_at_ms", wake.at_ms.into()),
                ("rule", rule.or(started).into()),
                ("tab", tab.map_or(Value::Null, text)),
            ])
        };
        let mut wakes: Vec<_> = self.deadlines(config).collect();
        wakes.sort_by_key(|wake| wake.at_ms);
        Value::Array(wakes.into_iter().map(timer).collect())
    }

    /// What connected tabs see before an input: own and whole view, each only when somebody looks at it.
    pub(super) fn watched(&self, turn: &Turn<'_>) -> [Option<Value>; 2] {
        let looks = |inspects: bool| self.tabs.iter().any(|tab| tab.connected && tab.inspects == inspects);
        [looks(false).then(|| self.own(turn.config)), looks(true).then(|| self.whole(turn.config))]
    }

    /// Sends what has changed to those who looked before.
    pub(super) fn tell_watchers(&mut self, before: [Option<Value>; 2], turn: &mut Turn<'_>) {
        let [own, whole] = before;
        if let Some(patch) = own.and_then(|before| diff(&before, &self.own(turn.config))) {
            self.core.versions.0 += 1;
            turn.effects.push(state(To::Others, self.core.versions.0, patch));
        }
        if let Some(patch) = whole.and_then(|before| diff(&before, &self.whole(turn.config))) {
            self.core.versions.1 += 1;
            turn.effects.push(state(To::Inspectors, self.core.versions.1, patch));
        }
    }
}

fn state(to: To, version: u64, patch: Value) -> Effect {
    Effect::Send { to, message: ServerMessage::State { base: version - 1, version, patch } }
}

fn with_time(mut view: Value, now: Millis) -> Value {
    if let Value::Object(members) = &mut view {
        members.insert("now_ms", now);
    }
    view
}

fn tab_view(tab: &super::session::Tab) -> Value {
    let view = tab.view.as_ref();
    let product = view.and_then(|view| view.product.as_ref()).map(|line| {
        object([("sku", line.sku.as_str().into()), ("name", text(&line.name)), ("price", line.price.into())])
    });
    object([
        ("tab", tab.id.as_str().into()),
        ("connected", tab.connected.into()),
        ("visible", tab.visible.into()),
        ("kind", view.map(|view| view.page.kind.as_str()).into()),
        ("path", view.map(|view| view.page.path.as_str()).into()),
        ("title", view.map_or(Value::Null, |view| text(&view.page.title))),
        ("opened_at_ms", view.map(|view| view.opened_ms).into()),
        ("engaged_ms", view.map(|view| view.engaged_at(view.visible_since_ms().unwrap_or(0))).into()),
        ("visible_since_ms", view.and_then(super::session::PageView::visible_since_ms).into()),
        ("product", product.into()),
    ])
}

fn event_view((name, at_ms): &(String, u64)) -> Value {
    object([("name", name.as_str().into()), ("at_ms", (*at_ms).into())])
}

fn push_view(push: &footfall_protocol::message::Push) -> Value {
    object([
        ("seq", push.seq.into()),
        ("slot", push.slot.as_str().into()),
        ("rule", push.rule.as_str().into()),
        ("at_ms", push.at_ms.into()),
        ("expires_at_ms", push.expires_at_ms.into()),
    ])
}

/// A plain struct of texts as an object, without the empty ones; no value for none.
fn serde_object<T: serde::Serialize>(value: &Option<T>) -> Value {
    let json = serde_json::to_string(value).ok().and_then(|json| serde_json::from_str::<Value>(&json).ok());
    match json {
        Some(Value::Object(members)) => {
            Value::Object(members.into_iter().filter(|(_, v)| v.as_str() != Some("")).collect())
        }
        _ => Value::Null,
    }
}

fn serde_name<T: serde::Serialize>(value: &T) -> Value {
    let json = serde_json::to_string(value).unwrap_or_default();
    Value::from(json.trim_matches('"'))
}

/// The JSON Merge Patch (RFC 7396) from one value to another; `None` when they are the same. Neither holds `null`.
pub(super) fn diff(from: &Value, to: &Value) -> Option<Value> {
    if from == to {
        return None;
    }
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return Some(to.clone()) };
    let mut patch = Object::new();
    for (key, _) in from.iter().filter(|(key, _)| to.get(key).is_none()) {
        patch.insert(key, Value::Null);
    }
    for (key, value) in to.iter() {
        let change = from.get(key).map_or_else(|| Some(value.clone()), |before| diff(before, value));
        if let Some(change) = change {
            patch.insert(key, change);
        }
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_holds_only_what_changed() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let from = value(r#"{"a":1,"b":{"c":[1],"d":"x"},"e":true}"#);
        let to = value(r#"{"a":1,"b":{"c":[1,2],"d":"x"},"f":2}"#);
        assert_eq!(diff(&from, &to), Some(value(r#"{"e":null,"b":{"c":[1,2]},"f":2}"#)));
        assert_eq!(diff(&from, &from), None);
    }
}
