//! A scratch that is kept between evaluations, so that only the first ones make room.

use super::Scratch;
use std::sync::Mutex;

/// A scratch for whoever comes next. What was written down in it is of no consequence, so it counts as nothing when its
/// owner is compared or cloned.
#[derive(Debug, Default)]
pub(in crate::engine) struct Spare(Mutex<Option<Scratch>>);

impl Spare {
    /// The scratch that is here, or a new one when somebody else has it.
    pub(in crate::engine) fn take(&self) -> Scratch {
        self.0.try_lock().ok().and_then(|mut spare| spare.take()).unwrap_or_default()
    }

    /// Keeps a scratch for whoever comes next.
    pub(in crate::engine) fn put(&self, scratch: Scratch) {
        if let Ok(mut spare) = self.0.try_lock() {
            *spare = Some(scratch);
        }
    }
}

impl Clone for Spare {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Spare {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
