//! The engine through its one door, over a simulator that owns time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for some messages among all")]

mod clocks;
mod consent;
mod cookbook;
mod crossing;
mod dwells;
mod early;
mod explain;
mod faults;
mod fold;
mod full_users;
mod identity;
mod index;
mod merges;
mod orchestration;
mod orders;
mod outbox;
mod patterns;
mod properties;
mod pushes;
mod rates;
mod scenarios;
mod shapes;
mod sim;
mod snapshots;
mod stored_users;
mod world;
