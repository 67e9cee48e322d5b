//! Refusing arguments beyond the limits of [`stream_core::limits`].

use stream_core::error::ErrorCode;
use stream_core::limits::{MAX_PAGE_SIZE, MAX_REASON_CHARS, RESTRICTION_S};

use crate::postgres::error::{Failure, Result, required};

/// Checks how many rows a call of a list may return.
pub fn page_size(page_size: Option<i32>) -> Result<i32> {
    let page_size = required(page_size, "page_size")?;
    if (1..=MAX_PAGE_SIZE).contains(&page_size) {
        return Ok(page_size);
    }
    Err(invalid(format!("page_size is 1 to {MAX_PAGE_SIZE}")))
}

/// Checks the reason that a person gives for a decision.
pub fn reason(reason: Option<&str>) -> Result<()> {
    if reason.is_none_or(|reason| reason.chars().count() <= MAX_REASON_CHARS) {
        return Ok(());
    }
    Err(invalid(format!(
        "reason has at most {MAX_REASON_CHARS} characters"
    )))
}

/// Checks the duration of a mute or a ban; null: until it is lifted.
pub fn restriction_s(duration_s: Option<i32>) -> Result<()> {
    if duration_s.is_none_or(|duration| RESTRICTION_S.contains(&duration)) {
        return Ok(());
    }
    let (least, most) = (RESTRICTION_S.start(), RESTRICTION_S.end());
    Err(invalid(format!("duration_s is {least} to {most}, or null")))
}

fn invalid(hint: String) -> Failure {
    Failure::with_hint(ErrorCode::InvalidArgument, hint)
}
