//! `stream.config`: what it takes, and when a change applies.

mod changes;
mod values;
