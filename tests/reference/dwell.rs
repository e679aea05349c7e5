//! Dwells: since when the condition has held on a page, found by looking back through the whole history.

use super::history::{Moment, Scalar, What, duration_ms};
use super::point::holds;
use serde_json::Value;

/// The next deadline, and of which tab.
pub(crate) fn due(authored: &Value, history: &[Moment], part: &str) -> Option<(u64, Option<Scalar>)> {
    let last = history.last()?;
    let tabs = last.state.tabs.iter();
    let due =
        tabs.filter_map(|tab| Some((due_on(authored, history, part, &tab.id)?, Some(Scalar::Text(tab.id.clone())))));
    due.min_by_key(|(due_ms, _)| *due_ms)
}

fn due_on(authored: &Value, history: &[Moment], part: &str, tab: &str) -> Option<u64> {
    let last = history.last()?;
    let view = last.state.view(tab)?;
    // "Occurs when the condition has held without a break for that long … on one page view of one tab"
    let held = |moment: &&Moment| {
        moment.state.view(tab).is_some_and(|its| its.number == view.number)
            && authored.get("where").is_none_or(|condition| holds(condition, &|path| moment.read_on(path, tab)))
    };
    let held: Vec<&Moment> = history.iter().rev().take_while(held).collect();
    let began = held.last()?;
    // "Once for each time that the condition begins to hold."
    let came = |moment: &&Moment| matches!(&moment.what, What::Due { part: its, key } if its == part && *key == Some(Scalar::Text(tab.to_owned())));
    if held.iter().any(came) {
        return None;
    }
    // "counted in attention …: hiding the tab or losing its socket pauses the clock"
    let began_engaged_ms = began.state.view(tab)?.engaged_at(began.at_ms);
    let left_ms = (began_engaged_ms + duration_ms(authored["for"].as_str().unwrap())).checked_sub(view.engaged_ms)?;
    view.since_ms.map(|since_ms| since_ms + left_ms)
}
