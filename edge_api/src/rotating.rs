//! A value that is replaced as a whole while others read it.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::SecretString;

/// The value; a clone is the same one.
#[derive(Debug, Default)]
pub struct Rotating<T>(Arc<RwLock<Arc<T>>>);

impl<T> Rotating<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    pub fn get(&self) -> Arc<T> {
        let value = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&value)
    }

    pub fn set(&self, value: T) {
        self.update(|_| value);
    }

    /// Replaces it by what is made of it; no other change comes between.
    pub fn update(&self, change: impl FnOnce(&T) -> T) {
        let mut value = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *value = Arc::new(change(&value));
    }
}

impl<T> Clone for Rotating<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The secrets of Agora's notification service; any of them may sign a notice.
pub type WebhookSecrets = Rotating<Vec<SecretString>>;
