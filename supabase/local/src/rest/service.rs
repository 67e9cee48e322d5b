//! The state of PostgREST's routes.

use std::sync::Arc;

use deadpool_postgres::Pool;

use crate::jwt::TokenKey;

/// Everything that it takes to call functions as the role of a token.
pub struct Rest {
    pub token_key: Arc<TokenKey>,
    /// The exposed schemas; the first is the default.
    pub schemas: Vec<String>,
    /// Logged in as `authenticator`.
    pub pool: Pool,
}
