//! Integration tests: the product through SQL, on the database alone.

mod auction;
mod chat;
mod clock;
mod config;
mod contract;
mod doctor;
mod editions;
mod harness;
mod hosted;
mod mechanism;
mod metrics;
mod moderation;
mod reaction;
mod realtime;
mod regular_work;
mod restore;
mod stream;
mod token;
mod upgrade;
mod user;
mod viewer;
mod webhook;
