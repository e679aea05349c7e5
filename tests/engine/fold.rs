//! The state at any time of a life is the fold of its log up to then.

use crate::properties::{LIVES, Step, apply, life, site};
use crate::sim::{MINUTE, SECOND, START, Sim, config};
use footfall::engine::user::{Answer, Content, Refusal};
use footfall::engine::{FoldFault, Input, To};
use footfall_protocol::event::Authority;
use footfall_protocol::ids::{Foreign, SiteId, visitor_of};
use footfall_protocol::record::RecordKind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

/// Compares after steps of a life, and at random times in between.
fn compare(seed: u64, late: bool) -> usize {
    let mut random = StdRng::seed_from_u64(seed + 77);
    let mut sim = Sim::new(site(seed));
    let mut compared = 0;
    let mut chance = StdRng::seed_from_u64(seed + 78);
    let mut check = |sim: &Sim, compared: &mut usize| {
        // Each costs the whole life so far.
        if sim.made.is_empty() || chance.random_range(0..8) > 0 {
            return;
        }
        sim.assert_log_tells_all(&format!("seed {seed}"));
        *compared += 1;
    };
    for (wait_ms, step) in life(seed) {
        let part_ms = random.random_range(0..=if late { wait_ms.min(2 * SECOND) } else { wait_ms });
        if late && part_ms < SECOND {
            // The platform rings late: what was due comes with the next wake or step.
            sim.now_ms += part_ms;
        } else {
            sim.pass(part_ms);
            check(&sim, &mut compared);
        }
        sim.pass(wait_ms - part_ms);
        if !matches!(step, Step::Connect(_) | Step::Disconnect(_)) || !sim.made.is_empty() {
            apply(&mut sim, &step);
        }
        check(&sim, &mut compared);
    }
    compared
}

#[test]
fn the_state_at_any_time_is_the_fold_of_the_log_up_to_then() {
    let compared: usize = (0..LIVES).map(|seed| compare(seed, false)).sum();
    assert!(compared > 2 * usize::try_from(LIVES).unwrap(), "{compared}");
}

#[test]
fn the_state_is_the_fold_of_the_log_also_when_wakes_come_late() {
    let compared: usize = (0..LIVES).map(|seed| compare(seed, true)).sum();
    assert!(compared > 2 * usize::try_from(LIVES).unwrap(), "{compared}");
}

#[test]
fn a_state_of_the_past_is_folded_from_a_log_that_goes_on() {
    let mut sim = Sim::with_rules(json!([
        {"id": "wait", "pattern": {"dwell": {"for": "30s", "where": {"page.kind": "product"}}}, "actions": [{"set_trait": {"name": "waited", "value": true}}]}
    ]));
    sim.page("t", "product", "/p/tent").pass(10 * SECOND);
    sim.track("t", "Product Added", json!({"sku": "tent", "price": 10}));
    let before = (sim.now_ms, sim.told(&sim.visitor, sim.now_ms));
    sim.pass(25 * SECOND);
    let after = (sim.now_ms, sim.told(&sim.visitor, sim.now_ms));
    sim.pass(SECOND);
    sim.track("t", "Order Completed", json!({"order_id": "1", "revenue": 10})).pass(MINUTE);
    assert_ne!(before.1["profile"]["traits"], after.1["profile"]["traits"]);
    for (at_ms, then) in [before, after] {
        let again = sim.folded(at_ms).unwrap().unwrap();
        assert_eq!(sim.told(&again, at_ms), then);
    }
    assert_eq!(sim.folded(sim.made[0].at_ms - 1), Ok(None), "before it began");
    let retention_ms = sim.config.settings.retention_ms;
    assert_eq!(sim.folded(sim.now_ms + retention_ms + MINUTE), Ok(None), "after it was deleted");
}

#[test]
fn what_is_not_recorded_decides_nothing() {
    // A condition that time alone makes hold, or ends: it is looked at when something happens that the log tells.
    let late = json!({"session.total_seconds": {"$gte": 20}});
    let early = json!({"session.total_seconds": {"$lt": 20}});
    let push = json!([{"push": {"slot": "s", "content": {"text": "x"}, "expires": "1h", "retract": true}}]);
    let mut sim = Sim::with_rules(json!([
        {"id": "late", "pattern": {"dwell": {"for": "5s", "where": late}}, "actions": push},
        {"id": "early", "pattern": {"event": {"name": "page_viewed"}}, "condition": early, "actions": push}
    ]));
    sim.page("t", "product", "/p/tent").pass(30 * SECOND);
    for _ in 0..2 {
        sim.connect("other", None);
        sim.assert_log_tells_all("a tab that shows nothing connects");
        sim.disconnect("other").pass(10 * SECOND);
        sim.assert_log_tells_all("and disconnects");
    }
    let shown = |sim: &Sim| sim.sent.iter().filter(|(_, to, _)| *to == To::Tab("other".into())).count();
    assert_eq!(shown(&sim), 4, "two welcomes, each with the push that the other tab shows as well");
    sim.track("t", "look", json!({})).pass(10 * SECOND);
    assert_eq!(sim.see("/last_push"), json!(3), "one was taken back, and another one came");
    sim.assert_log_tells_all("all of it");
}

#[test]
fn of_two_tabs_at_one_time_the_one_whose_page_came_last_is_the_page() {
    let rule = json!([{"id": "r", "pattern": {"event": {"name": "look"}}, "actions": [{"record": {"name": "saw", "data": {"path": "{{page.path}}"}}}]}]);
    for connects in [&["a", "b"][..], &["b", "a"], &["b"], &[]] {
        let mut sim = Sim::with_rules(rule.clone());
        sim.page("c", "home", "/");
        for tab in connects {
            sim.connect(tab, None);
        }
        sim.pass(SECOND).page("a", "product", "/a").page("b", "product", "/b").track("", "look", json!({}));
        assert_eq!(
            sim.made.last().unwrap().data,
            serde_json::from_value(json!({"path": "/b"})).unwrap(),
            "{connects:?}"
        );
        sim.assert_log_tells_all("with sockets that came before their pages");
    }
}

#[test]
fn what_a_users_object_answered_stands_in_the_log_where_it_came() {
    let rules = json!([{"id": "r", "pattern": {"sequence": {"steps": [{"event": {"name": "one"}}, {"event": {"name": "two"}}]}}, "actions": [{"record": {"name": "both"}}]}]);
    let old = visitor_of(&SiteId::parse("demo").unwrap(), Foreign::User, "old").unwrap();
    for answer in [Answer::Taken(None), Answer::Refused(Refusal::Circle)] {
        let mut sim = Sim::at(config(rules.clone(), json!([]), json!([])), START, old);
        sim.keeps_letters = true;
        sim.send_as(Authority::Source, vec![json!({"type": "alias", "userId": "new", "previousId": "old"})]);
        sim.pass(3 * SECOND).track("t", "one", json!({}));
        let letters = std::mem::take(&mut sim.letters);
        assert!(letters.iter().any(|letter| matches!(letter.content, Content::Merges { .. })), "{letters:?}");
        let version = letters[0].version;
        let answers = letters.into_iter().map(|letter| (letter, answer.clone())).collect();
        sim.input(Input::Fed { version, answers });
        assert!(matches!(sim.made.last().unwrap().kind, RecordKind::UserMerged | RecordKind::UserRefused));
        sim.assert_log_tells_all("a step that was taken before the answer came");
        sim.track("t", "one", json!({}));
        sim.assert_log_tells_all("and one after it");
    }
}

#[test]
fn a_log_that_is_not_whole_gives_no_state() {
    let mut sim = Sim::new(config(json!([]), json!([]), json!([])));
    sim.page("t", "product", "/p/tent").page("t", "home", "/");
    let made = sim.made.clone();
    for seq in [1, 2] {
        sim.made = made.iter().filter(|record| record.seq != seq).cloned().collect();
        assert_eq!(sim.folded(sim.now_ms), Err(FoldFault::Missing(seq)));
    }
}
