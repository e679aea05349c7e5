//! Footfall: the engine, the rulebook's rules, the access code and what sinks get (pure) and, for the Worker build only, the shell around
//! them.

pub mod access;
pub mod engine;
pub mod log;
pub mod rulebook;
#[cfg(all(target_arch = "wasm32", not(feature = "engine-only")))]
mod shell;
pub mod sinks;
