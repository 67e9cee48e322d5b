//! Messages of a command to a person: progress and answers.
//!
//! Progress goes to standard error, answers to standard output. Neither panics when the reader has
//! gone away (`cargo x up | head`): stopping what was started matters more than saying so.

use std::fmt::Display;
use std::io::Write;
use std::sync::OnceLock;
use std::time::Instant;

static STARTED_AT: OnceLock<Instant> = OnceLock::new();

/// Says that a step begins, with the seconds since the first one.
pub fn step(text: impl Display) {
    let started_at = STARTED_AT.get_or_init(Instant::now);
    let seconds = started_at.elapsed().as_secs_f32();
    let _ = writeln!(std::io::stderr(), "[{seconds:6.1} s] {text}");
}

/// Says something that belongs to the step before it.
pub fn note(text: impl Display) {
    for line in text.to_string().lines() {
        let _ = writeln!(std::io::stderr(), "           {line}");
    }
}

/// Prints an answer on standard output.
pub fn answer(text: impl Display) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Says why a command failed, with every cause.
pub fn failure(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
}
