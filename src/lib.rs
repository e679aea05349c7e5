//! Footfall: the engine (pure) and, for the Worker build only, the shell around it.

pub mod engine;
