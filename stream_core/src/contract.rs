//! The oldest version of the contract that is served.

/// The oldest version whose clients the server serves, as `major.minor`. `stream_private.oldest_client()` returns the same:
/// `cargo x generate` compares them.
pub const OLDEST_CLIENT: &str = "1.0";
