//! Which routes exist?

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::routing::{delete, get, patch, post, put};

use crate::error::ApiError;
use crate::layers;
use crate::routes::{
    auction_updates, errors, health, heartbeats, messages, moderation, reads, streams,
    subscriptions, tokens, viewers, webhooks,
};
use crate::state::AppState;

/// The whole service; browsers may call it from `allowed_origins` only.
pub fn router(state: AppState, allowed_origins: Vec<HeaderValue>) -> Router {
    let routes = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/v1/errors", get(errors::list))
        .route("/v1/errors/{code}", get(errors::one))
        .route("/v1/streams", post(streams::start))
        .route("/v1/streams/{sessionId}", get(streams::show))
        .route("/v1/streams/{sessionId}/state", get(streams::state))
        .route(
            "/v1/streams/{sessionId}/state",
            patch(streams::change_state),
        )
        .route("/v1/streams/{sessionId}/pause", post(streams::pause))
        .route("/v1/streams/{sessionId}/resume", post(streams::resume))
        .route("/v1/streams/{sessionId}/end", post(streams::end))
        .route("/v1/tokens/seller", post(tokens::seller))
        .route("/v1/tokens/buyer", post(tokens::buyer))
        .route("/v1/tokens/refresh", post(tokens::refresh))
        .route("/v1/tokens/inspect", post(tokens::inspect))
        .route("/v1/streams/{sessionId}/join", post(viewers::join))
        .route("/v1/streams/{sessionId}/viewers", post(viewers::add))
        .route("/v1/streams/{sessionId}/viewers", get(viewers::list))
        .route("/v1/streams/{sessionId}/viewers/count", get(viewers::count))
        .route(
            "/v1/streams/{sessionId}/viewers/{buyerId}",
            delete(viewers::leave),
        )
        .route("/v1/streams/{sessionId}/heartbeat", post(heartbeats::send))
        .route(
            "/v1/heartbeats",
            post(heartbeats::send_many).layer(DefaultBodyLimit::max(heartbeats::BATCH_LIMIT_BYTES)),
        )
        .route("/v1/streams/{sessionId}/messages", post(messages::send))
        .route("/v1/streams/{sessionId}/messages", get(messages::history))
        .route(
            "/v1/streams/{sessionId}/messages/since/{messageId}",
            get(messages::since),
        )
        .route("/v1/streams/{sessionId}/sync", get(messages::sync))
        .route(
            "/webhooks/agora",
            post(webhooks::agora).layer(DefaultBodyLimit::max(webhooks::BODY_LIMIT_BYTES)),
        )
        .route("/v1/streams/{sessionId}/reads", post(reads::mark))
        .route("/v1/streams/{sessionId}/reads", get(reads::count))
        .route(
            "/v1/streams/{sessionId}/subscriptions",
            post(subscriptions::subscribe),
        )
        .route(
            "/v1/subscriptions/{subscriptionId}",
            delete(subscriptions::unsubscribe),
        )
        .route(
            "/v1/streams/{sessionId}/auction-updates",
            post(auction_updates::add),
        )
        .route(
            "/v1/streams/{sessionId}/messages/{messageId}",
            delete(moderation::delete_message),
        )
        .nest("/v1/streams/{sessionId}/moderation", moderation_routes())
        .fallback(async || ApiError::route_not_found())
        // After the routes: it applies to those that exist already.
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(state);
    layers::wrap(routes, allowed_origins)
}

fn moderation_routes() -> Router<AppState> {
    Router::new()
        .route(
            "/users/{userId}/messages",
            delete(moderation::delete_user_messages),
        )
        .route("/mute", post(moderation::mute))
        .route("/ban", post(moderation::ban))
        .route("/lift", post(moderation::lift))
        .route("/restrictions", get(moderation::restrictions))
        .route("/slow-mode", put(moderation::slow_mode))
        .route("/chat-mode", put(moderation::chat_mode))
        .route("/pin", put(moderation::pin))
        .route("/pin", delete(moderation::unpin))
        .route("/blocked-terms", post(moderation::block))
        .route("/blocked-terms", get(moderation::blocked_terms))
        .route("/blocked-terms", delete(moderation::unblock))
        .route("/log", get(moderation::log))
}
