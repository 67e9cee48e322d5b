//! Tests of the error codes and of what is made of them.

use std::collections::HashSet;

use super::*;

#[test]
fn codes_are_unique_and_snake_case() {
    let mut seen = HashSet::new();
    for code in ErrorCode::ALL {
        let name = code.as_str();
        assert!(seen.insert(name), "{name} appears twice");
        assert!(
            name.split('_').all(|word| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
            }),
            "{name} is not snake_case"
        );
    }
}

#[test]
fn a_code_is_found_by_its_name_and_by_no_other() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
    }
    assert_eq!(ErrorCode::parse("Stream_Ended"), None);
    assert_eq!(ErrorCode::parse(""), None);
}

#[test]
fn every_category_is_used() {
    let used: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.category()).collect();
    assert_eq!(used.len(), Category::ALL.len());
}

fn recovery_of(code: ErrorCode) -> String {
    serde_json::to_string(&code.recovery()).expect("a flat struct")
}

#[test]
fn only_what_can_be_got_past_is_tried_again() {
    for code in ErrorCode::ALL {
        let (recovery, usual) = (code.recovery(), code.category().recovery());
        if code.recoverable() {
            assert_eq!(recovery, usual, "{}", code.as_str());
        } else {
            let attempts = (recovery.max_retry_attempts, recovery.retry_delay_ms);
            assert!(!recovery.auto_retry, "{}", code.as_str());
            assert_eq!(attempts, (0, 0), "{}", code.as_str());
            assert!(recovery.user_notification, "{}", code.as_str());
        }
    }
}

#[test]
fn what_only_the_operator_can_mend_says_so() {
    for code in [
        ErrorCode::NotConfigured,
        ErrorCode::WebhookNotConfigured,
        ErrorCode::CertificateMissing,
        ErrorCode::CertificateMalformed,
        ErrorCode::CertificateUnsafe,
        ErrorCode::ClockWrong,
        ErrorCode::Internal,
        ErrorCode::DiskFull,
        ErrorCode::ResourceLimit,
        ErrorCode::StorageFailed,
    ] {
        assert!(!code.recoverable());
        assert_eq!(
            recovery_of(code),
            r#"{"auto_retry":false,"max_retry_attempts":0,"retry_delay_ms":0,"fallback_action":"contact_operator","user_notification":true}"#,
            "{}",
            code.as_str()
        );
    }
}

#[test]
fn what_a_person_must_change_ends_in_the_fallback_of_its_category() {
    for (code, fallback) in [
        (ErrorCode::InvalidArgument, "show_service_unavailable"),
        (ErrorCode::Unauthenticated, "redirect_to_login"),
        (ErrorCode::NotStreamOwner, "show_access_denied"),
        (ErrorCode::StreamEnded, "show_stream_unavailable"),
        (ErrorCode::ContentTooLong, "keep_message_for_manual_retry"),
    ] {
        assert_eq!(
            code.recovery().fallback_action,
            fallback,
            "{}",
            code.as_str()
        );
    }
}

/// A server that is away comes back; a full disk does not empty itself, so nobody adds to its load.
#[test]
fn a_server_that_is_away_is_tried_again_and_a_full_disk_is_not() {
    for code in [
        ErrorCode::ServerStopping,
        ErrorCode::ServerCrashed,
        ErrorCode::ServerStarting,
        ErrorCode::OutOfMemory,
    ] {
        assert!(code.recovery().auto_retry, "{}", code.as_str());
        assert_eq!(code.http_status(), 503, "{}", code.as_str());
    }
    for code in [
        ErrorCode::DiskFull,
        ErrorCode::ResourceLimit,
        ErrorCode::StorageFailed,
    ] {
        assert!(!code.recovery().auto_retry, "{}", code.as_str());
        assert_eq!(code.http_status(), 503, "{}", code.as_str());
    }
}

/// It may be closed for good, or only busy or restarting: two attempts tell.
#[test]
fn a_vault_that_cannot_be_read_is_tried_again_twice() {
    assert_eq!(
        recovery_of(ErrorCode::VaultUnreadable),
        r#"{"auto_retry":true,"max_retry_attempts":2,"retry_delay_ms":5000,"fallback_action":"show_service_unavailable","user_notification":true}"#
    );
}

#[test]
fn states_have_five_characters_and_ours_name_the_http_status() {
    for code in ErrorCode::ALL {
        assert!(
            (400..600).contains(&code.http_status()),
            "{}",
            code.as_str()
        );
        let Some(state) = code.sqlstate() else {
            continue;
        };
        assert!(
            state.len() == 5
                && state
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
            "{state}"
        );
        if let Some(status) = state.strip_prefix(RAISED_BY_US) {
            assert_eq!(status.parse(), Ok(code.http_status()), "{}", code.as_str());
        }
    }
}

/// PostgREST up to version 14 retries 40001 and 40P01 for ever, and at a 503 it drops its connections
/// and reads its schema anew.
#[test]
fn no_function_raises_what_postgrest_cannot_stand() {
    for code in ErrorCode::ALL {
        let name = code.as_str();
        let state = code.sqlstate().unwrap_or_default();
        assert_ne!(state, "40001", "{name}");
        assert_ne!(state, "PT503", "{name}");
        if state.starts_with("40") {
            assert_eq!(*code, ErrorCode::Deadlock);
        }
        // Postgres's own states are recognised and never raised.
        if code.http_status() == 503 {
            assert!(!state.starts_with(RAISED_BY_US), "{name} is raised as 503");
        }
    }
}

#[test]
fn what_only_the_edge_can_find_has_no_state() {
    let of_the_edge: Vec<_> = ErrorCode::ALL
        .iter()
        .filter(|code| code.sqlstate().is_none())
        .map(|code| code.as_str())
        .collect();
    assert_eq!(
        of_the_edge,
        [
            "token_expired",
            "webhook_signature_invalid",
            "webhook_signature_outdated",
            "route_not_found",
            "webhook_not_configured",
            "upstream_unavailable",
            "overloaded",
        ]
    );
}

#[test]
fn messages_and_hints_are_short_ascii_and_messages_are_unique() {
    let mut seen = HashSet::new();
    for code in ErrorCode::ALL {
        let (message, hint) = (code.message(), code.hint());
        assert!(seen.insert(message), "{message}");
        assert!(!message.is_empty() && message.len() <= 72, "{message}");
        assert!(!message.contains('.'), "{message}");
        assert!(
            message
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic()),
            "{message}"
        );
        assert!(
            message.starts_with(|first: char| first.is_ascii_lowercase()),
            "{message}"
        );
        assert!(
            !hint.is_empty() && hint.len() <= 160 && hint.is_ascii(),
            "{hint}"
        );
        assert!(hint.ends_with('.'), "{hint}");
    }
}

#[test]
fn only_the_states_of_postgres_itself_lead_back_to_a_code() {
    let own: Vec<_> = ErrorCode::ALL
        .iter()
        .filter_map(|code| ErrorCode::from_sqlstate(code.sqlstate()?))
        .collect();
    assert_eq!(
        own,
        [
            ErrorCode::StatementTimeout,
            ErrorCode::LockTimeout,
            ErrorCode::Deadlock,
            ErrorCode::TooManyConnections,
            ErrorCode::DiskFull,
            ErrorCode::OutOfMemory,
            ErrorCode::ResourceLimit,
            ErrorCode::StorageFailed,
            ErrorCode::ServerStopping,
            ErrorCode::ServerCrashed,
            ErrorCode::ServerStarting,
            ErrorCode::ReadOnly,
            ErrorCode::PermissionDenied,
            ErrorCode::InvalidText,
            ErrorCode::InvalidEscape,
            ErrorCode::OutOfRange,
            ErrorCode::InvalidSyntax,
        ]
    );
    assert_eq!(
        ErrorCode::from_sqlstate("57014"),
        Some(ErrorCode::StatementTimeout)
    );
    assert_eq!(ErrorCode::from_sqlstate("PT403"), None);
    assert_eq!(ErrorCode::from_sqlstate("40001"), None);
}

#[test]
fn the_detail_is_json_and_names_the_wait_only_when_there_is_one() {
    assert_eq!(
        ErrorCode::RateLimited.detail_json(Some(1500)),
        r#"{"code":"rate_limited","category":"system_error","recoverable":true,"retry_after_ms":1500}"#
    );
    assert_eq!(
        ErrorCode::StreamEnded.detail_json(None),
        r#"{"code":"stream_ended","category":"stream_error","recoverable":false}"#
    );
}
