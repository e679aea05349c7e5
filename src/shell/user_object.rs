//! The user object: one Durable Object per user whom the store's servers vouch for. Carries letters to the user's machine,
//! and what it has to say to disk, to its visitors and to other users.

mod errands;
mod turn;

use crate::access::seal;
use crate::engine::user::{self as machine, Absorb, Answer, Letter, Member, UserInput};
use crate::shell::deliver::user_object;
use crate::shell::reply::{Problem, json};
use footfall_protocol::ids::{self, SiteId};
use footfall_protocol::limits::USER_FORWARDS_MAX;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use turn::Resident;
use uuid::Uuid;
use wasm_bindgen::JsValue;
use worker::js_sys::Uint8Array;
use worker::{
    DurableObject, Env, Error, Method, Request, RequestInit, Response, ResponseBuilder, Result, State, console_error,
    durable_object,
};

/// The class that the platform makes objects of.
#[durable_object]
pub struct User {
    object: Rc<Object>,
}

// After a panic the user is read from disk again; nothing else in memory spans two inputs.
impl std::panic::UnwindSafe for User {}
impl std::panic::RefUnwindSafe for User {}

/// What lives as long as the instance; shared with what goes on after an answer.
struct Object {
    state: State,
    env: Env,
    /// Whose object it is, by its own name.
    whose: Option<(SiteId, Uuid)>,
    /// The user, when it is in memory and as it is on disk: taken out for every input, put back when that went well.
    resident: RefCell<Option<Resident>>,
    /// Letters of visitors that are being erased, since the instance began.
    forgets: Cell<u64>,
}

impl DurableObject for User {
    fn new(state: State, env: Env) -> Self {
        let whose = state.id().name().and_then(|name| ids::parse_user_object(&name));
        Self { object: Rc::new(Object { state, env, whose, resident: RefCell::new(None), forgets: Cell::new(0) }) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let object = &self.object;
        let answer = match (request.method(), request.path().as_str()) {
            (Method::Post, "/letter") => object.take(read(&mut request).await).await,
            (Method::Post, "/absorb") => object.absorb(read(&mut request).await).await,
            (Method::Post, "/erase") => object.erase().await,
            (Method::Get, "/view") => object.view(),
            _ => return Problem::new(404, "not_found", "There is nothing at this path.").respond(),
        };
        answer.or_else(|error| {
            console_error!("fault in a user: {error}");
            Problem::later("unavailable", "The user cannot be reached at the moment.").respond()
        })
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.ring().await;
        Response::empty()
    }
}

async fn read<T: DeserializeOwned>(request: &mut Request) -> Result<T> {
    let bytes = request.bytes().await?;
    postcard::from_bytes(&bytes).map_err(|_| Error::RustError("the message is not of this release".into()))
}

impl Object {
    fn whose(&self) -> Result<&(SiteId, Uuid)> {
        self.whose.as_ref().ok_or_else(|| Error::RustError("the object's name is that of no user".into()))
    }

    /// Takes what another user hands on, unless that one was erased while it was on its way.
    async fn absorb(self: &Rc<Self>, absorb: Result<Absorb>) -> Result<Response> {
        let absorb = absorb?;
        if self.of_user(|user| user.makes_absorbed(&absorb))? {
            let (site, _) = self.whose()?;
            if look(&self.env, site, absorb.from).await?.merged_into.is_none() {
                return answer(Some(Answer::Taken(None)));
            }
        }
        answer(self.apply(UserInput::Absorb(absorb)).await?)
    }

    async fn erase(self: &Rc<Self>) -> Result<Response> {
        answer(self.apply(UserInput::Erase).await?)
    }

    /// Takes a letter, unless its writer was erased while it was on its way: a late letter would bring back what was
    /// forgotten.
    ///
    /// An erasure first leaves its tombstone and then has the users forget. So whoever has no tombstone, with nobody
    /// forgotten since that was asked, is either not being erased or is still to be forgotten here.
    async fn take(self: &Rc<Self>, letter: Result<Letter>) -> Result<Response> {
        let letter = letter?;
        while self.of_user(|user| user.makes_known(&letter))? {
            let forgets = self.forgets.get();
            if self.is_erased(letter.member.incarnation).await? {
                return answer(Some(Answer::Taken(None)));
            }
            if self.forgets.get() == forgets {
                break;
            }
        }
        answer(self.apply(UserInput::Letter(letter)).await?)
    }

    /// What is asked of the user as it is. A look: it stores nothing.
    fn of_user<T>(&self, asked: impl FnOnce(&machine::User) -> T) -> Result<T> {
        let resident = self.resident()?;
        let found = asked(&resident.user);
        if resident.exists {
            self.resident.replace(Some(resident));
        }
        Ok(found)
    }

    async fn is_erased(&self, incarnation: Uuid) -> Result<bool> {
        let (site, _) = self.whose()?;
        let subject = JsValue::from_str(&seal::tombstone(site.as_str(), incarnation));
        let asked = self.env.d1("DB")?.prepare("SELECT subject FROM tombstones WHERE subject = ?1").bind(&[subject])?;
        Ok(asked.first::<String>(Some("subject")).await?.is_some())
    }

    /// Everything that is known of the user.
    fn view(&self) -> Result<Response> {
        json(200, &self.of_user(machine::User::view)?)
    }
}

fn answer(answer: Option<Answer>) -> Result<Response> {
    let answer = answer.ok_or_else(|| Error::RustError("bug: a letter has no answer".into()))?;
    let bytes = postcard::to_allocvec(&answer).map_err(|error| Error::RustError(error.to_string()))?;
    Ok(ResponseBuilder::new().fixed(bytes))
}

/// Takes a letter to its user's object, and on to that of the user whom it has become.
pub(super) async fn deliver(env: &Env, site: &SiteId, letter: &Letter) -> Result<Answer> {
    let mut to = letter.user;
    for _ in 0..=USER_FORWARDS_MAX {
        match post(env, site, to, "letter", letter).await? {
            Answer::Forward(next) => to = next,
            answer @ (Answer::Taken(_) | Answer::Refused(_) | Answer::Later | Answer::ForwardAgain(_)) => {
                return Ok(answer);
            }
        }
    }
    Err(Error::RustError("the way to whom a user has become is too long".into()))
}

/// Takes what a user hands on to the object of the user whom it becomes, wherever that one is by now.
async fn hand_on(env: &Env, site: &SiteId, to: Uuid, absorb: &Absorb) -> Result<Answer> {
    let (mut to, mut absorb) = (to, absorb.clone());
    for _ in 0..=USER_FORWARDS_MAX {
        let answer = post(env, site, to, "absorb", &absorb).await?;
        match absorb.goes_on(to, &answer) {
            Some(next) => to = next,
            None => return Ok(answer),
        }
    }
    Err(Error::RustError("the way to whom a user has become is too long".into()))
}

/// What a user's object shows to whoever erases it, or asks whom it has become.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    /// The store's own id of it; empty while it is not known.
    pub(super) user_id: String,
    /// Those who count for it.
    pub(super) visitors: Vec<Member>,
    /// Users that have become this one.
    pub(super) absorbed: Vec<Named>,
    /// Whom it has become, or is about to.
    pub(super) merged_into: Option<Named>,
}

impl Seen {
    /// Whom it has become for good.
    pub(super) fn become_another(&self) -> Option<Uuid> {
        self.merged_into.as_ref().filter(|into| into.done).map(|into| into.user)
    }
}

/// A user beside another one.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) user: Uuid,
    /// Of one whom a user becomes: whether it has.
    #[serde(default)]
    done: bool,
}

/// Looks at a user.
pub(super) async fn look(env: &Env, site: &SiteId, user: Uuid) -> Result<Seen> {
    let mut reply = user_object(env, site, user)?.fetch_with_str("https://user/view").await?;
    if reply.status_code() != 200 {
        return Err(Error::RustError(format!("the user's object answered {}", reply.status_code())));
    }
    reply.json().await
}

/// Erases what a user's object has; whether it could be done already.
pub(super) async fn erase(env: &Env, site: &SiteId, user: Uuid) -> Result<bool> {
    Ok(post(env, site, user, "erase", &()).await? != Answer::Later)
}

async fn post(env: &Env, site: &SiteId, to: Uuid, path: &str, message: &impl Serialize) -> Result<Answer> {
    let bytes = postcard::to_allocvec(message).map_err(|error| Error::RustError(error.to_string()))?;
    let body = Uint8Array::from(bytes.as_slice());
    let init = RequestInit { method: Method::Post, body: Some(body.into()), ..RequestInit::new() };
    let request = Request::new_with_init(&format!("https://user/{path}"), &init)?;
    let mut response = user_object(env, site, to)?.fetch_with_request(request).await?;
    if response.status_code() != 200 {
        return Err(Error::RustError(format!("the user's object answered {}", response.status_code())));
    }
    let bytes = response.bytes().await?;
    postcard::from_bytes(&bytes).map_err(|_| Error::RustError("the answer is not of this release".into()))
}
