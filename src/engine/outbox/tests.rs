//! The outbox without a disk or a queue.

use super::*;
use footfall_protocol::Object;
use footfall_protocol::record::RecordKind;

fn record(bytes: usize) -> Record {
    Record { seq: 0, at_ms: 10, kind: RecordKind::Event, name: "x".repeat(bytes), session: 1, data: Object::new() }
}

const fn everything(pages: Range<u64>, through: u64) -> Effect {
    Effect::Flush { pages, through, ahead: Vec::new() }
}

#[test]
fn records_are_flushed_before_they_outgrow_the_hot_row() {
    let mut outbox = Outbox::default();
    outbox.push(record(OUTBOX_WAITING_BYTES_MAX / 2));
    assert_eq!(outbox.due_ms(1_000), Some(1_010));
    outbox.push(record(OUTBOX_WAITING_BYTES_MAX / 2));
    assert_eq!((outbox.due_ms(1_000), outbox.spill()), (Some(10), Vec::new()));
    assert_eq!(outbox.flush(20, 1_000), Some(everything(0..0, 2)));
    outbox.push(record(1));
    assert_eq!(outbox.flushed(2, Vec::new(), 30), None);
    assert_eq!((outbox.waiting(), outbox.due_ms(1_000)), ((1, 0), Some(1_010)));
}

#[test]
fn what_is_no_longer_fresh_goes_along_with_an_event() {
    let (mut outbox, later_ms) = (Outbox::default(), 600_010);
    outbox.push(record(1));
    let hour_ms = 3_600_000;
    assert_eq!(outbox.flush_if_due(later_ms - 1, hour_ms, true), None);
    assert_eq!(outbox.flush_if_due(later_ms, hour_ms, false), None);
    assert_eq!(outbox.flush_if_due(later_ms, hour_ms, true), Some(everything(0..0, 1)));
    assert_eq!(outbox.flush_if_due(later_ms + 1, hour_ms, true), None, "it is on its way");
    assert_eq!(outbox.due_ms(hour_ms), Some(later_ms + hour_ms), "and taken for lost no sooner than the next is due");
}

#[test]
fn a_flight_that_died_with_its_object_is_begun_again_at_once() {
    let hour_ms = 3_600_000;
    let mut outbox = Outbox::default();
    outbox.push(Record { kind: RecordKind::SessionEnded, ..record(0) });
    assert_eq!(outbox.flush_if_due(20, hour_ms, true), Some(everything(0..0, 1)));
    assert_eq!(outbox.due_ms(hour_ms), Some(20 + hour_ms));
    outbox.lose_flight(20);
    assert_eq!(outbox.flush_if_due(21, hour_ms, true), Some(everything(0..0, 1)));
    // A queue that refuses is not asked sooner than it would be; a flight to it that died is begun again as well.
    outbox.flush_failed(Vec::new(), 30);
    outbox.lose_flight(30);
    assert_eq!(outbox.due_ms(hour_ms), Some(30 + RETRY_MS.0));
    assert_eq!(outbox.flush_if_due(30 + RETRY_MS.0, hour_ms, false), Some(everything(0..0, 1)));
    outbox.lose_flight(30 + RETRY_MS.0);
    assert_eq!(outbox.due_ms(hour_ms), Some(30 + RETRY_MS.0 + RETRY_MS.1));
}

#[test]
fn the_end_of_a_session_and_what_a_rule_emits_are_flushed_at_once() {
    for kind in [RecordKind::SessionEnded, RecordKind::Emitted] {
        let mut outbox = Outbox::default();
        outbox.push(record(1));
        assert_eq!(outbox.due_ms(1_000), Some(1_010));
        outbox.push(Record { kind, ..record(0) });
        assert_eq!(outbox.due_ms(1_000), Some(10));
        assert_eq!(outbox.flush(20, 1_000), Some(everything(0..0, 2)));
        outbox.push(record(1));
        outbox.flushed(2, Vec::new(), 30);
        assert_eq!(outbox.due_ms(1_000), Some(1_010), "what came meanwhile waits as usual");
    }
}

#[test]
fn a_long_backlog_leaves_in_several_flights() {
    let mut outbox = Outbox::default();
    for _ in 0..=FLIGHT_PAGES_MAX {
        outbox.push(record(OUTBOX_HOT_BYTES_MAX));
        assert_eq!(outbox.spill().len(), 1);
    }
    outbox.push(record(1));
    let (pages, records) = (FLIGHT_PAGES_MAX as u64, FLIGHT_PAGES_MAX as u64 + 2);
    assert_eq!(outbox.flush(20, 1_000), Some(everything(16..16 + pages, pages)));
    assert_eq!(outbox.flushed(pages, Vec::new(), 30), Some(Effect::Drop { pages: 16..16 + pages }));
    assert!(outbox.due_ms(1_000).is_some_and(|due_ms| due_ms <= 30), "the rest is due");
    let rest = everything(16 + pages..17 + pages, records);
    assert_eq!(outbox.flush(30, 1_000), Some(rest));
}

#[test]
fn records_that_the_queue_does_not_take_in_time_move_to_a_page() {
    let mut outbox = Outbox::default();
    outbox.push(record(OUTBOX_HOT_BYTES_MAX));
    assert!(matches!(*outbox.spill(), [Effect::Spill { page: 16, .. }]));
    outbox.push(record(1));
    assert_eq!(outbox.flush(20, 1_000), Some(everything(16..17, 2)));
    assert_eq!(outbox.flushed(2, Vec::new(), 30), Some(Effect::Drop { pages: 16..17 }));
    assert_eq!((outbox.waiting(), outbox.due_ms(1_000)), ((0, 0), None));
}

#[test]
fn a_large_batch_moves_to_several_pages() {
    let mut outbox = Outbox::default();
    let each = OUTBOX_PAGE_BYTES_MAX / 4;
    (0..9).for_each(|_| outbox.push(record(each)));
    let spilt = outbox.spill();
    let numbers = |effect: &Effect| {
        let Effect::Spill { page, bytes } = effect else { panic!("{effect:?}") };
        (*page, decode_page(bytes).unwrap().iter().map(|record| record.seq).collect::<Vec<_>>())
    };
    let pages: Vec<_> = spilt.iter().map(numbers).collect();
    assert_eq!(pages, [(16, vec![1, 2, 3]), (17, vec![4, 5, 6]), (18, vec![7, 8, 9])]);
    assert_eq!(outbox.flush(20, 1_000), Some(everything(16..19, 9)));
    assert_eq!(outbox.flushed(6, Vec::new(), 30), Some(Effect::Drop { pages: 16..18 }));
    outbox.push(record(2 * OUTBOX_PAGE_BYTES_MAX));
    outbox.push(record(1));
    assert_eq!(outbox.spill().len(), 2, "one record is never cut");
    assert_eq!(outbox.page_numbers(), 18..21);
}

#[test]
fn a_queue_that_took_the_records_goes_on_behind_them_while_another_refuses() {
    let taken = |seq| vec![("d1".to_owned(), seq)];
    let mut outbox = Outbox::default();
    outbox.push(record(1));
    outbox.flush_failed(taken(1), 20);
    outbox.push(record(OUTBOX_HOT_BYTES_MAX));
    assert_eq!(outbox.spill().len(), 1);
    outbox.push(record(1));
    let share = |after, through| Share { sink: "d1".into(), after, pages: 16..17, through };
    let flush = Effect::Flush { pages: 16..17, through: 3, ahead: vec![share(1, 3)] };
    assert_eq!(outbox.flush(30, 1_000), Some(flush));
    assert_eq!(outbox.flushed(3, taken(3), 40), Some(Effect::Drop { pages: 16..17 }));
    outbox.push(record(1));
    assert_eq!(outbox.flush(50, 1_000), Some(everything(0..0, 4)), "nobody is ahead of what is gone");
}

#[test]
fn a_long_backlog_of_one_queue_keeps_no_other_from_new_records() {
    let mut outbox = Outbox::default();
    for page in 0..3 * FLIGHT_PAGES_MAX as u64 {
        outbox.push(record(OUTBOX_HOT_BYTES_MAX));
        assert_eq!(outbox.spill().len(), 1);
        outbox.flush_failed(vec![("d1".to_owned(), page + 1)], page);
    }
    outbox.push(record(1));
    let Some(Effect::Flush { through, ahead, .. }) = outbox.flush(1_000, 1_000) else { panic!("there is something") };
    let new = 3 * FLIGHT_PAGES_MAX as u64;
    assert_eq!(through, FLIGHT_PAGES_MAX as u64);
    assert_eq!(ahead, [Share { sink: "d1".into(), after: new, pages: 0..0, through: new + 1 }]);
    let dropped = outbox.flushed(through, vec![("d1".to_owned(), new + 1)], 1_000);
    assert_eq!(dropped, Some(Effect::Drop { pages: 16..16 + through }));
    let Some(Effect::Flush { through, ahead, .. }) = outbox.flush(1_000, 1_000) else { panic!("there is more") };
    assert_eq!((through, ahead[0].after), (2 * FLIGHT_PAGES_MAX as u64, new + 1), "and it keeps its place");
}

#[test]
fn while_other_queues_take_records_the_next_try_is_never_far() {
    let (mut none, mut some) = (Outbox::default(), Outbox::default());
    for _ in 0..20 {
        none.flush_failed(Vec::new(), 0);
        some.flush_failed(vec![("d1".to_owned(), 1)], 0);
    }
    assert_eq!((none.not_before_ms, some.not_before_ms), (RETRY_MS.1, RETRY_BESIDE_MS));
}
