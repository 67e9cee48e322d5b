//! The HTTP service `edge_api`: its routes, refusals and webhooks.

mod added_operation;
mod batching;
mod broken_network;
mod clock_wrong;
mod health;
mod metrics;
mod openapi;
mod polling;
mod postgrest;
mod refusals;
mod requests;
mod routes;
mod session_pooler;
mod sql_edition;
mod two_copies;
mod webhooks;
