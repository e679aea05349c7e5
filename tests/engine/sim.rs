//! The simulator, which is a library of its own, under the name that these tests know.

pub(crate) use footfall_simulator::{DAY, HOUR, MINUTE, MoreQueue, SECOND, START, Sim, config};
