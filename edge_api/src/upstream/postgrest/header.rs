//! Values of headers that hold secrets.

use reqwest_0_11::header::HeaderValue;

/// The value of a header, if HTTP allows it; not printed, nor kept in tables of compression.
pub(super) fn secret_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
