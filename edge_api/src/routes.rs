//! The route table: method and path of each operation that is called over HTTP.
//!
//! A parameter of the path is the argument of that name. The other arguments are members of the JSON
//! body (POST, PUT, PATCH) or parameters of the query (GET, DELETE).

mod built_in;
pub mod errors;
pub mod health;
pub mod metrics;
pub mod openapi;
pub mod operation;
pub mod operator;
pub mod reference;
pub mod webhooks;

use axum::http::Method;

/// An operation that is reached over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub verb: Verb,
    pub path: &'static str,
    /// Its name in the contract.
    pub operation: &'static str,
    /// The argument that the whole body is.
    pub whole_body: Option<&'static str>,
    /// The largest body, if another than [`BODY_LIMIT_BYTES`](crate::body::BODY_LIMIT_BYTES).
    pub body_limit_bytes: Option<usize>,
    /// The member of the answer that names its version; its readers poll, and get 304 while it is the same.
    pub version: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Room for the 1,000 items of `heartbeats`, which have at most 221 bytes without spaces and claims.
const HEARTBEATS_BYTES: usize = 256 * 1024;

/// Room for the 1,000 items of `send_messages`, of 1 KB each.
const MESSAGES_BYTES: usize = 1024 * 1024;

#[rustfmt::skip] // One route, one line.
pub static ROUTES: &[Route] = &[
    post("/v1/streams", "start_stream"),
    get("/v1/streams", "list_live_streams"),
    get("/v1/auctions/{auction_id}/live-stream", "get_live_stream"),
    get("/v1/streams/{session_id}", "get_session"),
    get("/v1/streams/{session_id}/summary", "get_stream_summary"),
    get("/v1/streams/{session_id}/state", "get_stream_state"),
    patch("/v1/streams/{session_id}/state", "update_stream_state"),
    post("/v1/streams/{session_id}/pause", "pause_stream"),
    post("/v1/streams/{session_id}/resume", "resume_stream"),
    post("/v1/streams/{session_id}/end", "end_stream"),
    post("/v1/tokens/seller", "generate_seller_token"),
    post("/v1/tokens/buyer", "generate_buyer_token"),
    post("/v1/tokens/refresh", "refresh_token"),
    post("/v1/tokens/inspect", "inspect_token"),
    post("/v1/streams/{session_id}/join", "join_stream"),
    post("/v1/streams/{session_id}/viewers", "add_viewer"),
    get("/v1/streams/{session_id}/viewers", "get_viewers"),
    get("/v1/streams/{session_id}/viewers/count", "get_viewer_count"),
    delete("/v1/streams/{session_id}/viewers/{buyer_id}", "remove_viewer"),
    post("/v1/streams/{session_id}/heartbeat", "heartbeat"),
    post("/v1/heartbeats", "heartbeats").up_to(HEARTBEATS_BYTES),
    post("/v1/streams/{session_id}/messages", "send_message"),
    post("/v1/messages", "send_messages").up_to(MESSAGES_BYTES),
    get("/v1/streams/{session_id}/messages", "get_message_history"),
    get("/v1/streams/{session_id}/messages/since/{last_message_id}", "sync_messages"),
    get("/v1/streams/{session_id}/sync", "sync").polled("version"),
    post("/v1/streams/{session_id}/reactions", "send_reaction"),
    post("/v1/streams/{session_id}/reads", "mark_messages_as_read"),
    put("/v1/streams/{session_id}/reads/up_to", "mark_read_up_to"),
    get("/v1/streams/{session_id}/reads", "unread_count"),
    post("/v1/streams/{session_id}/subscriptions", "subscribe_to_chat"),
    delete("/v1/subscriptions/{subscription_id}", "unsubscribe_from_chat"),
    post("/v1/streams/{session_id}/auction-updates", "post_auction_update").whole_body("update"),
    delete("/v1/streams/{session_id}/messages/{message_id}", "delete_message"),
    delete("/v1/streams/{session_id}/moderation/users/{user_id}/messages", "delete_user_messages"),
    post("/v1/streams/{session_id}/moderation/mute", "mute_user"),
    post("/v1/streams/{session_id}/moderation/ban", "ban_user"),
    post("/v1/streams/{session_id}/moderation/lift", "lift_restriction"),
    get("/v1/streams/{session_id}/moderation/restrictions", "list_restrictions"),
    put("/v1/streams/{session_id}/moderation/slow-mode", "set_slow_mode"),
    put("/v1/streams/{session_id}/moderation/chat-mode", "set_chat_mode"),
    put("/v1/streams/{session_id}/moderation/pin", "pin_message"),
    delete("/v1/streams/{session_id}/moderation/pin", "unpin_message"),
    post("/v1/streams/{session_id}/moderation/blocked-terms", "block_term"),
    get("/v1/streams/{session_id}/moderation/blocked-terms", "list_blocked_terms"),
    delete("/v1/streams/{session_id}/moderation/blocked-terms", "unblock_term"),
    get("/v1/streams/{session_id}/moderation/log", "get_moderation_log"),
    post("/v1/streams/{session_id}/messages/{message_id}/reports", "report_message"),
    get("/v1/streams/{session_id}/moderation/reports", "list_reports"),
    post("/v1/streams/{session_id}/moderation/reports/{message_id}/resolve", "resolve_report"),
    get("/v1/users/{user_id}/export", "export_user"),
    post("/v1/users/{user_id}/forget", "forget_user"),
];

/// The methods of a table, each once.
pub fn methods(table: &[Route]) -> Vec<Method> {
    let mut methods: Vec<Method> = table.iter().map(|route| route.verb.method()).collect();
    methods.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    methods.dedup();
    methods
}

impl Route {
    /// The names between braces.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        let pieces = self.path.split('/');
        pieces.filter_map(|piece| piece.strip_prefix('{')?.strip_suffix('}'))
    }

    const fn whole_body(self, argument: &'static str) -> Self {
        Self {
            whole_body: Some(argument),
            ..self
        }
    }

    const fn polled(self, version: &'static str) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }

    const fn up_to(self, bytes: usize) -> Self {
        Self {
            body_limit_bytes: Some(bytes),
            ..self
        }
    }
}

impl Verb {
    pub const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }

    /// True: arguments stand in the body; false: in the query.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// Arguments besides the path's come from the query.
pub const fn get(path: &'static str, operation: &'static str) -> Route {
    route(Verb::Get, path, operation)
}

const fn post(path: &'static str, operation: &'static str) -> Route {
    route(Verb::Post, path, operation)
}

const fn put(path: &'static str, operation: &'static str) -> Route {
    route(Verb::Put, path, operation)
}

const fn patch(path: &'static str, operation: &'static str) -> Route {
    route(Verb::Patch, path, operation)
}

const fn delete(path: &'static str, operation: &'static str) -> Route {
    route(Verb::Delete, path, operation)
}

const fn route(verb: Verb, path: &'static str, operation: &'static str) -> Route {
    Route {
        verb,
        path,
        operation,
        whole_body: None,
        body_limit_bytes: None,
        version: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::contract::Contract;

    /// Operations that have no route, and why.
    const WITHOUT_ROUTE: &[(&str, &str)] = &[
        ("apply_webhook", "POST /webhooks/agora calls it, for Agora"),
        ("doctor", "for those who run the database"),
        ("new_epoch", "for those who restore the database"),
        ("report_canary", "the canary calls it"),
        ("sweep", "for those who run the database"),
        ("tick", "the ticker calls it"),
        ("user_id", "for policies; callers know who they are"),
    ];

    #[test]
    fn every_operation_has_a_route_or_a_reason_to_have_none() {
        let routed = ROUTES.iter().map(|route| route.operation);
        let excepted = WITHOUT_ROUTE.iter().map(|(operation, _)| *operation);
        let known: BTreeSet<_> = routed.clone().chain(excepted).collect();
        assert_eq!(
            known.len(),
            ROUTES.len() + WITHOUT_ROUTE.len(),
            "one is there twice"
        );
        let operations = Contract::get().operations();
        let operations: BTreeSet<_> = operations.map(|operation| operation.name).collect();
        assert_eq!(known, operations);
    }

    #[test]
    fn every_parameter_of_a_path_and_every_whole_body_is_an_argument() {
        for route in ROUTES {
            let operation = Contract::get().operation(route.operation);
            let operation = operation.unwrap_or_else(|| panic!("{route:?}"));
            let names = route.path_parameters().chain(route.whole_body);
            let positions: Vec<_> = names.map(|name| operation.position(name)).collect();
            assert!(positions.iter().all(Option::is_some), "{route:?}");
            assert_eq!(
                route.path.matches('{').count(),
                route.path_parameters().count()
            );
        }
    }

    #[test]
    fn a_route_that_only_reads_is_a_get_and_no_other_is() {
        for route in ROUTES {
            let operation = Contract::get().operation(route.operation);
            let access = operation.expect("an operation").access;
            let may_be_get = access == crate::contract::Access::Read;
            let is_secret = route.operation == "inspect_token";
            assert_eq!(
                route.verb == Verb::Get,
                may_be_get && !is_secret,
                "{route:?}"
            );
        }
    }
}
