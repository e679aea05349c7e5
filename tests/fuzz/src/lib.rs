//! What is fuzzed: functions of bytes that panic when something is wrong.
//!
//! The fuzzers call them, and so does an ordinary test that replays the corpora (`tests/fuzz_corpus.rs`), which takes
//! this file in as a module.
#![allow(unreachable_pub, missing_docs, dead_code, reason = "a crate for the fuzzers, and a module for the test")]
#![allow(clippy::unwrap_used, reason = "a check that cannot go on panics")]

pub mod access;
pub mod admin;
pub mod bytes;
pub mod compile;
pub mod decode;
pub mod events;
pub mod grammar;
pub mod index;
pub mod log;
pub mod sinks;
pub mod snapshot;
pub mod transitions;
pub mod users;
