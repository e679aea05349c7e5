//! Lapses: a stage that is left because the visitor does nothing.

use super::rules::RuleSet;
use super::{Turn, Visitor};
use serde::{Deserialize, Serialize};

/// The stages that were entered by lapsing since the visitor last did something. Each is so entered once, so that stages
/// which lapse into each other come to an end instead of waking the visitor for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lapses(Vec<String>);

impl Lapses {
    /// Whether no stage has lapsed since the visitor last did something.
    pub(super) const fn is_new(&self) -> bool {
        self.0.is_empty()
    }

    /// The visitor does something.
    pub(super) fn attend(&mut self) {
        self.0.clear();
    }
}

impl Visitor {
    /// The time without activity after which the present stage lapses, and into what.
    pub(super) fn lapse<'a>(&self, rules: &'a RuleSet) -> Option<(u64, &'a str)> {
        rules.lapse(&self.core.stage, &self.lapses.0)
    }

    pub(super) fn lapsed(&mut self, turn: &mut Turn<'_>) {
        if let Some((_, stage)) = self.lapse(&turn.config.rules) {
            self.lapses.0.push(stage.to_owned());
            let mut seen = vec![self.enter_stage(stage, turn)];
            seen.extend(self.refresh_segments(None, turn));
            self.happen(seen, None, turn);
            self.refresh_dwells(turn);
        }
    }
}
