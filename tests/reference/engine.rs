//! The engine under test: the same steps through its one door, and when its rules fired.

use super::generate::{Life, Wakes};
use super::visitor::{Act, Step, segments, stages};
use footfall::engine::rules::compile;
use footfall::engine::{Config, Effect, Input, Settings, Visitor};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Surroundings};
use footfall_protocol::ids::SiteId;
use footfall_protocol::record::{Record, RecordKind};
use serde_json::{Value, json};
use uuid::Uuid;

/// A site with one rule for each pattern, in their order.
pub(crate) fn site(patterns: &[Value], lapse: &str) -> Result<Config, String> {
    let rule = |(at, pattern): (usize, &Value)| {
        let push = json!([{"push": {"slot": "s", "content": {"text": "x"}}}]);
        json!({"id": format!("r{at}"), "pattern": pattern, "actions": push})
    };
    let rules: Vec<Value> = patterns.iter().enumerate().map(rule).collect();
    let list = |documents: Value| -> Vec<footfall_protocol::Value> { serde_json::from_value(documents).unwrap() };
    let (rules, faults) = compile(&list(rules.into()), &list(segments()), &list(stages(lapse)));
    if !faults.is_empty() {
        return Err(format!("{faults:?}"));
    }
    let day_ms = 24 * 3_600_000;
    let settings = Settings { flush_after_ms: day_ms / 24, retention_ms: 1_000 * day_ms, ..Settings::default() };
    Ok(Config { settings, rules, version: 1 })
}

/// When each of the rules fired, in the order of the rules.
pub(crate) fn firings(config: &Config, rules: usize, life: &Life) -> Vec<Vec<u64>> {
    let mut driver = Driver::new(config, life.reloads);
    let mut steps: &[Step] = &life.steps;
    while let Some((first, rest)) = steps.split_first() {
        if life.wakes == Wakes::Exact {
            driver.pass(first.at_ms);
        }
        let together = |step: &&Step| step.at_ms == first.at_ms && matches!(step.act, Act::Event { .. });
        let events = steps.iter().take_while(together).count();
        let taken = if life.batched { events.max(1) } else { 1 };
        driver.step(&steps[..taken]);
        steps = if taken == 1 { rest } else { &steps[taken..] };
    }
    let mut firings = vec![Vec::new(); rules];
    for record in driver.records.iter().filter(|record| record.kind == RecordKind::TriggerFired) {
        firings[record.name[1..].parse::<usize>().unwrap()].push(record.at_ms);
    }
    firings
}

struct Driver<'a> {
    visitor: Visitor,
    config: &'a Config,
    reloads: bool,
    records: Vec<Record>,
    events: usize,
    last: Option<Value>,
}

impl<'a> Driver<'a> {
    fn new(config: &'a Config, reloads: bool) -> Self {
        let visitor = Visitor::new(SiteId::parse("demo").unwrap(), Uuid::from_u128(7), Uuid::from_u128(1));
        Self { visitor, config, reloads, records: Vec::new(), events: 0, last: None }
    }

    /// Wakes the visitor whenever it asks for it, until then.
    fn pass(&mut self, end_ms: u64) {
        let mut wakes = 0;
        while let Some(wake) = self.visitor.next_wake(self.config).filter(|wake| wake.at_ms <= end_ms) {
            self.input(Input::Wake, wake.at_ms);
            wakes += 1;
            assert!(wakes < 10_000, "the visitor asks for ever to be woken: {wake:?}");
        }
    }

    fn step(&mut self, steps: &[Step]) {
        let at_ms = steps[0].at_ms;
        let input = match &steps[0].act {
            Act::Event { .. } => {
                let events: Vec<Value> = steps.iter().filter_map(|step| self.event(&step.act)).collect();
                self.last = events.last().cloned();
                delivery(&events)
            }
            Act::Repeat => self.last.as_ref().map_or(Input::Wake, |last| delivery(std::slice::from_ref(last))),
            Act::Connect { tab, visible } => {
                Input::Connect { tab: tab.clone(), cursor: None, visible: *visible, inspect: false }
            }
            Act::Disconnect { tab } => Input::Disconnect { tab: tab.clone() },
            Act::Wake => Input::Wake,
        };
        self.input(input, at_ms);
    }

    fn event(&mut self, act: &Act) -> Option<Value> {
        let Act::Event { name, tab, properties } = act else { return None };
        self.events += 1;
        let id = format!("e{}", self.events);
        let context = json!({"tab": tab});
        Some(if name == "identified" {
            json!({"type": "identify", "messageId": id, "userId": "u", "context": context, "traits": properties})
        } else {
            json!({"type": "track", "event": name, "messageId": id, "anonymousId": "a", "context": context, "properties": properties})
        })
    }

    fn input(&mut self, input: Input, at_ms: u64) {
        let seen = self.records.last().map_or(0, |record| record.seq);
        let effects = self.visitor.handle(input, at_ms, self.config);
        let (mut flushed, mut letters) = (None, None);
        for effect in effects {
            match effect {
                Effect::Spill { bytes, .. } => {
                    // A page takes what was hot before as well.
                    let page = Visitor::decode_page(&bytes).unwrap();
                    self.records.extend(page.into_iter().filter(|record| record.seq > seen));
                }
                Effect::Flush { through, .. } => flushed = Some(through),
                Effect::Feed(written) => letters = Some(written),
                Effect::Reject(rejection) => panic!("the generator wrote a bad event: {rejection:?}"),
                _ => {}
            }
        }
        let seen = self.records.last().map_or(seen, |record| record.seq.max(seen));
        self.records.extend(self.visitor.hot_records_after(seen));
        if self.reloads {
            let stored = self.visitor.snapshot();
            let loaded = Visitor::load(&stored).unwrap();
            assert_eq!(loaded, self.visitor, "what is stored is the whole visitor");
            self.visitor = loaded;
        }
        if let Some(through) = flushed {
            self.input(Input::flushed(through), at_ms);
        }
        if let Some(letters) = letters {
            self.input(Input::taken(letters), at_ms);
        }
    }
}

fn delivery(events: &[Value]) -> Input {
    let batch = decode_batch(json!({"batch": events}).to_string().as_bytes(), Authority::Visitor).unwrap();
    assert!(batch.rejections.is_empty(), "{:#?}", batch.rejections);
    let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
    Input::Events(Delivery { events, surroundings: Surroundings::default() })
}
