//! `doctor()`: what it finds wrong with an installation.

mod certificates;
mod checks;
mod realtime;
