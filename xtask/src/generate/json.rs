//! JSON as it is committed.

use anyhow::{Context, Result};

/// The value with a member on each line, and a line end.
pub fn pretty(value: &impl serde::Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value).context("cannot write JSON")?;
    text.push('\n');
    Ok(text)
}
