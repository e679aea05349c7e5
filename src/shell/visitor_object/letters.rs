//! Letters to the objects of users, and what those tell.

use super::Object;
use super::turn::Departures;
use crate::engine::user::{Answer, Content, Letter, Member, Told};
use crate::engine::{Gone, Input};
use crate::shell::user_object;
use std::rc::Rc;
use uuid::Uuid;
use worker::{Error, Request, Response, ResponseBuilder, Result, console_error};

impl Object {
    /// Takes letters to users' objects, in their order, and tells the engine how it went.
    pub(super) async fn post(self: Rc<Self>, letters: Vec<Letter>) {
        let Some((version, member)) = letters.first().map(|letter| (letter.version, letter.member)) else { return };
        let input = match self.deliver(letters).await {
            Ok(answers) => Input::Fed { version, answers },
            Err(error) => {
                console_error!("fault: a user's object does not answer: {error}");
                Input::FeedFailed { version }
            }
        };
        // The engine takes letters without a report for lost, and writes them again later.
        if let Err(error) = self.report_letters(input, member.incarnation).await {
            console_error!("fault after letters to users: {error}");
        }
    }

    async fn deliver(&self, letters: Vec<Letter>) -> Result<Vec<(Letter, Answer)>> {
        let (site, _) = self.whose()?;
        let mut answers = Vec::with_capacity(letters.len());
        for letter in letters {
            #[cfg(feature = "test-hooks")]
            dawdle_if_asked(&letter).await;
            let answer = user_object::deliver(&self.env, site, &letter).await?;
            answers.push((letter, answer));
        }
        Ok(answers)
    }

    async fn report_letters(self: &Rc<Self>, input: Input, incarnation: Uuid) -> Result<()> {
        let config = self.config().await?;
        if !self.is_still(incarnation)? {
            return Ok(());
        }
        let turned = self.turn(input, &config)?;
        let Departures { flight, letters } = self.settle(turned, &config).await?.1;
        if let Some(flight) = flight {
            self.state.wait_until(Rc::clone(self).fly(flight));
        }
        if !letters.is_empty() {
            self.state.wait_until(Rc::clone(self).post(letters));
        }
        Ok(())
    }

    /// The object of the visitor's user tells what is known of the user: 204, or 410 when that life is over.
    pub(super) async fn be_told(self: &Rc<Self>, mut request: Request) -> Result<Response> {
        let bytes = request.bytes().await?;
        let (incarnation, told): (Uuid, Told) =
            postcard::from_bytes(&bytes).map_err(|_| Error::RustError("the message is not of this release".into()))?;
        if !self.is_still(incarnation)? {
            return Ok(ResponseBuilder::new().with_status(410).empty());
        }
        self.apply(Input::UserTold { incarnation: Some(incarnation), told }).await?;
        Ok(ResponseBuilder::new().with_status(204).empty())
    }

    /// Takes back from users' objects all that this visitor has brought, and every trace of it: a step of its erasure. 204
    /// when it is done; a repeat is harmless.
    pub(super) async fn leave_users(&self) -> Result<Response> {
        let resident = self.resident()?;
        let mut lives = Vec::new();
        if resident.exists {
            let Member { incarnation, .. } = resident.visitor.member();
            lives.extend_from_slice(resident.visitor.withdrawn());
            lives.push(Gone { incarnation, users: resident.visitor.fed_users().to_vec() });
            self.resident.replace(Some(resident));
        }
        self.leave_users_of(&lives).await?;
        Ok(ResponseBuilder::new().with_status(204).empty())
    }

    /// Takes back from users' objects all that these lives have brought.
    pub(super) async fn leave_users_of(&self, lives: &[Gone]) -> Result<()> {
        let (_, visitor) = self.whose()?;
        let letter = |incarnation, user| Letter {
            member: Member { visitor: *visitor, incarnation },
            version: u64::MAX,
            user,
            user_id: String::new(),
            content: Content::Forgets,
        };
        let letters = lives.iter().flat_map(|gone| gone.users.iter().map(|user| letter(gone.incarnation, *user)));
        self.deliver(letters.collect()).await.map(drop)
    }
}

/// Tests have no letter that is still on its way when its visitor is erased: those to a user of this name are slow.
#[cfg(feature = "test-hooks")]
async fn dawdle_if_asked(letter: &Letter) {
    if letter.user_id.starts_with("footfall_test_late") {
        worker::Delay::from(std::time::Duration::from_secs(4)).await;
    }
}
