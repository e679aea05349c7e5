//! Looks at the visitor: its view, an explanation, a dry run, the records that wait. Nothing is written.

use super::Object as VisitorObject;
use super::store::unreadable;
use crate::engine::fault::RuleFault;
use crate::engine::{Config, DryRun, Visitor};
use crate::shell::log::Waiting;
use crate::shell::reply::{Pointed, Problem, json};
use crate::shell::{clock, config};
use footfall_protocol::limits::WAITING_PAGES_READ_MAX;
use footfall_protocol::{Object, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use worker::{Error, Request, Response, Result};

impl VisitorObject {
    /// The visitor's own view, or the whole.
    pub(super) async fn look(self: &Rc<Self>, whole: bool) -> Result<Response> {
        let config = self.config().await?;
        self.look_at(&config, whole).await
    }

    /// The view under a configuration that the caller has.
    pub(super) async fn look_at(&self, config: &Config, whole: bool) -> Result<Response> {
        let now_ms = clock::now();
        let mut view = self
            .seen(
                config,
                |visitor| if whole { visitor.inspection(now_ms, config) } else { visitor.view(now_ms, config) },
            )
            .await?;
        if let (true, Value::Object(members)) = (whole, &mut view) {
            members.insert("runtime", self.store.runtime.view());
        }
        json(200, &view)
    }

    /// Why a rule has not fired, what it waits for, and in how long it will: by the rules that this visitor's inputs go by.
    pub(super) async fn explain(&self, rule: &str) -> Result<Response> {
        let config = self.config().await?;
        if config.rules.rule(rule).is_none() {
            return Problem::new(404, "unknown_rule", "No such rule runs for this visitor.").respond();
        }
        let mut told = self.seen(&config, |visitor| visitor.explain(rule, clock::now(), &config)).await?;
        tell_version(&mut told, &config);
        json(200, &told)
    }

    /// What would happen to a copy of the visitor.
    pub(super) async fn dry_run(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        let asked = if body.is_empty() { Ok(Value::Object(Object::new())) } else { serde_json::from_slice(&body) };
        let asked: Value = match asked {
            Ok(asked) => asked,
            Err(error) => return Problem::not_json(&error).respond(),
        };
        let run = match DryRun::parse(&asked) {
            Ok(run) => run,
            Err(faults) => return Problem::unfit(faults.into_iter().map(pointed).collect()).respond(),
        };
        let config = self.config().await?;
        let mut told = self.seen(&config, |visitor| run.run(visitor, clock::now(), &config)).await?;
        tell_version(&mut told, &config);
        json(200, &told)
    }

    /// The records that the queue took a moment ago, and those that it has not taken yet.
    pub(super) async fn waiting(&self) -> Result<Response> {
        let config = self.config().await?;
        let (incarnation, last_seq, pages, hot) = self
            .seen(&config, |visitor| {
                (visitor.incarnation(), visitor.last_record(), visitor.record_pages(), visitor.hot_records())
            })
            .await?;
        let mut records = self.sent.borrow().records();
        let first = pages.start.max(pages.end.saturating_sub(WAITING_PAGES_READ_MAX));
        for page in self.store.pages(&(first..pages.end))? {
            let page = Visitor::decode_page(&page).map_err(unreadable)?;
            records.extend(page.into_iter().map(|record| (incarnation, record)));
        }
        records.extend(hot.into_iter().map(|record| (incarnation, record)));
        json(200, &Waiting { incarnation, last_seq, records })
    }

    /// What `look` sees of the visitor. One of whom nothing is known is not kept in memory either.
    pub(super) async fn seen<T>(&self, config: &Config, look: impl FnOnce(&Visitor) -> T) -> Result<T> {
        let resident = self.resident()?;
        let seen = catch_unwind(AssertUnwindSafe(|| look(&resident.visitor)))
            .map_err(|_| Error::RustError("bug: the engine panicked in a look".into()));
        if resident.exists {
            self.resident.replace(Some(resident));
            self.check_alarm(config).await?;
        }
        seen
    }
}

fn pointed(fault: RuleFault) -> Pointed {
    Pointed { code: fault.code.into_owned(), pointer: fault.pointer, message: fault.message, document: None }
}

/// The version of the rules that the answer goes by; of a draft that the visitor previews, a number above all of them.
fn tell_version(told: &mut Value, config: &Config) {
    if let Value::Object(members) = told {
        members.insert("rules_version", config.version);
        members.insert("preview", config::is_draft(config.version));
    }
}
