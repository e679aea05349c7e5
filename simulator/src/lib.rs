//! The engine over a clock, a disk and a queue of its own: no test and no try-out sleeps.
//!
//! [`Sim`] owns time and jumps from deadline to deadline. A [`Scenario`] is a written story of one visitor as JSON, with
//! what is expected to come of it; running it gives a [`Timeline`]. It is the same engine as in the Worker, compiled
//! natively: the same inputs at the same times give the same effects, byte for byte.

mod expect;
mod past;
mod reader;
mod run;
mod scenario;
mod sim;
mod steps;
mod text;
mod time;
mod timeline;

pub use expect::{Difference, Expectation, Expected};
pub use scenario::{Documents, Scenario};
pub use sim::{DAY, HOUR, MINUTE, MoreQueue, SECOND, START, Sim, WAKES_IN_A_ROW_MAX, config};
pub use steps::{Act, Step};
pub use time::{offset_text, parse_offset, parse_time, time_text};
pub use timeline::{Cause, Entry, Shown, Timeline, Timer, What};
