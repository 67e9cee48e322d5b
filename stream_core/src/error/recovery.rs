//! The recovery strategy of an app for each category of errors.

use serde::Serialize;

/// The kind of failure that an error is; it chooses the [`RecoveryStrategy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    NetworkError,
    AuthenticationError,
    PermissionError,
    StreamError,
    ChatError,
    SystemError,
}

/// The steps of an app after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RecoveryStrategy {
    pub auto_retry: bool,
    pub max_retry_attempts: u32,
    /// The wait before the first retry, unless the error itself says `retry_after_ms`.
    pub retry_delay_ms: u64,
    /// The action when retrying is over or pointless.
    pub fallback_action: &'static str,
    pub user_notification: bool,
}

impl RecoveryStrategy {
    /// Only whoever runs the service can mend it: the app says so and offers to try again by hand.
    pub const CONTACT_OPERATOR: &'static str = "contact_operator";

    pub(super) const fn give_up(fallback_action: &'static str) -> Self {
        Self {
            auto_retry: false,
            max_retry_attempts: 0,
            retry_delay_ms: 0,
            fallback_action,
            user_notification: true,
        }
    }
}

impl Category {
    pub const ALL: &'static [Self] = &[
        Self::NetworkError,
        Self::AuthenticationError,
        Self::PermissionError,
        Self::StreamError,
        Self::ChatError,
        Self::SystemError,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NetworkError => "network_error",
            Self::AuthenticationError => "authentication_error",
            Self::PermissionError => "permission_error",
            Self::StreamError => "stream_error",
            Self::ChatError => "chat_error",
            Self::SystemError => "system_error",
        }
    }

    /// The strategy for a recoverable error of this category.
    pub const fn recovery(self) -> RecoveryStrategy {
        match self {
            Self::NetworkError => retry(3, 2000, "show_offline_mode"),
            Self::AuthenticationError => RecoveryStrategy::give_up("redirect_to_login"),
            // Asking again changes no permission; only another person can.
            Self::PermissionError => RecoveryStrategy::give_up("show_access_denied"),
            Self::StreamError => retry(2, 1000, "show_stream_unavailable"),
            // Sending again is safe, since a message id is accepted once; the draft stays.
            Self::ChatError => retry(3, 1000, "keep_message_for_manual_retry"),
            // Overload gets worse when everybody asks again soon, so the wait is the longest.
            Self::SystemError => retry(2, 5000, "show_service_unavailable"),
        }
    }
}

const fn retry(
    max_retry_attempts: u32,
    retry_delay_ms: u64,
    fallback_action: &'static str,
) -> RecoveryStrategy {
    RecoveryStrategy {
        auto_retry: true,
        max_retry_attempts,
        retry_delay_ms,
        fallback_action,
        user_notification: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(category: Category) -> String {
        serde_json::to_string(&category.recovery()).expect("a flat struct")
    }

    #[test]
    fn the_three_specified_strategies_are_exactly_as_specified() {
        assert_eq!(
            json(Category::NetworkError),
            r#"{"auto_retry":true,"max_retry_attempts":3,"retry_delay_ms":2000,"fallback_action":"show_offline_mode","user_notification":true}"#
        );
        assert_eq!(
            json(Category::AuthenticationError),
            r#"{"auto_retry":false,"max_retry_attempts":0,"retry_delay_ms":0,"fallback_action":"redirect_to_login","user_notification":true}"#
        );
        assert_eq!(
            json(Category::StreamError),
            r#"{"auto_retry":true,"max_retry_attempts":2,"retry_delay_ms":1000,"fallback_action":"show_stream_unavailable","user_notification":true}"#
        );
    }

    #[test]
    fn a_missing_permission_is_never_retried() {
        assert!(!Category::PermissionError.recovery().auto_retry);
    }

    #[test]
    fn retries_have_attempts_and_a_delay_and_giving_up_has_neither() {
        for category in Category::ALL {
            let strategy = category.recovery();
            assert_eq!(strategy.auto_retry, strategy.max_retry_attempts > 0);
            assert_eq!(strategy.auto_retry, strategy.retry_delay_ms > 0);
            assert!(!strategy.fallback_action.is_empty());
        }
    }
}
