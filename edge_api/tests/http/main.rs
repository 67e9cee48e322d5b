//! The whole router with a database that only records: what a caller gets for each request.

mod admission;
mod auth;
mod browsers;
mod database;
mod deadlines;
mod described;
mod docs;
mod draft;
mod fixtures;
mod heartbeats;
mod inputs;
mod log;
mod metrics;
mod observability;
mod openapi;
mod operator;
mod polling;
mod problems;
mod process;
mod reference;
mod requests;
mod routes;
mod settings;
mod sockets;
mod ticker;
mod webhooks;
