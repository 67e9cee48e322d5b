//! The refusals of a text that is no readable token.

/// Reason for which a text is not a readable token. No variant holds any part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the token is not of the expected version")]
    Version,
    #[error("the token is not standard base64")]
    Base64,
    #[error("the token holds no whole zlib stream")]
    Zlib,
    #[error("the token is larger than any real one")]
    TooLarge,
    #[error("the token ends in the middle of a field")]
    Truncated,
    #[error("the token has bytes behind its end")]
    TrailingBytes,
    #[error("the signature of the token does not have 32 bytes")]
    Signature,
    #[error("the app id of the token is malformed")]
    AppId,
    #[error("a text in the token is not valid UTF-8")]
    Utf8,
}
