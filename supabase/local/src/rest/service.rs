//! The state of PostgREST's routes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use deadpool_postgres::{Object, Pool, PoolError};

use crate::jwt::TokenKey;

/// Everything that it takes to call functions as the role of a token.
pub struct Rest {
    pub token_key: Arc<TokenKey>,
    /// The exposed schemas; the first is the default.
    pub schemas: Vec<String>,
    /// Logged in as `authenticator`.
    pool: Pool,
    /// Connections made before are used by nobody any more.
    dropped_at: Mutex<Instant>,
}

impl Rest {
    pub fn new(token_key: Arc<TokenKey>, schemas: Vec<String>, pool: Pool) -> Self {
        Self {
            token_key,
            schemas,
            pool,
            dropped_at: Mutex::new(Instant::now()),
        }
    }

    pub async fn client(&self) -> Result<Object, PoolError> {
        loop {
            let client = self.pool.get().await?;
            if Object::metrics(&client).created >= self.dropped_at() {
                return Ok(client);
            }
            drop(Object::take(client));
        }
    }

    /// Drops all connections: idle ones now, and those in use once their calls have ended.
    pub fn drop_connections(&self) {
        *self
            .dropped_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.pool.retain(|_, _| false);
    }

    fn dropped_at(&self) -> Instant {
        *self
            .dropped_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
