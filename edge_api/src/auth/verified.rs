//! What a verified token says.

use uuid::Uuid;

use crate::caller::{Claims, Role};

/// A token whose signature, times, issuer, audience, role and subject hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub role: Role,
    /// The user that the claims name; none of the service.
    pub user_id: Option<Uuid>,
    pub claims: Claims,
    /// Seconds since 1970, the leeway included.
    pub expires_at_s: u64,
}
