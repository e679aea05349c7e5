//! What follows from a sink's answer: done, once more and when, or to the dead letters.

use chrono::DateTime;
use footfall_protocol::limits::{SINK_ANSWER_BYTES_MAX, SINK_RETRY_S_MAX, cut};

/// The wait before the second try, in seconds; it doubles with every further one.
const RETRY_S_MIN: u32 = 2;

/// How a message fared with a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is there, or there is nothing to be done with it.
    Done,
    /// The sink does not take it now, but may later.
    Unavailable {
        /// What it answered, within [`SINK_ANSWER_BYTES_MAX`].
        answer: String,
        /// Seconds that it asked us to wait.
        retry_after_s: Option<u32>,
        /// Whether it failed over what it was brought (5xx but 503): one of several messages may be to blame.
        failed: bool,
    },
    /// It will never take it.
    Refused {
        /// What it answered, within [`SINK_ANSWER_BYTES_MAX`].
        answer: String,
    },
}

impl Outcome {
    /// A fault on the way or in the sink, which may pass.
    pub fn unavailable(answer: &str) -> Self {
        Self::Unavailable { answer: within(answer), retry_after_s: None, failed: false }
    }

    /// No.
    pub fn refused(answer: &str) -> Self {
        Self::Refused { answer: within(answer) }
    }

    /// What an HTTP answer means (RFC 9110 §15): 2xx is done; 408, 425, 429 and 5xx may pass; anything else, a
    /// redirection included, is a no. `retry_after` is that header as it came, `now_s` the time in Unix seconds.
    pub fn of_response(status: u16, retry_after: Option<&str>, body: &str, now_s: u64) -> Self {
        let answer = within(format!("{status} {body}").trim_end());
        match status {
            200..=299 => Self::Done,
            408 | 425 | 429 | 500..=599 => {
                let retry_after_s = retry_after.and_then(|text| seconds(text, now_s));
                Self::Unavailable { answer, retry_after_s, failed: status >= 500 && status != 503 }
            }
            _ => Self::Refused { answer },
        }
    }
}

fn within(answer: &str) -> String {
    cut(answer, SINK_ANSWER_BYTES_MAX).to_owned()
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
fn seconds(text: &str, now_s: u64) -> Option<u32> {
    let text = text.trim();
    if text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds are a long time as well.
        return (!text.is_empty()).then(|| text.parse().unwrap_or(u32::MAX));
    }
    let at_s = u64::try_from(DateTime::parse_from_rfc2822(text).ok()?.timestamp()).ok()?;
    Some(u32::try_from(at_s.saturating_sub(now_s)).unwrap_or(u32::MAX))
}

/// Why a message is among the dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The sink said no.
    Refused,
    /// The sink could not take it in all its tries.
    OutOfTries,
    /// It is no message of ours.
    Unreadable,
    /// The platform gave it up before we did.
    GivenUp,
}

impl Reason {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::OutOfTries => "out_of_tries",
            Self::Unreadable => "unreadable",
            Self::GivenUp => "given_up",
        }
    }
}

/// What is done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The queue may forget it.
    Acknowledge,
    /// Once more, after so many seconds.
    Retry {
        /// At least [`RETRY_S_MIN`], at most [`SINK_RETRY_S_MAX`].
        after_s: u32,
    },
    /// To the dead letters, with the sink's answer.
    Bury {
        /// Why.
        reason: Reason,
        /// What the sink answered.
        answer: String,
    },
}

/// The verdict on a message that has now been tried `attempts` times.
pub fn judge(outcome: Outcome, attempts: u32, tries_max: u32) -> Verdict {
    match outcome {
        Outcome::Done => Verdict::Acknowledge,
        Outcome::Refused { answer } => Verdict::Bury { reason: Reason::Refused, answer },
        Outcome::Unavailable { answer, .. } if attempts >= tries_max => {
            Verdict::Bury { reason: Reason::OutOfTries, answer }
        }
        Outcome::Unavailable { retry_after_s, .. } => {
            let after_s = backoff_s(attempts).max(retry_after_s.unwrap_or(0)).min(SINK_RETRY_S_MAX);
            Verdict::Retry { after_s }
        }
    }
}

/// The wait after so many tries, in seconds.
pub fn backoff_s(attempts: u32) -> u32 {
    RETRY_S_MIN.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(SINK_RETRY_S_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16) -> Outcome {
        Outcome::of_response(status, None, "", 0)
    }

    #[test]
    fn an_answer_is_done_may_pass_or_is_a_no() {
        for status in [200, 201, 202, 204] {
            assert_eq!(of(status), Outcome::Done, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(matches!(of(status), Outcome::Unavailable { .. }), "{status}");
        }
        for status in [301, 302, 304, 307, 308, 400, 401, 403, 404, 410, 413, 422, 600] {
            assert!(matches!(of(status), Outcome::Refused { .. }), "{status}");
        }
    }

    #[test]
    fn the_wait_doubles_up_to_an_hour() {
        let waits: Vec<u32> = [1, 2, 3, 4, 11, 12, 40, u32::MAX].map(backoff_s).to_vec();
        assert_eq!(waits, [2, 4, 8, 16, 2_048, 3_600, 3_600, 3_600]);
        assert_eq!(backoff_s(0), 2);
    }

    #[test]
    fn a_sink_may_ask_for_a_longer_wait_within_the_bound() {
        let retry = |text: &str| {
            let outcome = Outcome::of_response(429, Some(text), "", 1_795_261_900);
            judge(outcome, 1, 10)
        };
        assert_eq!(retry("30"), Verdict::Retry { after_s: 30 });
        assert_eq!(retry("0"), Verdict::Retry { after_s: 2 });
        assert_eq!(retry("99999999999999999999"), Verdict::Retry { after_s: SINK_RETRY_S_MAX });
        assert_eq!(retry("Sat, 21 Nov 2026 11:53:40 GMT"), Verdict::Retry { after_s: 120 });
        assert_eq!(retry("Sat, 21 Nov 2020 11:53:40 GMT"), Verdict::Retry { after_s: 2 });
        for nothing in ["", "soon", "-5", "1.5"] {
            assert_eq!(retry(nothing), Verdict::Retry { after_s: 2 }, "{nothing}");
        }
    }

    #[test]
    fn what_was_refused_or_ran_out_of_tries_is_buried_with_the_answer() {
        let refused = Outcome::of_response(422, None, "no such column", 0);
        let buried = Verdict::Bury { reason: Reason::Refused, answer: "422 no such column".into() };
        assert_eq!(judge(refused, 1, 10), buried);
        let down = Outcome::of_response(503, Some("1"), "", 0);
        assert!(matches!(judge(down.clone(), 9, 10), Verdict::Retry { .. }));
        let buried = Verdict::Bury { reason: Reason::OutOfTries, answer: "503".into() };
        assert_eq!((judge(down.clone(), 10, 10), judge(down, 11, 10)), (buried.clone(), buried));
    }

    #[test]
    fn an_answer_is_kept_within_its_bound() {
        let long = "é".repeat(SINK_ANSWER_BYTES_MAX);
        let Outcome::Refused { answer } = Outcome::of_response(400, None, &long, 0) else { panic!("refused") };
        assert!(answer.starts_with("400 é") && answer.len() <= SINK_ANSWER_BYTES_MAX);
    }
}
