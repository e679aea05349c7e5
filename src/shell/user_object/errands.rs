//! What a user has to say to others: its visitors hear what is known of it, and whom it becomes gets what it holds.

use super::{Object, hand_on};
use crate::engine::user::{Answer, Member, Telling, Told, User, UserEffect, UserInput};
use crate::shell::deliver::Whose;
use crate::shell::{clock, deployment, js};
use futures_util::stream::{self, StreamExt as _};
use std::rc::Rc;
use worker::js_sys::Uint8Array;
use worker::{Error, Method, Request, RequestInit, Result, console_error};

/// Visitors that are told at once.
const CONCURRENT_MAX: usize = 8;
/// After a wake that failed, in milliseconds. The platform's own retries end after six; a fault that lasts, such as a site
/// that is no longer configured, must not cost much.
const RETRY_MS: u64 = 300_000;

impl Object {
    /// The alarm rings. No error gets out: the platform would try six times and then drop the alarm.
    pub(super) async fn ring(self: &Rc<Self>) {
        let Err(error) = self.apply(UserInput::Wake).await else { return };
        console_error!("fault in a user's wake: {error}");
        let again_ms = clock::now() + RETRY_MS;
        if let Some(resident) = self.resident.borrow_mut().as_mut() {
            resident.alarm_at_ms = Some(again_ms);
        }
        let again = js::begin_set_alarm(&self.state.storage(), again_ms);
        let set = async { js::settle([again?]).await };
        if let Err(error) = set.await {
            console_error!("fault: a user's alarm cannot be set again: {error}");
        }
    }

    /// Runs errands and reports how they went. One that does not report is run again after a minute.
    pub(super) async fn run(self: Rc<Self>, errands: Vec<UserEffect>) {
        let mut tellings = Vec::new();
        let mut reports = Vec::new();
        for errand in errands {
            match errand {
                UserEffect::Tell(member, told) => tellings.push((member, told)),
                UserEffect::HandOn { to, absorb } => {
                    let handed = User::handed(&absorb);
                    #[cfg(feature = "test-hooks")]
                    Rc::clone(&self).copy_late_if_asked(to, absorb.clone());
                    let answer = match self.whose() {
                        Ok((site, _)) => hand_on(&self.env, site, to, &absorb).await,
                        Err(error) => Err(error),
                    };
                    reports.push(match answer {
                        Ok(Answer::Refused(why)) => UserInput::Absorbed { handed, refused: Some(why) },
                        Ok(Answer::Taken(_)) => UserInput::Absorbed { handed, refused: None },
                        Ok(Answer::Later | Answer::Forward(_) | Answer::ForwardAgain(_)) => UserInput::AbsorbWaits,
                        Err(error) => {
                            console_error!("fault: a user's object does not take what is handed on: {error}");
                            UserInput::AbsorbFailed
                        }
                    });
                }
                UserEffect::Answer(_) | UserEffect::Delete => {}
            }
        }
        if !tellings.is_empty() {
            let told = stream::iter(tellings).map(|(member, told)| self.tell(member, told));
            let outcomes = told.buffer_unordered(CONCURRENT_MAX).collect().await;
            reports.push(UserInput::Told(outcomes));
        }
        for report in reports {
            if let Err(error) = self.apply_report(report).await {
                console_error!("fault after a user's errand: {error}");
            }
        }
    }

    /// Tests have copies of what is handed on that come late: of what a user of this name hands on.
    #[cfg(feature = "test-hooks")]
    fn copy_late_if_asked(self: Rc<Self>, to: uuid::Uuid, absorb: crate::engine::user::Absorb) {
        if absorb.from_id.starts_with("footfall_test_twice") {
            let object = Rc::clone(&self);
            self.state.wait_until(async move {
                worker::Delay::from(std::time::Duration::from_secs(12)).await;
                if let Ok((site, _)) = object.whose() {
                    let answer = hand_on(&object.env, site, to, &absorb).await;
                    worker::console_log!("a late copy was answered {answer:?}");
                }
            });
        }
    }

    /// Boxed, because an errand's report may lead to another errand.
    fn apply_report<'a>(
        self: &'a Rc<Self>,
        report: UserInput,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Option<Answer>>> + 'a>> {
        Box::pin(self.apply(report))
    }

    async fn tell(&self, member: Member, told: Told) -> (Member, Telling) {
        let version = told.version;
        match self.send_told(member, &told).await {
            Ok(204) => (member, Telling::Knows(version)),
            Ok(410) => (member, Telling::Gone),
            Ok(status) => {
                console_error!("fault: a visitor's object answered {status} to its user");
                (member, Telling::Failed)
            }
            Err(error) => {
                console_error!("fault: a visitor's object does not answer its user: {error}");
                (member, Telling::Failed)
            }
        }
    }

    async fn send_told(&self, member: Member, told: &Told) -> Result<u16> {
        let bytes = postcard::to_allocvec(&(member.incarnation, told));
        let bytes = bytes.map_err(|error| Error::RustError(error.to_string()))?;
        let body = Some(Uint8Array::from(bytes.as_slice()).into());
        let init = RequestInit { method: Method::Post, body, ..RequestInit::new() };
        let request = Request::new_with_init("https://visitor/told", &init)?;
        let (site, _) = self.whose()?;
        let jurisdiction = deployment::jurisdiction(&self.env, site);
        let whose = Whose { site: site.clone(), visitor: member.visitor, jurisdiction };
        Ok(whose.object(&self.env)?.fetch_with_request(request).await?.status_code())
    }
}
