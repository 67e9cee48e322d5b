//! `stream.config`: its values, and the time from which a change applies.

mod changes;
mod values;
