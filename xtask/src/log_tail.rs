//! The end of a log file, for the message of an error.

use std::fs;
use std::path::Path;

const LINES: usize = 20;

/// The end of a log, introduced by its name.
pub fn read(log_file: &Path) -> String {
    let text = fs::read(log_file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LINES)..].join("\n");
    format!("the end of {}:\n{tail}", log_file.display())
}
