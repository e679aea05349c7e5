//! The engine: a visitor as a deterministic state machine with no clock, I/O or randomness of its own.

pub mod rules;
