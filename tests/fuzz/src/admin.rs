//! Any bytes, as what operators send: whole rulebooks, dry runs, and queries of the log. What is wrong is told with its
//! place, and what is taken is within bounds.

use footfall::engine::rules::RuleSet;
use footfall::engine::{Config, DryRun, Settings, Visitor};
use footfall::log::{Place, Wanted};
use footfall::rulebook::check::Documents;
use footfall::rulebook::diff::patch;
use footfall::rulebook::lists::{Unread, lists};
use footfall::rulebook::{Kind, is_id};
use footfall_protocol::Value;
use footfall_protocol::ids::SiteId;
use footfall_protocol::limits::{DRY_RUN_EVENTS_MAX, LOG_ENTRIES_MAX, RULEBOOK_FAULTS_MAX};
use footfall_protocol::query;
use uuid::Uuid;

/// Events of a dry run that the fuzzer lets happen: more would only be slow.
const EVENTS_MAX: usize = 8;

/// The first byte says what the rest is.
///
/// # Panics
/// When something is wrong with what reads it.
pub fn check(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    if first % 3 == 2 {
        return log(text);
    }
    if first % 3 == 0 {
        rulebook(text);
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    if first % 3 == 0 { patches(&value) } else { dry_run(&value) }
}

/// `{"rules": […], "segments": […], "stages": […]}`, as drafts are sent.
fn rulebook(text: &str) {
    let lists = match lists(text.as_bytes()) {
        Ok(lists) => lists,
        Err(Unread::Faults(faults)) => return assert!(!faults.is_empty()),
        Err(Unread::NotJson(_)) => return,
    };
    let mut documents = Documents::listed();
    let mut counts = [0; 3];
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        for document in lists.get(&kind).into_iter().flatten() {
            let id = document.id.as_deref().unwrap_or_default();
            assert!(!is_id(id) || (!id.contains('/') && id.len() <= 64));
            documents.push(kind, id, document.text.clone());
            counts[at] += 1;
        }
    }
    let checked = documents.check();
    assert!(checked.faults.len() <= RULEBOOK_FAULTS_MAX && checked.warnings.len() <= RULEBOOK_FAULTS_MAX);
    for found in checked.faults.iter().chain(&checked.warnings).chain(&documents.warnings()) {
        let place = Kind::ALL.iter().position(|kind| *kind == found.kind).unwrap();
        assert!(found.index.is_none_or(|index| index < counts[place]), "{found:?}");
        drop(serde_json::to_string(found).unwrap());
    }
    let piece = checked.rules.encode();
    assert!(RuleSet::decode(&piece).is_some_and(|again| again == checked.rules));
}

fn patches(value: &Value) {
    let steps = patch(&Value::Null, value);
    drop(serde_json::to_string(&steps).unwrap());
    assert!(patch(value, value).is_empty());
}

fn dry_run(value: &Value) {
    let events = value.get("events").and_then(Value::as_array).map_or(0, |events| events.len());
    let run = match DryRun::parse(value) {
        Ok(run) => run,
        Err(faults) => {
            assert!(!faults.is_empty());
            return drop(serde_json::to_string(&faults).unwrap());
        }
    };
    assert!(events <= DRY_RUN_EVENTS_MAX);
    if events > EVENTS_MAX {
        return;
    }
    let visitor = Visitor::new(SiteId::parse("demo").unwrap(), Uuid::from_u128(7), Uuid::from_u128(1));
    let rules = RuleSet::new(Vec::new(), Vec::new(), Vec::new());
    let config = Config { settings: Settings::default(), rules, version: 1 };
    let before = visitor.snapshot();
    drop(serde_json::to_string(&run.run(&visitor, 1_795_255_200_000, &config)).unwrap());
    assert!(visitor.snapshot() == before, "a dry run changes nothing");
}

fn log(text: &str) {
    for wanted in [Wanted::parse(text), Wanted::triggers(text)] {
        match wanted {
            Ok(wanted) => assert!((1..=LOG_ENTRIES_MAX).contains(&(wanted.limit as u64)), "{wanted:?}"),
            Err(message) => assert!(message.len() < 1_000, "{message}"),
        }
    }
    if let Some(place) = Place::parse(text) {
        assert_eq!(Place::parse(&place.cursor()).map(Place::cursor), Some(place.cursor()));
    }
    drop(query::member(text, "limit"));
}
