//! End-to-end tests: the product through its services, with the real clients.

mod agora_webhook;
mod browser;
mod client;
mod demo;
mod documentation_types;
mod edge;
mod fixtures;
mod gateway;
mod hosted;
mod outage;
mod realtime;
mod secrets;
