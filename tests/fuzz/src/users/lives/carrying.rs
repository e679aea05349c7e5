//! Letters, errands and tellings of users as they are carried: some are lost, and some come twice.

use super::super::super::bytes::Bytes;
use super::super::{RETENTION_MS, assert_is_written_well, demo};
use super::{Errand, Lives};
use footfall::engine::user::{Answer, Letter, Telling, User, UserEffect, UserInput};
use footfall_protocol::limits::{USER_BYTES_MAX, USER_FORWARDS_MAX};
use uuid::Uuid;

impl Lives {
    /// Takes a letter to whom its user has become; a late one of an erased life makes nobody known.
    pub(super) fn deliver(&mut self, letter: &Letter) -> Answer {
        let mut at = letter.user;
        for _ in 0..=USER_FORWARDS_MAX {
            let erased = self.erased.contains(&letter.member.incarnation);
            if erased && self.user(at).makes_known(letter) {
                return Answer::Taken(None);
            }
            match self.tell(at, &UserInput::Letter(letter.clone())).remove(0) {
                UserEffect::Answer(Answer::Forward(to)) => at = to,
                UserEffect::Answer(answer) => return answer,
                other @ (UserEffect::Tell(..) | UserEffect::HandOn { .. } | UserEffect::Delete) => panic!("{other:?}"),
            }
        }
        panic!("a letter has too long a way");
    }

    fn user(&mut self, id: Uuid) -> &mut User {
        self.users.entry(id).or_insert_with(|| User::new(demo(), id))
    }

    /// One input, to a user and to another that was loaded from its snapshot: both do the same, and a repeat changes
    /// nothing.
    pub(super) fn tell(&mut self, id: Uuid, input: &UserInput) -> Vec<UserEffect> {
        let now_ms = self.now_ms;
        let user = self.user(id);
        let mut twin = User::load(&user.snapshot()).unwrap();
        assert!(twin == *user, "what is stored is the whole user");
        let effects = user.handle(input.clone(), now_ms, RETENTION_MS);
        assert!(twin.handle(input.clone(), now_ms, RETENTION_MS) == effects, "the same input has the same effects");
        assert!(twin == *user, "and leaves the same user");
        assert_is_written_well(user);
        assert!(user.snapshot().len() <= USER_BYTES_MAX);
        if matches!(input, UserInput::Letter(_) | UserInput::Absorb(_)) {
            twin.handle(input.clone(), now_ms, RETENTION_MS);
            assert!(twin == *user, "a repeat changes nothing: {input:?}");
        }
        effects
    }

    pub(super) fn wake(&mut self, id: Uuid, bytes: &mut Bytes) {
        if !self.users.contains_key(&id) {
            return;
        }
        let mut outcomes = Vec::new();
        for effect in self.tell(id, &UserInput::Wake) {
            match effect {
                UserEffect::Tell(member, told) => {
                    let version = told.version;
                    let device = self.devices.iter_mut().find(|device| device.member == member);
                    let how = match device {
                        _ if bytes.once_in(8) => Telling::Failed,
                        Some(device) => {
                            device.hear(told, &self.ids);
                            if bytes.once_in(8) { Telling::Failed } else { Telling::Knows(version) }
                        }
                        None if self.crowd.contains(&member) => Telling::Knows(version),
                        None => Telling::Gone,
                    };
                    outcomes.push((member, how));
                }
                UserEffect::HandOn { to, absorb } => {
                    self.errands.push(Errand { from: id, to, absorb, answer: None });
                    if !bytes.once_in(3) {
                        self.go_on(self.errands.len() - 1, bytes);
                    }
                }
                UserEffect::Delete => drop(self.users.remove(&id)),
                UserEffect::Answer(answer) => panic!("{answer:?}"),
            }
        }
        if !outcomes.is_empty() {
            self.tell(id, &UserInput::Told(outcomes));
        }
    }

    /// What is handed on arrives, or its sender hears how that went; either may be lost.
    pub(super) fn go_on(&mut self, at: usize, bytes: &mut Bytes) {
        let Errand { from, mut to, mut absorb, answer } = self.errands.swap_remove(at);
        let answer = answer.unwrap_or_else(|| {
            let handed = User::handed(&absorb);
            loop {
                if bytes.once_in(8) {
                    break UserInput::AbsorbFailed;
                }
                let UserEffect::Answer(answer) = self.tell(to, &UserInput::Absorb(absorb.clone())).remove(0) else {
                    panic!("what is handed on has no answer")
                };
                match (absorb.goes_on(to, &answer), answer) {
                    (Some(next), _) => to = next,
                    (None, Answer::Refused(why)) => break UserInput::Absorbed { handed, refused: Some(why) },
                    (None, Answer::Later) => break UserInput::AbsorbWaits,
                    (None, _) => break UserInput::Absorbed { handed, refused: None },
                }
            }
        });
        if bytes.once_in(4) {
            return self.errands.push(Errand { from, to, absorb, answer: Some(answer) });
        }
        let answer = if bytes.once_in(8) { UserInput::AbsorbFailed } else { answer };
        self.tell(from, &answer);
    }
}
