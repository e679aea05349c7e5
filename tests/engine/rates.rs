//! How many events of a visitor are taken in how long, with time that jumps.

use crate::sim::{DAY, MINUTE, SECOND, Sim};
use footfall::engine::Rate;
use footfall_protocol::event::Authority;
use footfall_protocol::rejection::Code;
use serde_json::{Value, json};

const RATE: Rate = Rate { count: 100, per_ms: MINUTE };

fn sim() -> Sim {
    let mut sim = Sim::with_rules(json!([]));
    sim.config.settings.rate = Some(RATE);
    sim.evicts = true;
    sim
}

fn events(count: usize) -> Vec<Value> {
    (0..count).map(|_| json!({"event": "thing"})).collect()
}

/// Sends one event; whether it was taken.
fn takes_one(sim: &mut Sim) -> bool {
    let before = sim.rejections.len();
    sim.send(json!({"event": "thing"}));
    sim.rejections.len() == before
}

#[test]
fn of_a_burst_across_the_edge_of_a_minute_the_101st_event_is_refused() {
    let mut sim = sim();
    // 50 in the last second of a minute by the clock, and 50 in the first second of the next one.
    let edge_ms = sim.now_ms.next_multiple_of(MINUTE) + MINUTE;
    sim.pass(edge_ms - sim.now_ms - SECOND);
    for _ in 0..100 {
        assert!(takes_one(&mut sim));
        sim.pass(20);
    }
    assert!(!takes_one(&mut sim));
    sim.pass(30 * SECOND);
    assert!(!takes_one(&mut sim));
    let rejection = sim.rejections.last().unwrap().clone();
    assert_eq!((rejection.code, rejection.retry_after_ms), (Code::RateLimited, Some(28 * SECOND)));
    sim.pass(28 * SECOND - 1);
    assert!(!takes_one(&mut sim));
    sim.pass(1);
    assert!(takes_one(&mut sim) && !takes_one(&mut sim));
    assert_eq!(sim.see("/session/events"), 101);
}

#[test]
fn a_delivery_is_taken_whole_or_not_at_all_and_a_refusal_changes_nothing() {
    let mut sim = sim();
    sim.send_as(Authority::Visitor, events(60));
    let before = sim.stored();
    sim.send_as(Authority::Visitor, events(41));
    assert_eq!(sim.rejections.len(), 41);
    assert!(sim.stored() == before, "not a byte");
    sim.send_as(Authority::Visitor, events(40));
    assert_eq!((sim.rejections.len(), sim.see("/session/events")), (41, json!(100)));
}

#[test]
fn repeats_count_for_nothing() {
    let mut sim = sim();
    let same: Vec<Value> = (0..500).map(|n| json!({"event": "thing", "messageId": format!("m{}", n % 100)})).collect();
    sim.send_as(Authority::Visitor, same.clone());
    sim.send_as(Authority::Visitor, same);
    assert_eq!((sim.rejections.len(), sim.see("/session/events")), (0, json!(100)));
    assert!(!takes_one(&mut sim));
}

#[test]
fn what_pages_send_never_keeps_out_what_servers_send() {
    let mut sim = sim();
    sim.send_as(Authority::Public, events(60)).send_as(Authority::Visitor, events(40));
    assert!(!takes_one(&mut sim));
    sim.send_as(Authority::Source, events(100));
    assert_eq!((sim.rejections.len(), sim.see("/session/events")), (1, json!(200)));
    sim.send_as(Authority::Source, events(1));
    assert_eq!(sim.rejections.len(), 2);
}

#[test]
fn who_withdraws_consent_is_heard_however_much_was_sent() {
    let mut sim = sim();
    sim.send_as(Authority::Visitor, events(100));
    let denied = json!({"event": "thing", "context": {"consent": "denied"}});
    sim.send(denied).pass(DAY);
    sim.rejections.clear();
    assert!(!takes_one(&mut sim));
    assert_eq!(sim.rejections[0].code, Code::ConsentRequired);
}

#[test]
fn without_a_limit_nothing_is_kept_of_times() {
    let mut limited = sim();
    let mut free = sim();
    free.config.settings.rate = None;
    for sim in [&mut limited, &mut free] {
        sim.send_as(Authority::Visitor, events(100));
    }
    // Zeros fill it up to where its records begin.
    let bytes = |sim: &Sim| sim.stored().hot.iter().filter(|byte| **byte != 0).count();
    let grown = bytes(&limited) - bytes(&free);
    assert!((1..40).contains(&grown), "{grown} bytes: a batch is one run");
}
