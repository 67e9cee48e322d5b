//! `stream.config`: its values, and the time from which a change applies.

mod changes;
mod reaction_kinds;
mod values;
