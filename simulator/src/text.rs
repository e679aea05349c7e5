//! A timeline as text for people: one line for each thing that happened.

use crate::time::{offset_text, time_text};
use crate::timeline::{Cause, Shown, Timeline, Timer, What};
use footfall_protocol::record::RecordKind;
use std::fmt::{Display, Formatter, Result};

impl Display for Timeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "{}: from {} to {}", self.name, time_text(self.start_ms), time_text(self.end_ms))?;
        let mut before = None;
        for entry in &self.entries {
            let at = if before == Some(entry.after_ms) { String::new() } else { offset_text(entry.after_ms) };
            before = Some(entry.after_ms);
            write!(f, "{at:>12}  {}", entry.what)?;
            if let What::TimerSet(timer) | What::TimerStopped(timer) = &entry.what {
                write!(f, ", due at {}", offset_text(timer.due_ms.saturating_sub(self.start_ms)))?;
            }
            writeln!(f)?;
        }
        writeln!(f, "{:>12}  the end", offset_text(self.end_ms.saturating_sub(self.start_ms)))
    }
}

/// On one line, but for what a firing shows, which has a line each.
impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Event { name, authority, tab, path } => {
                let path = if path.is_empty() { String::new() } else { format!(" {path}") };
                let tab = if tab.is_empty() { String::new() } else { format!(", tab {tab}") };
                write!(f, "event {name}{path} ({authority}{tab})")
            }
            Self::Rejected { message } => write!(f, "REJECTED: {message}"),
            Self::Connected { tab } => write!(f, "tab {tab} connects"),
            Self::Disconnected { tab } => write!(f, "tab {tab} loses its connection"),
            Self::SightChanged { tab, visible } => {
                write!(f, "tab {tab} is {} sight", if *visible { "in" } else { "out of" })
            }
            Self::SessionStarted { number } => write!(f, "session {number} starts"),
            Self::SessionEnded { number, data } => write!(f, "session {number} ends: {}", json(data)),
            Self::StageChanged { from, to } => write!(f, "stage {from} → {to}"),
            Self::SegmentEntered { segment } => write!(f, "segment {segment} entered"),
            Self::SegmentLeft { segment } => write!(f, "segment {segment} left"),
            Self::Fired { rule, made_by, pushes } => {
                write!(f, "FIRES {rule}")?;
                let causes: Vec<String> = made_by.iter().map(ToString::to_string).collect();
                if !causes.is_empty() {
                    write!(f, ": made by {}", causes.join(", "))?;
                }
                pushes.iter().try_for_each(|push| write!(f, "\n{:>12}    {push}", ""))
            }
            Self::User { kind, user } => write!(f, "{} {user}", kind.replace('_', " ")),
            Self::HeldOut { rule } => write!(f, "HELD OUT {rule}"),
            Self::Retracted { rule, slot } => write!(f, "RETRACTED {rule} from {slot}"),
            Self::Emitted { name, data } => write!(f, "RECORD {name} {}", json(data)),
            Self::TraitSet { name, value } => write!(f, "trait {name} = {}", json(value)),
            Self::TimerSet(timer) => f.write_str(&timer_text(timer)),
            Self::TimerStopped(timer) => write!(f, "{} no longer", timer_text(timer)),
            Self::Deleted => f.write_str("the visitor is deleted: the site's retention time is over"),
            Self::GivenUp => {
                f.write_str("GIVEN UP: the visitor is woken without end, as by stages that lapse into each other")
            }
        }
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let space = if self.name.is_empty() { "" } else { " " };
        let kind =
            if self.kind == RecordKind::Event.as_str() { String::new() } else { self.kind.replace('_', " ") + space };
        write!(f, "{kind}{} at {}", self.name, offset_text(self.after_ms))
    }
}

impl Display for Shown {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "in {}: {}", self.slot, json(&self.content))
    }
}

fn timer_text(timer: &Timer) -> String {
    let tab = if timer.tab.is_empty() { String::new() } else { format!(" in tab {}", timer.tab) };
    format!("{} waits ({}){tab}", timer.rule, timer.reason)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
