//! The refusal of a request, with its code and its cause.

pub mod problem;

use std::borrow::Cow;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use stream_core::error::ErrorCode;

use crate::auth::AuthError;
use crate::upstream::UpstreamError;

/// A refusal. The code decides what the caller reads; the rest makes it precise.
///
/// As a response it is empty until the outermost [layer](crate::layers) writes the body, because only there
/// the request id is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", code.as_str())]
pub struct ApiError {
    code: ErrorCode,
    status: StatusCode,
    field: Option<String>,
    detail: Option<Cow<'static, str>>,
    retry_after_ms: Option<u64>,
    cause: Option<Cow<'static, str>>,
}

impl ApiError {
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            status: StatusCode::from_u16(code.http_status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            field: None,
            detail: None,
            retry_after_ms: None,
            cause: None,
        }
    }

    /// `cause` is for the log alone; it must not hold values of the request.
    pub fn internal(cause: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Internal).because(cause)
    }

    /// A body, path or query that cannot be read as a whole.
    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::new(ErrorCode::InvalidArgument)
        }
    }

    /// One field that cannot be read; `what` completes the sentence "auction_id is ...".
    pub fn invalid_field(field: &str, what: &str) -> Self {
        // A field may be named by the caller; the name is cut so that it cannot flood the answer.
        let field: String = field.chars().take(64).collect();
        Self {
            detail: Some(format!("{field} is {what}").into()),
            field: Some(field),
            ..Self::new(ErrorCode::InvalidArgument)
        }
    }

    /// A text that Postgres could not store.
    pub fn invalid_text(field: &str) -> Self {
        Self {
            code: ErrorCode::InvalidText,
            ..Self::invalid_field(field, "a text with the character NUL")
        }
    }

    pub fn route_not_found() -> Self {
        Self::new(ErrorCode::RouteNotFound)
    }

    /// 405 and 415 are HTTP's own refusals: clients and proxies act on these statuses, so they are
    /// kept although their codes are also used with 404 and 400.
    pub fn method_not_allowed() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            detail: Some("this route exists, but not for this method".into()),
            ..Self::new(ErrorCode::RouteNotFound)
        }
    }

    /// See [`method_not_allowed`](Self::method_not_allowed).
    pub fn unsupported_media_type() -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..Self::invalid("send the body with content-type application/json")
        }
    }

    /// 408 for a client whose body does not arrive; for whoever may try again it is the same as 504.
    pub fn body_too_slow() -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            detail: Some("the body did not arrive in time".into()),
            ..Self::new(ErrorCode::StatementTimeout)
        }
    }

    /// One request too many; the next one is let through after `wait`.
    pub fn rate_limited(wait: Duration) -> Self {
        let wait_ms = wait.as_nanos().div_ceil(1_000_000).max(1);
        Self {
            retry_after_ms: Some(u64::try_from(wait_ms).unwrap_or(u64::MAX)),
            ..Self::new(ErrorCode::RateLimited)
        }
    }

    pub fn code(&self) -> ErrorCode {
        self.code
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The cause, for the log; never for the caller.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub(crate) fn because(mut self, cause: impl Into<Cow<'static, str>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

/// The refusal of a request whose head is no good; the server puts it into the request's extensions, so that it is
/// answered like every other.
#[derive(Debug, Clone)]
pub struct Malformed(pub ApiError);

impl From<UpstreamError> for ApiError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Refused {
                code,
                retry_after_ms,
            } => Self {
                retry_after_ms,
                ..Self::new(code)
            },
            UpstreamError::Unavailable { reason } => {
                Self::new(ErrorCode::UpstreamUnavailable).because(reason)
            }
            UpstreamError::Unexpected { reason } => Self::internal(reason),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let code = match error {
            AuthError::Missing | AuthError::Anonymous => ErrorCode::Unauthenticated,
            AuthError::Expired => ErrorCode::TokenExpired,
            AuthError::NoKeySet => ErrorCode::UpstreamUnavailable,
            AuthError::ApiKey | AuthError::UnknownKey | AuthError::Invalid(_) => {
                ErrorCode::TokenInvalid
            }
        };
        let detail = match error {
            AuthError::ApiKey => Some(
                "API keys (sb_publishable_..., sb_secret_...) belong into the header apikey; send the \
                 access token of a signed-in user as the bearer token"
                    .into(),
            ),
            _ => None,
        };
        // A first reading is tried every second.
        let retry_after_ms = (error == AuthError::NoKeySet).then_some(1000);
        Self {
            detail,
            retry_after_ms,
            ..Self::new(code).because(error.to_string())
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
