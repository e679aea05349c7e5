//! Consent and Global Privacy Control: every combination, against the table of docs/privacy.md, and what a withdrawal does.

use crate::sim::{DAY, HOUR, MINUTE, SECOND, Sim, config};
use crate::world::{World, demo};
use footfall::engine::{Config, Effect, Gone, Input};
use footfall_protocol::decode::decode_batch;
use footfall_protocol::event::{Authority, Delivery, Geo, Surroundings};
use footfall_protocol::ids::{Foreign, visitor_of};
use footfall_protocol::limits::WITHDRAWN_LIVES_MAX;
use footfall_protocol::record::RecordKind;
use serde_json::{Value, json};

/// The lines of the table: site, known before, the event says, on whose word, the event is, known after.
fn table() -> Vec<[String; 6]> {
    let page = include_str!("../../docs/privacy.md");
    let lines = page.lines().skip_while(|line| !line.starts_with("| Site | Known before")).skip(2);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    lines.take_while(|line| line.starts_with('|')).map(|line| cells(line).try_into().unwrap()).collect()
}

fn event(name: &str, consent: &str) -> Value {
    let consent = if consent == "nothing" { "" } else { consent };
    json!({"event": name, "context": {"tab": "t", "consent": consent}})
}

fn deliver(sim: &mut Sim, authority: Authority, event: Value, gpc: bool) {
    let mut event = event;
    event["type"] = json!("track");
    event["anonymousId"] = json!("a");
    let batch = decode_batch(json!({"batch": [event]}).to_string().as_bytes(), authority).unwrap();
    let events = batch.events.into_iter().map(|decoded| (decoded.index, decoded.event)).collect();
    let geo = Geo { country: "DE".into(), region: "BE".into(), city: "Berlin".into(), ..Geo::default() };
    sim.input(Input::Events(Delivery {
        events,
        surroundings: Surroundings { geo: Some(geo), gpc, ..Default::default() },
    }));
}

/// A visitor of whom this is known.
fn known(sim: &mut Sim, before: &str) {
    match before {
        "nobody" => {}
        "unknown" => deliver(sim, Authority::Source, event("seen", "nothing"), false),
        "granted" => deliver(sim, Authority::Source, event("seen", "granted"), false),
        "denied" => {
            deliver(sim, Authority::Source, event("seen", "granted"), false);
            deliver(sim, Authority::Source, event("seen", "denied"), false);
        }
        other => panic!("{other}"),
    }
    sim.pass(SECOND);
}

#[test]
fn every_combination_of_consent_does_what_the_table_says() {
    let table = table();
    assert!(table.len() > 5);
    let mut used = vec![0; table.len()];
    for site in ["required", "assumed"] {
        for before in ["nobody", "unknown", "granted", "denied"] {
            for says in ["nothing", "granted", "denied"] {
                for (word, authority) in
                    [("public", Authority::Public), ("visitor", Authority::Visitor), ("source", Authority::Source)]
                {
                    let fits = |cells: &[String; 6]| {
                        let pairs = [(&cells[0], site), (&cells[1], before), (&cells[2], says), (&cells[3], word)];
                        pairs.iter().all(|(cell, is)| *cell == "any" || *cell == is)
                    };
                    let line = table.iter().position(fits).expect("a line fits");
                    used[line] += 1;
                    for (gpc, erases) in [(false, false), (true, false), (false, true), (true, true)] {
                        let mut sim = Sim::with_rules(json!([]));
                        sim.config.settings.consent_required = site == "required";
                        sim.config.settings.withdrawal_erases = erases;
                        known(&mut sim, before);
                        let stored = sim.stored();
                        sim.rejections.clear();
                        deliver(&mut sim, authority, event("now", says), gpc);
                        let about = format!("{site}, {before}, {says}, {word}, gpc {gpc}, erases {erases}");
                        let taken = sim.rejections.is_empty();
                        assert_eq!(if taken { "taken" } else { "refused" }, table[line][4], "{about}");
                        let after = sim.see("/consent");
                        match table[line][5].as_str() {
                            "nobody" => assert_eq!(sim.stored(), stored, "{about}"),
                            "as before" => assert_eq!(sim.stored(), stored, "{about}"),
                            known => assert_eq!(after, known, "{about}"),
                        }
                        assert_eq!(sim.made.iter().any(|record| record.name == "now"), taken, "{about}");
                        assert_eq!(sim.see("/gpc"), json!(taken && gpc), "{about}");
                    }
                }
            }
        }
    }
    assert!(used.iter().all(|times| *times > 0), "a line that never decides: {used:?}");
}

#[test]
fn a_withdrawal_erases_state_and_waiting_records_and_asks_until_it_is_done() {
    let mut sim = lively(true);
    let old = sim.visitor.incarnation();
    sim.input(Input::Withdraw);
    assert_eq!(sim.erasures, [vec![Gone { incarnation: old, users: Vec::new() }]]);
    assert_ne!(sim.visitor.incarnation(), old, "what comes after is another life");
    let shown = sim.visitor.inspection(sim.now_ms, &sim.config);
    let text = serde_json::to_string(&shown).unwrap();
    for mark in ["marker", "tent", "wave", "t1"] {
        assert!(!text.contains(mark), "{mark} in {text}");
        let stored = sim.stored();
        let bytes: Vec<u8> = stored.cold.iter().flat_map(|(_, bytes)| bytes.clone()).chain(stored.hot).collect();
        assert!(!bytes.windows(mark.len()).any(|window| window == mark.as_bytes()), "{mark} is stored");
    }
    assert_eq!((sim.see("/consent"), sim.see("/outbox/hot")), (json!("denied"), json!(0)));
    let (made, sent) = (sim.made.len(), sim.sent.len());
    sim.pass(150 * SECOND);
    assert_eq!(sim.erasures.len(), 3, "it is asked for again every minute");
    sim.input(Input::Erased { lives: vec![old] });
    sim.pass(DAY);
    assert_eq!((sim.erasures.len(), sim.made.len(), sim.sent.len()), (3, made, sent), "nothing happens any more");
    assert!(!sim.deleted);
    sim.pass(30 * DAY);
    assert!(sim.deleted, "the refusal itself goes after the retention time");
}

#[test]
fn what_comes_after_a_withdrawal_is_another_life_numbered_from_one() {
    let mut sim = lively(true);
    sim.input(Input::Withdraw);
    let incarnation = sim.visitor.incarnation();
    deliver(&mut sim, Authority::Visitor, event("again", "granted"), false);
    assert_eq!(sim.visitor.incarnation(), incarnation);
    assert_eq!(sim.visitor.hot_records().iter().map(|record| record.seq).min(), Some(1), "numbered from 1 again");
    assert_eq!(sim.see("/profile/sessions"), json!(1));
    let old = sim.erasures[0].iter().map(|gone| gone.incarnation).collect();
    sim.input(Input::Erased { lives: old });
    assert!(sim.visitor.hot_records().iter().any(|record| record.name == "again"));
}

#[test]
fn attention_to_a_page_while_consent_is_denied_counts_for_nothing() {
    let mut sim = Sim::with_rules(json!([
        {"id": "dwell", "pattern": {"dwell": {"for": "60s", "where": {}}}, "actions": [{"push": {"slot": "s", "content": {"text": "x"}}}]}
    ]));
    sim.page("t1", "product", "/p/tent").page("t2", "product", "/p/mat").connect("t1", None).connect("t2", None);
    sim.pass(10 * SECOND).input(Input::Withdraw);
    // Of two sockets one closes, which must not begin the clock of the other's page.
    sim.pass(10 * SECOND).disconnect("t2").pass(5 * MINUTE);
    let explained = serde_json::to_value(sim.visitor.explain("dwell", sim.now_ms, &sim.config)).unwrap();
    assert_eq!((&explained["would_fire"], &explained["pattern"]["clocks"]), (&json!(false), &json!([])));
    assert!(explained["awaits"].to_string().contains("denied consent"), "{explained}");
    sim.send(json!({"event": "again", "context": {"consent": "granted"}})).pass(SECOND);
    assert_eq!(sim.pushes(), []);
    assert_eq!(sim.see("/session/engaged_ms"), json!(10_000));
    // From then on it is as ever, on a page that is opened then.
    sim.page("t1", "product", "/p/tent").pass(MINUTE);
    assert_eq!(sim.pushes().len(), 1);
    sim.assert_log_tells_all("with what came while it was denied");
}

#[test]
fn a_withdrawal_that_keeps_stops_timers_and_pushes_and_records_nothing_more() {
    let mut sim = lively(false);
    sim.input(Input::Withdraw);
    assert!(sim.erasures.is_empty());
    assert_eq!(sim.made.last().unwrap().name, "consent_denied");
    assert_eq!(
        (sim.see("/cart/count"), sim.see("/pushes"), sim.see("/consent")),
        (json!(1), json!([]), json!("denied"))
    );
    let (made, sent) = (sim.made.len(), sim.sent.len());
    sim.disconnect("t1").pass(3 * HOUR).connect("t2", None).pass(HOUR);
    assert_eq!(sim.made.len(), made, "not even that a socket closed");
    let pushed = |(_, _, message): &(u64, _, footfall_protocol::message::ServerMessage)| {
        serde_json::to_value(message).unwrap()["type"] == "push"
    };
    assert!(!sim.sent[sent..].iter().any(pushed));
    assert!(sim.made.iter().all(|record| record.kind != RecordKind::TriggerFired || record.name != "dwell"));
    // Said again, it changes nothing.
    let stored = sim.stored();
    assert_eq!(sim.visitor.handle(Input::Withdraw, sim.now_ms, &sim.config), Vec::<Effect>::new());
    assert_eq!(sim.stored(), stored);
    // With consent it goes on where it was: the session that is over meanwhile ends first.
    deliver(&mut sim, Authority::Visitor, event("back", "granted"), false);
    assert!(sim.made[made..].iter().any(|record| record.kind == RecordKind::SessionEnded));
    assert_eq!((sim.see("/cart/count"), sim.see("/profile/sessions")), (json!(1), json!(2)));
}

#[test]
fn what_a_users_object_answers_after_a_withdrawal_is_heard_once_consent_is_given_again() {
    let rules = || {
        let push = json!([{"push": {"slot": "s", "content": {"text": "x"}}}]);
        let mut config = config(
            json!([{"id": "buyer", "pattern": {"segment": {"entered": "buyer"}}, "actions": push}]),
            json!([{"id": "buyer", "when": {"user.orders": {"$gte": 1}}}]),
            json!([]),
        );
        config.settings.withdrawal_erases = false;
        config
    };
    let mut world = World::new(rules as fn() -> Config);
    let order = json!({"event": "Order Completed", "anonymousId": "b", "userId": "u", "properties": {"order_id": "1", "revenue": 5}});
    world.send(Authority::Source, &order);
    world.pass(5 * SECOND);
    let id = visitor_of(&demo(), Foreign::Anonymous, "a").unwrap();
    world.send(Authority::Source, &json!({"type": "identify", "anonymousId": "a", "userId": "u"}));
    // The letter leaves, the visitor says no, and then the answer comes.
    world.visitor(id).pass(2 * SECOND);
    world.now_ms += 2 * SECOND;
    assert_eq!(world.visitor(id).letters.len(), 1);
    world.visitor(id).input(Input::Withdraw);
    let (made, sent) = (world.visitor(id).made.len(), world.visitor(id).sent.len());
    world.carry();
    world.pass(HOUR);
    let visitor = world.visitor(id);
    assert_eq!((visitor.made.len(), visitor.sent.len()), (made, sent), "{:?}", &visitor.sent[sent..]);
    assert_eq!(visitor.see("/segments"), json!([]));
    // From then on it is as ever.
    let back = json!({"event": "back", "anonymousId": "a", "context": {"consent": "granted"}});
    world.send(Authority::Source, &back);
    world.pass(MINUTE);
    assert_eq!((world.see("a", "/user/orders"), world.see("a", "/segments")), (json!(1), json!(["buyer"])));
    assert_eq!(world.visitor(id).pushes().len(), 1);
    world.visitor(id).assert_log_tells_all("with an answer that came while it was denied");
}

#[test]
fn in_the_life_after_a_withdrawal_nothing_happens_before_its_first_event() {
    let push = json!([{"push": {"slot": "s", "content": {"text": "x"}}}]);
    let mut sim = Sim::new(config(
        json!([{"id": "r", "pattern": {"segment": {"entered": "newcomer"}}, "actions": push}]),
        json!([{"id": "newcomer", "when": {"profile.orders": 0}}]),
        json!([{"id": "new", "rank": 0}, {"id": "gone", "rank": 1, "enter": [{"after_idle": "1d"}]}]),
    ));
    sim.config.settings.withdrawal_erases = true;
    deliver(&mut sim, Authority::Visitor, event("seen", "granted"), false);
    let old = sim.visitor.incarnation();
    sim.pass(SECOND).input(Input::Withdraw).input(Input::Erased { lives: vec![old] }).pass(2 * DAY);
    let made = sim.made.len();
    deliver(&mut sim, Authority::Visitor, event("again", "granted"), false);
    sim.made.drain(..made);
    let kinds: Vec<_> = sim.made.iter().map(|record| (record.kind, record.session)).collect();
    let expected =
        [RecordKind::SessionStarted, RecordKind::Event, RecordKind::SegmentEntered, RecordKind::TriggerFired];
    assert_eq!(kinds, expected.map(|kind| (kind, 1)));
    sim.assert_log_tells_all("a life after a withdrawal");
}

#[test]
fn of_too_many_lives_to_erase_one_that_a_user_counts_goes_last() {
    let mut sim = Sim::with_rules(json!([]));
    sim.config.settings.withdrawal_erases = true;
    let mut lives = Vec::new();
    for life in 0..=WITHDRAWN_LIVES_MAX {
        lives.push(sim.visitor.incarnation());
        let mut said = event("seen", "granted");
        if life == 1 {
            said["userId"] = json!("u");
        }
        deliver(&mut sim, Authority::Source, said, false);
        sim.pass(5 * SECOND).input(Input::Withdraw);
    }
    let kept: Vec<_> = sim.visitor.withdrawn().iter().map(|gone| gone.incarnation).collect();
    lives.remove(2);
    assert_eq!(kept, lives, "the first, which has the most to it, and the second, of which a user knows");
    assert_eq!(sim.visitor.withdrawn()[1].users.len(), 1);
}

/// A visitor with a cart, a trait, a push, a dwell clock and records that wait.
fn lively(erases: bool) -> Sim {
    let mut config = config(
        json!([
            {"id": "wave", "pattern": {"event": {"name": "wave"}}, "actions": [{"push": {"slot": "s", "content": {"text": "marker"}, "expires": "5h"}}]},
            {"id": "dwell", "pattern": {"dwell": {"for": "30s", "where": {"page.kind": "product"}}}, "actions": [{"push": {"slot": "s", "content": {"text": "x"}}}]}
        ]),
        json!([]),
        json!([]),
    );
    config.settings.withdrawal_erases = erases;
    config.settings.flush_after_ms = 10 * MINUTE;
    let mut sim = Sim::new(config);
    sim.connect("t1", None).page("t1", "product", "/p/tent");
    sim.track("t1", "Product Added", json!({"sku": "tent", "price": 3})).track("t1", "wave", json!({}));
    sim.send(json!({"type": "identify", "userId": "marker", "traits": {"a": "marker"}, "context": {"tab": "t1"}}));
    sim.pass(SECOND);
    let timers = sim.see("/timers");
    assert!(timers.as_array().unwrap().iter().any(|timer| timer["reason"] == "dwell"), "{timers}");
    assert_ne!(sim.see("/outbox/hot"), json!(0));
    sim
}

#[test]
fn global_privacy_control_marks_records_and_keeps_no_place_below_the_country() {
    let mut sim = Sim::with_rules(json!([]));
    deliver(&mut sim, Authority::Visitor, event("before", "nothing"), false);
    assert_eq!((sim.see("/geo/city"), sim.see("/gpc")), (json!("Berlin"), json!(false)));
    deliver(&mut sim, Authority::Visitor, event("with", "nothing"), true);
    deliver(&mut sim, Authority::Visitor, event("after", "nothing"), false);
    assert_eq!(sim.see("/geo"), json!({"country": "DE"}), "what was known is dropped, and stays so");
    assert_eq!(sim.see("/gpc"), json!(true), "whatever later requests say");
    for record in &sim.made {
        let marked = serde_json::to_value(&record.data).unwrap()["gpc"] == json!(true);
        let late = record.seq >= sim.made.iter().find(|record| record.name == "with").unwrap().seq;
        assert_eq!(marked, late, "{record:?}");
        assert!(!late || !serde_json::to_string(&record.data).unwrap().contains("Berlin"), "{record:?}");
    }
}
