//! What does a caller get for each request? The whole router, with a database that only records.

mod auth;
mod database;
mod heartbeats;
mod inputs;
mod moderation;
mod problems;
mod reading;
mod requests;
mod routes;
mod shutdown;
mod ticker;
mod webhooks;
