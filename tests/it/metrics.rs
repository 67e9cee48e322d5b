//! The view `stream.metrics`: its figures, who reads it, and its plans.

mod figures;
mod plans;
mod readers;
mod realtime;
mod recoveries;
mod tokens;
