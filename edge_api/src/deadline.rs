//! The instant by which the answer to a request is due.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::time::Instant;

/// Longer than a statement may take (`upstream::sql`), so that the database's answer, which
/// names the reason, comes first.
pub const LONGEST: Duration = Duration::from_secs(10);

/// A request's deadline, which the layers around the handlers put into its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// The deadline of a request that comes in now.
    pub fn of_new_request() -> Self {
        Self(Instant::now() + LONGEST)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Deadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().copied();
        Ok(known.unwrap_or_else(Self::of_new_request))
    }
}
