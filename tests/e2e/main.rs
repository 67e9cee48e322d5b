//! End-to-end tests: the product through its services, with the real clients.

mod browser;
mod client;
mod demo;
mod documentation_types;
mod edge;
mod fixtures;
mod gateway;
mod outage;
mod realtime;
mod secrets;
