//! A mutex for what a panic leaves whole.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mutex without poison, for values that are whole after every statement: what a thread that panicked left can be used.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
