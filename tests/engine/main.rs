//! The engine through its one door, over a simulator that owns time.

mod conformance;
mod scenarios;
mod sim;
