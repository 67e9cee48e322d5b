//! `doctor()` finds faults of an installation.

mod canary;
mod certificates;
mod checks;
mod realtime;
