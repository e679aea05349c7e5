//! What the visitor has said about being remembered, and what Global Privacy Control asks for. docs/privacy.md has the
//! table; a test holds the two together.

use super::{Effect, Turn, Visitor};
use footfall_protocol::Object;
use footfall_protocol::event::{Authority, Consent, Event, Geo, Surroundings};
use footfall_protocol::limits::WITHDRAWN_LIVES_MAX;
use footfall_protocol::record::RecordKind;
use footfall_protocol::rejection::{Code, Fault};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// An erasure that does not report is begun again after so long, in milliseconds.
const ERASE_AGAIN_MS: u64 = 60_000;

/// A life that is over because consent was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The life.
    pub incarnation: Uuid,
    /// Users whose objects may hold something of it.
    pub users: Vec<Uuid>,
}

/// Lives that are to be erased because consent was withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Withdrawn {
    lives: Vec<Gone>,
    /// When that is to begin, or to begin again.
    at_ms: u64,
}

impl Withdrawn {
    /// Whether there is nothing to erase.
    pub(super) const fn is_new(&self) -> bool {
        self.lives.is_empty()
    }

    /// When an erasure is to begin.
    pub(super) fn due_ms(&self) -> Option<u64> {
        (!self.lives.is_empty()).then_some(self.at_ms)
    }
}

impl Visitor {
    /// The lives that are over because consent was withdrawn, as long as others may know of them.
    pub fn withdrawn(&self) -> &[Gone] {
        &self.withdrawn.lives
    }

    /// The present life, as one that is over.
    pub fn gone(&self) -> Gone {
        Gone { incarnation: self.core.incarnation, users: self.fed_users().to_vec() }
    }

    /// Whether the visitor has said no: then nothing is collected, nothing happens and nothing is pushed.
    pub fn is_refused(&self) -> bool {
        self.core.consent == Consent::Denied
    }

    /// Whether consent lets the event in. A source answers for its visitors' consent itself, unless it says "denied"; what
    /// somebody said who is known to be that visitor is not taken back with a public key alone.
    pub(super) fn admit(&self, event: &Event, turn: &Turn<'_>) -> Result<(), Fault> {
        let consent = match event.consent {
            Consent::Unknown => self.core.consent,
            Consent::Granted if self.is_refused() && event.authority == Authority::Public => Consent::Denied,
            said @ (Consent::Granted | Consent::Denied) => said,
        };
        let needed = turn.config.settings.consent_required && event.authority != Authority::Source;
        if consent == Consent::Denied || (needed && consent != Consent::Granted) {
            let message = "nothing is kept before consent: send `context.consent` as \"granted\" once it is given";
            return Err(Fault::at("/context/consent", Code::ConsentRequired, message));
        }
        Ok(())
    }

    /// A visitor who is known and says no is remembered to have said it, so that a sender that says nothing about
    /// consent is refused as well. Of somebody unknown nothing is kept, not even that.
    pub(super) fn note_refusal(&mut self, event: &Event, turn: &mut Turn<'_>) {
        if event.consent == Consent::Denied && event.authority != Authority::Public {
            self.withdraw(turn);
        }
    }

    /// The visitor says no, or no longer yes. What waits to happen does not happen any more, and attention to the pages that
    /// are open is not counted; what was collected stays as it is, or goes at once where the site erases it.
    pub(super) fn withdraw(&mut self, turn: &mut Turn<'_>) {
        if self.is_refused() || self.core.last_activity_ms == 0 {
            return;
        }
        self.core.clock_ms = turn.now_ms;
        if turn.config.settings.withdrawal_erases {
            let pages = self.outbox.page_numbers();
            if !pages.is_empty() {
                turn.effects.push(Effect::Drop { pages });
            }
            // What may come after belongs to another life, so that it is not taken for what is erased.
            let old = self.core.incarnation;
            let next = Uuid::new_v5(&old, b"withdrawn");
            let mut bare = Self::new(self.core.site.clone(), self.core.visitor, next);
            (bare.core.clock_ms, bare.core.last_activity_ms) = (turn.now_ms, turn.now_ms);
            bare.core.consent = Consent::Denied;
            bare.outbox = self.outbox.of_next_life();
            // Only times: a withdrawal is no way out of a limit.
            bare.rates = std::mem::take(&mut self.rates);
            bare.withdrawn = std::mem::take(&mut self.withdrawn);
            bare.withdrawn.lives.push(self.gone());
            while bare.withdrawn.lives.len() > WITHDRAWN_LIVES_MAX {
                // The oldest has the most to it, the others came and went while it waited to be erased. Of one that
                // a user counts that user has to be told.
                let lives = &mut bare.withdrawn.lives;
                lives.remove(1 + lives[1..].iter().position(|gone| gone.users.is_empty()).unwrap_or(0));
            }
            bare.withdrawn.at_ms = turn.now_ms;
            *self = bare;
            self.erase(turn);
        } else {
            let data = [("authority", "visitor"), ("consent", "denied")];
            let data: Object = data.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect();
            self.record(RecordKind::Event, "consent_denied", data, turn);
            self.core.consent = Consent::Denied;
            self.close_pages(turn.now_ms);
            self.partials = Default::default();
            self.starts = Default::default();
            self.mailbox.clear();
        }
    }

    /// Begins an erasure that is due; should it not report, it is begun again.
    pub(super) fn erase(&mut self, turn: &mut Turn<'_>) {
        if self.withdrawn.due_ms().is_some_and(|at_ms| at_ms <= turn.now_ms) {
            self.withdrawn.at_ms = turn.now_ms + ERASE_AGAIN_MS;
            turn.effects.push(Effect::Erase { lives: self.withdrawn.lives.clone() });
        }
    }

    /// Nothing is left anywhere of these lives.
    pub(super) fn erased(&mut self, lives: &[Uuid]) {
        self.withdrawn.lives.retain(|gone| !lives.contains(&gone.incarnation));
        if self.withdrawn.lives.is_empty() {
            self.withdrawn = Withdrawn::default();
        }
    }

    /// What is noted of a request: with Global Privacy Control, of this request or an earlier one, no place that is more
    /// exact than the country.
    pub(super) fn within_control<'a>(&self, surroundings: &'a Surroundings) -> Cow<'a, Surroundings> {
        if !(surroundings.gpc || self.core.gpc) {
            return Cow::Borrowed(surroundings);
        }
        let geo = surroundings.geo.as_ref().map(coarse);
        Cow::Owned(Surroundings { geo, ..surroundings.clone() })
    }

    /// Global Privacy Control is on from here on: what is known already becomes as coarse.
    pub(super) fn heed_control(&mut self, surroundings: &Surroundings) {
        if surroundings.gpc && !self.core.gpc {
            self.core.gpc = true;
            self.core.geo = self.core.geo.as_ref().map(coarse);
        }
    }
}

/// A place without what is more exact than the country.
fn coarse(geo: &Geo) -> Geo {
    Geo { country: geo.country.clone(), continent: geo.continent.clone(), ..Geo::default() }
}
