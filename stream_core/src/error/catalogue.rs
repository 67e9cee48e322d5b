//! The table of all error codes: one row each, in the order in which documents list them.

use super::entry::{CatalogueRow, Remedy};
use super::recovery::Category;

/// Writes the enum, the list of all codes and the lookup from one table, so that they cannot part.
macro_rules! catalogue {
    ($($variant:ident $code:literal $category:ident $sqlstate:tt $http_status:literal
       $remedy:ident: $message:literal, $hint:literal;)*) => {
        /// A public error code. Its name is part of the interface and never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = $message] $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(super) const fn entry(self) -> &'static CatalogueRow {
                match self {
                    $(Self::$variant => &CatalogueRow {
                        code: $code,
                        category: Category::$category,
                        sqlstate: sqlstate!($sqlstate),
                        http_status: $http_status,
                        remedy: remedy!($remedy),
                        message: $message,
                        hint: $hint,
                    },)*
                }
            }
        }
    };
}

/// `none` marks a code that no SQL function raises: edge_api alone gives it.
macro_rules! sqlstate {
    (none) => {
        None
    };
    ($sqlstate:literal) => {
        Some($sqlstate)
    };
}

macro_rules! remedy {
    (recoverable) => {
        Remedy::App
    };
    (lasting) => {
        Remedy::Request
    };
    (operator) => {
        Remedy::Operator
    };
}

catalogue! {
    // What is wrong with the request itself.
    InvalidArgument "invalid_argument" SystemError "PT400" 400 lasting:
        "an argument is missing or out of range", "Check the arguments against the documentation of the function.";
    IsolationLevel "isolation_level" SystemError "PT400" 400 lasting:
        "this call needs a READ COMMITTED transaction", "Call it outside REPEATABLE READ and SERIALIZABLE transactions.";

    // Who is calling.
    Unauthenticated "unauthenticated" AuthenticationError "PT401" 401 lasting:
        "sign in first", "Send the access token of a signed-in user.";
    TokenExpired "token_expired" AuthenticationError none 401 recoverable:
        "the access token has expired", "Refresh the session and try again.";
    TokenInvalid "token_invalid" AuthenticationError "PT401" 401 lasting:
        "the access token is not valid", "Sign in again.";

    WebhookSignatureInvalid "webhook_signature_invalid" AuthenticationError none 401 lasting:
        "the signature of the notification is not valid", "Sign the raw body with the secret of the notification service (Agora-Signature-V2).";
    WebhookSignatureOutdated "webhook_signature_outdated" AuthenticationError none 401 lasting:
        "the notification carries only the older SHA-1 signature", "Pass the header Agora-Signature-V2 on; a proxy may have dropped it.";

    // What the caller may do.
    Forbidden "forbidden" PermissionError "PT403" 403 lasting:
        "this function is not open to direct calls", "Call the function of the same purpose in schema stream.";
    NotSelf "not_self" PermissionError "PT403" 403 lasting:
        "a user may act for themself only", "Leave the user id out or pass your own.";
    NotStreamOwner "not_stream_owner" PermissionError "PT403" 403 lasting:
        "only the seller of this stream may do that", "Sign in as the seller who started the stream.";
    NotAuctionOwner "not_auction_owner" PermissionError "PT403" 403 lasting:
        "only the seller of this auction may stream it", "Start the stream as the owner of the auction.";
    NotViewer "not_viewer" PermissionError "PT403" 403 recoverable:
        "join the stream first", "Call add_viewer for this stream, then try again.";
    Banned "banned" PermissionError "PT403" 403 lasting:
        "you are banned from this stream", "Ask the seller to lift the ban.";
    CannotView "cannot_view" PermissionError "PT403" 403 lasting:
        "you may not watch this stream", "Ask the seller for access.";
    CannotChat "cannot_chat" PermissionError "PT403" 403 lasting:
        "you may not chat in this stream", "Wait for the seller to lift the restriction.";
    AnonymousUser "anonymous_user" PermissionError "PT403" 403 lasting:
        "anonymous users may not chat", "Create an account or sign in to chat.";
    NotModerator "not_moderator" PermissionError "PT403" 403 lasting:
        "only a moderator of this stream may do that", "Ask the seller to make you a moderator.";
    Muted "muted" PermissionError "PT403" 403 lasting:
        "you are muted in this stream", "Wait until the mute ends or ask the seller to lift it.";
    ChatClosed "chat_closed" PermissionError "PT403" 403 lasting:
        "the chat is not open to you at the moment", "Wait until the chat mode of the stream changes.";

    // What does not exist.
    SessionNotFound "session_not_found" StreamError "PT404" 404 lasting:
        "no such stream", "Check the session id.";
    MessageNotFound "message_not_found" ChatError "PT404" 404 lasting:
        "no such message in this stream", "Check the message id.";
    SubscriptionNotFound "subscription_not_found" ChatError "PT404" 404 lasting:
        "no such subscription", "Check the subscription id.";
    ChannelNotFound "channel_not_found" StreamError "PT404" 404 lasting:
        "no such channel", "Use the channel_id of the stream session.";
    RouteNotFound "route_not_found" SystemError none 404 lasting:
        "no such route", "Check the method and the path.";

    // What the state of the stream does not allow.
    IllegalTransition "illegal_transition" StreamError "PT409" 409 lasting:
        "the stream cannot move to that state from its present one", "Read the state first; an ended stream never changes again.";
    AuctionLive "auction_live" StreamError "PT409" 409 lasting:
        "this auction is already being streamed", "End the running stream before starting another.";
    MessageIdConflict "message_id_conflict" ChatError "PT409" 409 lasting:
        "this message id was used for another message", "Make a new random id for every message.";
    RequestIdConflict "request_id_conflict" SystemError "PT409" 409 lasting:
        "this request id was used for another request", "Make a new random id for every request.";
    StaleHost "stale_host" StreamError "PT409" 409 lasting:
        "another device of the seller has taken over this stream", "Stop publishing on this device, or start the stream here again.";
    TakeoversExhausted "takeovers_exhausted" StreamError "PT409" 409 lasting:
        "this stream cannot be taken over any more", "End the stream and start a new one.";
    StreamLive "stream_live" StreamError "PT409" 409 lasting:
        "the stream has not ended yet", "End the stream before deleting it, its seller or its auction.";
    StreamEnded "stream_ended" StreamError "PT410" 410 lasting:
        "the stream has ended", "Start a new stream.";

    // What a chat message may not contain.
    ContentEmpty "content_empty" ChatError "PT422" 422 lasting:
        "the message is empty", "Write at least one visible character.";
    ContentTooLong "content_too_long" ChatError "PT422" 422 lasting:
        "the message is longer than 2000 characters", "Shorten the message.";
    ContentInvalid "content_invalid" ChatError "PT422" 422 lasting:
        "the message contains characters that are not allowed", "Remove control characters and text-direction overrides.";
    ContentBlocked "content_blocked" ChatError "PT422" 422 lasting:
        "the message contains a blocked term", "Write it in other words.";

    // Limits.
    PayloadTooLarge "payload_too_large" SystemError "PT413" 413 lasting:
        "the request is too large", "Send less in one request.";
    SlowMode "slow_mode" ChatError "PT429" 429 recoverable:
        "slow mode is on", "Wait for retry_after_ms before the next message.";
    RateLimited "rate_limited" SystemError "PT429" 429 recoverable:
        "too many requests", "Wait for retry_after_ms before trying again.";

    // The service itself. A status of 503 has no SQLSTATE: PostgREST would drop its pool of connections and
    // read its schema anew at each one, so what a function raises is 500.
    NotConfigured "not_configured" SystemError "PT500" 500 operator:
        "streaming is not configured", "The operator must store a valid Agora app id and certificate.";
    WebhookNotConfigured "webhook_not_configured" SystemError none 503 operator:
        "the secret of the notification service is not configured", "The operator must set AGORA_WEBHOOK_SECRET for the service.";
    CertificateMissing "certificate_missing" SystemError "PT500" 500 operator:
        "the Agora certificate is not there", "The operator must store it in Vault or in the file that the setting names.";
    CertificateMalformed "certificate_malformed" SystemError "PT500" 500 operator:
        "the Agora certificate is malformed", "The operator must store the 32 hexadecimal digits that the Agora console shows.";
    CertificateUnsafe "certificate_unsafe" SystemError "PT500" 500 operator:
        "the file of the Agora certificate is not safe", "The operator must give it to the server's user alone, mode 0600 or 0400.";
    VaultUnreadable "vault_unreadable" SystemError "PT500" 500 recoverable:
        "the Vault cannot be read", "The operator must let the owner of the tables read vault.decrypted_secrets.";
    ClockWrong "clock_wrong" SystemError "PT500" 500 operator:
        "the clock of the server is wrong", "The operator must correct the time of the database server.";
    UpstreamUnavailable "upstream_unavailable" NetworkError none 503 recoverable:
        "the service cannot reach its database", "Try again later.";
    Overloaded "overloaded" SystemError none 503 recoverable:
        "the service is busy", "Wait for retry_after_ms before trying again; the request was not begun.";
    Internal "internal" SystemError "PT500" 500 operator:
        "something went wrong inside the service", "Report the request id to the operator.";

    // Raised by Postgres itself; never by this product.
    StatementTimeout "statement_timeout" SystemError "57014" 504 recoverable:
        "the request took too long", "Try again later.";
    LockTimeout "lock_timeout" SystemError "55P03" 503 recoverable:
        "the stream is busy", "Try again later.";
    Deadlock "deadlock" SystemError "40P01" 503 recoverable:
        "the request collided with another one", "Try again.";
    TooManyConnections "too_many_connections" SystemError "53300" 503 recoverable:
        "the database has no free connection", "Try again later.";
    DiskFull "disk_full" SystemError "53100" 503 operator:
        "the database has no room left on its disk", "The operator must make room on the disk of the database server.";
    OutOfMemory "out_of_memory" SystemError "53200" 503 recoverable:
        "the database has no memory left for this request", "Try again later.";
    ResourceLimit "resource_limit" SystemError "53400" 503 operator:
        "the request exceeds a limit of the database server", "The operator must raise the limit that the server's log names.";
    StorageFailed "storage_failed" SystemError "58030" 503 operator:
        "the storage of the database failed", "The operator must look at the disk of the database server.";
    ServerStopping "server_stopping" NetworkError "57P01" 503 recoverable:
        "the database is shutting down or ended this connection", "Try again later; whether the call took effect is not known.";
    ServerCrashed "server_crashed" NetworkError "57P02" 503 recoverable:
        "the database server is recovering from a crash", "Try again later; whether the call took effect is not known.";
    ServerStarting "server_starting" NetworkError "57P03" 503 recoverable:
        "the database does not accept connections yet", "Try again later.";
    ReadOnly "read_only" SystemError "25006" 503 recoverable:
        "the database accepts no writes", "Try again later; writing calls must be sent as POST.";
    PermissionDenied "permission_denied" PermissionError "42501" 403 lasting:
        "permission denied", "Sign in with a role that may call this function.";
    InvalidText "invalid_text" SystemError "22021" 400 lasting:
        "the text is not valid UTF-8", "Send UTF-8 without zero characters.";
    InvalidEscape "invalid_escape" SystemError "22P05" 400 lasting:
        "a text holds an escape that cannot be stored", "Send no zero characters.";
    OutOfRange "out_of_range" SystemError "22003" 400 lasting:
        "a number is out of range", "Check the range of numbers against the documentation.";
    InvalidSyntax "invalid_syntax" SystemError "22P02" 400 lasting:
        "a value is malformed", "Check the format of ids and numbers.";
}
