//! Records on their way to the queues.

use crate::sim::{HOUR, MINUTE, MoreQueue, SECOND, Sim};
use footfall_protocol::event::Authority;
use footfall_protocol::record::{Record, RecordKind};
use serde_json::json;

#[test]
fn what_a_session_leaves_is_flushed_at_its_end() {
    let mut sim = Sim::with_rules(json!([]));
    sim.page("t1", "home", "/");
    sim.pass(30 * MINUTE - 1);
    assert!(sim.records(RecordKind::SessionEnded).is_empty());
    sim.pass(1);
    assert_eq!(sim.records(RecordKind::SessionEnded).len(), 1, "not after the site's `flush_after`");
    assert_eq!(sim.visitor.hot_records().len(), 0);
}

#[test]
fn records_reach_the_queue_once_and_in_order_by_age() {
    let mut sim = Sim::with_rules(json!([]));
    sim.page("t1", "home", "/").pass(29 * SECOND);
    assert!(sim.queue.is_empty());
    sim.pass(SECOND);
    assert_eq!(sim.queue.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3]);
    sim.pass(HOUR);
    let numbers: Vec<u64> = sim.queue.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_large_batch_goes_to_a_cold_page_and_is_flushed_at_once() {
    let mut sim = Sim::with_rules(json!([]));
    sim.evicts = true;
    let event = |n: usize| json!({"event": "note", "properties": {"text": "x".repeat(200), "n": n}});
    sim.send_as(Authority::Source, (0..300).map(event).collect());
    assert_eq!(sim.records(RecordKind::Event).len(), 300);
    assert!(sim.stored().hot.len() < 8 * 1024);
}

#[test]
fn a_queue_that_is_down_loses_nothing_and_is_tried_later() {
    let mut sim = Sim::with_rules(json!([]));
    sim.queue_is_up = false;
    sim.page("t1", "home", "/").pass(10 * MINUTE);
    for n in 0..40 {
        sim.track("t1", "note", json!({"text": "x".repeat(300), "n": n})).pass(MINUTE);
    }
    assert!(sim.queue.is_empty());
    sim.queue_is_up = true;
    sim.pass(10 * MINUTE);
    let numbers: Vec<u64> = sim.queue.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert_eq!(sim.records(RecordKind::Event).len(), 41);
}

#[test]
fn while_one_queue_refuses_the_others_get_each_record_once_and_soon() {
    let numbers = |records: &[Record]| records.iter().map(|record| record.seq).collect::<Vec<_>>();
    let mut sim = Sim::with_rules(json!([]));
    sim.evicts = true;
    sim.more.insert("archive", MoreQueue::default());
    sim.more.insert("origin", MoreQueue { refuses: true, ..MoreQueue::default() });
    // More than one flight can take along.
    for n in 0..400 {
        sim.track("t1", "note", json!({"text": "x".repeat(1_000), "n": n})).pass(2 * MINUTE);
        assert_eq!(numbers(&sim.queue), (1..=sim.made.len() as u64).collect::<Vec<_>>(), "after {n}");
    }
    assert_eq!(numbers(&sim.more["archive"].took), numbers(&sim.queue));
    assert!(sim.more["origin"].took.is_empty());
    // A sink that comes to the site now gets what still waits, and one that goes is not waited for.
    sim.more.insert("later", MoreQueue::default());
    sim.more.get_mut("origin").unwrap().refuses = false;
    sim.pass(10 * MINUTE);
    for queue in sim.more.values() {
        assert_eq!(numbers(&queue.took), (1..=sim.made.len() as u64).collect::<Vec<_>>());
    }
    assert_eq!((sim.see("/outbox/hot"), sim.see("/outbox/pages")), (json!(0), json!(0)));
    sim.more.get_mut("later").unwrap().refuses = true;
    sim.track("t1", "note", json!({})).pass(10 * MINUTE);
    assert_ne!(sim.see("/outbox/hot"), json!(0));
    sim.more.remove("later");
    sim.pass(10 * MINUTE);
    assert_eq!(sim.see("/outbox/hot"), json!(0));
    assert_eq!(numbers(&sim.more["origin"].took), (1..=sim.made.len() as u64).collect::<Vec<_>>());
}
