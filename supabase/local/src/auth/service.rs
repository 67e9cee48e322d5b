//! The state of the sign-in routes.

use std::sync::Arc;

use deadpool_postgres::Pool;

use crate::jwt::TokenKey;

/// Everything that it takes to start and continue sessions.
pub struct Auth {
    pub token_key: Arc<TokenKey>,
    pub jwt_expiry_s: u32,
    /// The `iss` claim of access tokens.
    pub issuer: String,
    /// Logged in as `supabase_auth_admin`.
    pub pool: Pool,
}
