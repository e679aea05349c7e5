//! A visitor's two ways to the engine, sockets and plain requests: sending, being told, losing a connection and coming back.

use crate::clock::Micros;
use crate::faults::Kind;
use crate::ledger::{Came, Cause};
use crate::options::Inject;
use crate::plan::Way;
use crate::recorder::{Count, Latency};
use crate::socket::{self, FromSocket, Heard, Say};
use crate::tab::{Link, Outgoing};
use crate::visitor::{Answer, Visitor};
use hyper::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The wait before a try to connect again, doubled with each failure up to the second.
const RETRY: (Micros, Micros) = (500_000, 5_000_000);
/// After a silence of less than this the object is certainly still in memory.
const AWAKE: Micros = 9_000_000;

impl Visitor {
    pub(crate) fn open_socket(&mut self, at: usize) {
        let now = self.now();
        let whose = socket::Whose { tab: at, generation: self.tabs[at].generation + 1, token: self.token.clone() };
        let tab = &mut self.tabs[at];
        tab.generation += 1;
        if tab.failures == 0 {
            tab.opening_since = now;
        }
        tab.link = Link::Opening;
        socket::open(
            &self.world.engine.http.address,
            whose,
            self.world.clock,
            Arc::clone(&self.world.recorder),
            self.to_me.clone(),
        );
    }

    /// Something came from one of the sockets.
    pub(crate) fn hear(&mut self, FromSocket { tab, generation, at, heard }: FromSocket) {
        if self.tabs[tab].generation != generation {
            return;
        }
        match heard {
            Heard::Opened(socket) => {
                self.tabs[tab].link = Link::Greeting(socket);
                let hello = self.tabs[tab].hello();
                self.tabs[tab].say(hello);
            }
            Heard::Text(text) => match serde_json::from_str(&text) {
                Ok(message) => self.take_message(tab, at, &message),
                Err(_) => self.fault(Kind::Unexpected, format!("a message that is no JSON: {text}")),
            },
            Heard::Ended(code, why) => self.ended(tab, at, code, &why),
        }
    }

    fn take_message(&mut self, tab: usize, at: Micros, message: &Value) {
        match message["type"].as_str().unwrap_or_default() {
            "welcome" => self.welcomed(tab, at, message),
            "push" => self.pushed(tab, at, message, true),
            "state" => {
                self.world.recorder.count(Count::StatePatches, 1);
                if let Err(what) = self.tabs[tab].patch(message) {
                    self.fault(Kind::StateGap, what);
                }
            }
            "ack" => self.acknowledged(tab, at, message),
            "nack" => {
                // Sent again, unchanged, with the next socket: that keeps the order.
                self.world.recorder.count(Count::Retries, 1);
                self.lose(tab, at, 1_000_000);
            }
            "error" => self.fault(Kind::Refused, message.to_string()),
            _ => {}
        }
        if let Some(seen) = self.tabs[tab].heard() {
            self.tabs[tab].say(seen);
        }
    }

    fn welcomed(&mut self, at: usize, now: Micros, message: &Value) {
        let tab = &mut self.tabs[at];
        tab.welcome(message);
        tab.failures = 0;
        if let Link::Greeting(socket) = std::mem::replace(&mut tab.link, Link::None) {
            tab.link = Link::Ready(socket);
        }
        let lost = tab.lost.take();
        if tab.welcomed.is_none() {
            tab.welcomed = Some(now);
            self.world.recorder.took(Latency::Welcome, now.saturating_sub(tab.opening_since));
        }
        if let Some(lost) = lost {
            self.ledger.paused(at, now - lost);
        }
        self.touched = now;
        for out in &mut self.tabs[at].out {
            // What was under way when the connection broke goes out again.
            if out.sent.is_some() {
                self.world.recorder.count(Count::Retries, 1);
            }
        }
        self.send_all(at, true);
    }

    /// Sends what has not gone out yet.
    pub(crate) fn flush(&mut self, at: usize) {
        if matches!(self.tabs[at].link, Link::Ready(_)) {
            self.send_all(at, false);
        }
    }

    fn send_all(&mut self, at: usize, again: bool) {
        let now = self.now();
        let tab = &mut self.tabs[at];
        let mut texts = Vec::new();
        for out in tab.out.iter_mut().filter(|out| again || out.sent.is_none()) {
            if out.sent.is_none() {
                out.sent = Some(now);
                self.ledger.goes_out(&out.leads, now);
            }
            texts.push(json!({ "type": "events", "frame": out.frame, "events": out.events }).to_string());
        }
        texts.into_iter().for_each(|text| tab.say(text));
    }

    fn acknowledged(&mut self, tab: usize, at: Micros, message: &Value) {
        let Some(out) = self.tabs[tab].out.pop_front() else {
            return self.fault(Kind::Unexpected, format!("an acknowledgement of nothing: {message}"));
        };
        if message["frame"].as_u64() != Some(out.frame) {
            self.fault(Kind::Unexpected, format!("frame {} was to be acknowledged: {message}", out.frame));
        }
        self.taken(&out, at, message);
        let latency = if out.interrupted { Latency::Interrupted } else { Latency::SocketAck };
        self.world.recorder.took(latency, at.saturating_sub(out.intended));
    }

    /// A batch is on disk, says this answer.
    fn taken(&mut self, out: &Outgoing, at: Micros, answer: &Value) {
        let count = out.events.len() as u64;
        let refused = answer["rejections"].as_array().is_some_and(|refused| !refused.is_empty());
        if refused || answer["accepted"].as_u64() != Some(count) {
            self.fault(Kind::Refused, format!("{count} events were sent: {answer}"));
        }
        self.world.recorder.count(Count::Batches, 1);
        self.world.recorder.count(Count::Events, count);
        let sent = out.sent.unwrap_or(out.intended);
        self.ledger.acknowledged(&out.leads, sent, at);
        if let Some(mut wake) = self.wake.take_if(|wake| wake.frame == out.frame) {
            wake.sent = sent;
            self.woken_by_event(wake, at);
        }
        self.touched = at;
    }

    /// A push came; with `at_once` as soon as it was there, else with the next answer.
    fn pushed(&mut self, tab: usize, at: Micros, message: &Value, at_once: bool) {
        let mut fired = self.world.clock.of_wall_ms(message["at_ms"].as_u64().unwrap_or_default());
        let mut received = at;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (rule, key) = (text(&message["rule"]), text(&message["content"]["key"]));
        if !rule.starts_with("load-") {
            return; // of a running engine's own rules
        }
        self.world.recorder.count(Count::Pushes, 1);
        let mut again = !self.tabs[tab].advance(message["seq"].as_u64().unwrap_or_default());
        if rule.starts_with("load-dwell-")
            && let Some(inject) = self.falsify()
        {
            eprintln!("\ninjected: visitor {} ({}): {rule} {key} is {inject:?}", self.number, self.id);
            match inject {
                Inject::Lost => return,
                Inject::Repeated => {
                    self.judge(&Came { rule: &rule, key: &key, tab, received, fired }, at_once);
                    again = true;
                }
                Inject::Early => {
                    (fired, received) = (fired.saturating_sub(3_500_000), received.saturating_sub(3_500_000))
                }
            }
        }
        if again {
            return self.fault(Kind::Repeated, format!("{rule} {key} was told again on tab {tab}: {message}"));
        }
        self.judge(&Came { rule: &rule, key: &key, tab, received, fired }, at_once);
    }

    /// Whether this observation is the one that is to be false.
    fn falsify(&self) -> Option<Inject> {
        let inject = self.world.inject?;
        (!self.world.injected.swap(true, Ordering::Relaxed)).then_some(inject)
    }

    fn judge(&mut self, came: &Came<'_>, at_once: bool) {
        let right = match self.ledger.told(came, &self.world.clock) {
            Ok(right) => right,
            Err((kind, what)) => return self.fault(kind, what),
        };
        let received = came.received;
        if right.first && right.cause == Cause::Event {
            let latency = received.saturating_sub(right.intended);
            match &mut self.wake {
                Some(wake) if wake.intended == right.intended => wake.push = wake.push.or(Some(latency)),
                _ if received < self.touched + AWAKE && self.tabs[came.tab].lost.is_none() && right.exact => {
                    let interrupted = self.tabs[came.tab].out.front().is_some_and(|out| out.interrupted);
                    let what = if interrupted { Latency::Interrupted } else { Latency::PushAwake };
                    self.world.recorder.took(what, latency);
                }
                _ => {}
            }
        } else if right.first {
            self.world.recorder.count(Count::Timers, 1);
            self.stir(if at_once { received } else { right.due });
            let late = (at_once && right.exact).then(|| received.saturating_sub(right.due));
            self.woken_by_timer(right.due, received, late);
        }
        self.touched = self.touched.max(received);
    }

    /// A socket is over, and the tester did not end it.
    fn ended(&mut self, tab: usize, at: Micros, code: u16, why: &str) {
        if matches!(self.tabs[tab].link, Link::None) {
            return;
        }
        self.world.recorder.count(Count::UnexpectedCloses, 1);
        // What a network or a release does to sockets is no fault; what the engine says no page should hear.
        if !matches!(code, 1005 | 1006 | 1011 | 1012) {
            self.fault(Kind::Closed, format!("tab {tab}'s socket was closed with {code}: {why}"));
        }
        let failures = self.tabs[tab].failures.min(8);
        let wait = (RETRY.0 << failures).min(RETRY.1);
        self.tabs[tab].failures += 1;
        let wait = self.jitter(wait / 2, wait);
        self.lose(tab, at, wait);
    }

    /// A tab is without its socket, and comes back after this wait.
    fn lose(&mut self, at: usize, now: Micros, wait: Micros) {
        self.disturb();
        if self.tabs[at].welcomed.is_some() && self.tabs[at].lost.is_none() {
            self.stir(now);
        }
        let tab = &mut self.tabs[at];
        tab.generation += 1;
        if tab.welcomed.is_some() {
            tab.lost = tab.lost.or(Some(now));
        }
        tab.link = Link::Waiting(now + wait);
    }

    /// All sockets break, and come back within seconds.
    pub(crate) fn storm(&mut self) {
        if self.way == Way::Http || self.away {
            return;
        }
        let now = self.now();
        for at in 0..self.tabs.len() {
            let wait = self.jitter(200_000, 3_000_000);
            for out in &mut self.tabs[at].out {
                out.interrupted = true;
            }
            self.lose(at, now, wait);
        }
    }

    /// Closes all sockets; the tabs are kept, as a browser keeps what sleeps in the background.
    pub(crate) fn go_away(&mut self) {
        self.away = true;
        let now = self.now();
        self.stir(now);
        for tab in &mut self.tabs {
            if let Link::Ready(socket) | Link::Greeting(socket) = std::mem::replace(&mut tab.link, Link::None) {
                drop(socket.send(Say::Close));
            }
            tab.generation += 1;
            tab.lost = tab.lost.or(tab.welcomed.map(|_| now));
        }
    }

    /// Asks for what was missed, with a batch of nothing.
    pub(crate) fn ask(&mut self, intended: Micros) {
        if self.way == Way::Http && self.tabs[0].out.is_empty() {
            self.frames += 1;
            let out = Outgoing {
                frame: self.frames,
                events: Vec::new(),
                intended,
                sent: None,
                leads: Default::default(),
                interrupted: false,
            };
            self.tabs[0].out.push_back(out);
            self.post();
        }
    }

    /// Posts the oldest batch that waits, when none is on its way.
    pub(crate) fn post(&mut self) {
        let now = self.now();
        if self.posting || self.post_after > now {
            return;
        }
        let Some(tab) = self.tabs.first_mut() else { return };
        let mut context = json!({ "tab": tab.id });
        if let Some(cursor) = tab.cursor() {
            context["cursor"] = cursor;
        }
        let Some(out) = tab.out.front_mut() else { return };
        if out.sent.is_none() {
            out.sent = Some(now);
            self.ledger.goes_out(&out.leads, now);
        }
        let body = json!({ "batch": out.events, "context": context }).to_string();
        self.posting = true;
        let (world, token, answers) = (Arc::clone(&self.world), self.token.clone(), self.answers.clone());
        tokio::spawn(async move {
            world.recorder.count(Count::Requests, 1);
            let result = world.engine.http.call(Method::POST, "/v1/batch", Some(&token), Some(body)).await;
            drop(answers.send(Answer { at: world.clock.now(), result }));
        });
    }

    /// A batch was answered, or failed.
    pub(crate) fn answered(&mut self, Answer { at, result }: Answer) {
        self.posting = false;
        let (status, answer) = match result {
            Ok((status, answer)) => (status, answer),
            Err(error) => (0, Value::String(error)),
        };
        match status {
            200 => {
                let pushes = &answer["pushes"];
                if pushes.is_object() {
                    self.tabs[0].missed_in(&pushes["incarnation"]);
                    for message in pushes["messages"].as_array().into_iter().flatten() {
                        if message["type"] == "push" {
                            self.pushed(0, at, message, false);
                        }
                    }
                }
                let Some(out) = self.tabs[0].out.pop_front() else { return };
                // Whoever asks well after something was due is told of it.
                for what in self.ledger.untold(out.sent.unwrap_or(at), &out.leads) {
                    self.fault(Kind::Lost, what);
                }
                if !out.events.is_empty() {
                    self.taken(&out, at, &answer);
                    self.ledger.forgo(&out.leads);
                    self.world.recorder.took(Latency::HttpAck, at.saturating_sub(out.intended));
                }
                self.touched = at;
            }
            // Trouble that passes: the same again later.
            0 | 429 | 500.. => {
                self.world.recorder.count(Count::Retries, 1);
                self.post_after = at + 500_000;
            }
            _ => {
                self.tabs[0].out.pop_front();
                self.fault(Kind::Refused, format!("a batch was answered with {status}: {answer}"));
            }
        }
        self.post();
    }

    /// The last that is heard of the visitor: a beacon from each tab, and the ends of its sockets.
    pub(crate) async fn say_farewell(&mut self) {
        self.stir(self.now());
        for at in 0..self.tabs.len() {
            let event = self.write(at, |pen| pen.left());
            let body =
                json!({ "batch": [event], "writeKey": self.world.engine.public_key, "token": self.token }).to_string();
            let path = format!("/v1/beacon?writeKey={}", self.world.engine.public_key);
            let begun = self.now();
            self.world.recorder.count(Count::Requests, 1);
            match self.world.engine.http.call(Method::POST, &path, None, Some(body)).await {
                Ok((200, _)) => {
                    self.world.recorder.took(Latency::Beacon, self.now() - begun);
                    self.world.recorder.count(Count::Batches, 1);
                    self.world.recorder.count(Count::Events, 1);
                }
                // Nobody waits for the answer of a beacon, so what passes is no fault.
                Ok((0 | 429 | 500.., _)) | Err(_) => self.world.recorder.count(Count::Retries, 1),
                Ok((status, answer)) => {
                    self.fault(Kind::Refused, format!("a beacon was answered with {status}: {answer}"))
                }
            }
        }
        self.go_away();
    }
}
