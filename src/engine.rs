//! The engine: a visitor as a deterministic state machine with no clock, I/O or randomness of its own.
//!
//! One door: [`Visitor::handle`] takes an input and the time and returns what the shell must do; it cannot fail.
//! [`Visitor::next_wake`] says when it wants to be woken; [`Visitor::snapshot`] is what the shell commits.
