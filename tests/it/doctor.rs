//! `doctor()` finds faults of an installation.

mod certificates;
mod checks;
mod realtime;
