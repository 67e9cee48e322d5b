//! Names of Agora channels.

/// The name of one channel: 1 to 63 bytes of Agora's alphabet.
///
/// The alphabet has no `*`, and a name is not empty: Agora reads both as "every channel". Agora's
/// pages disagree on whether 64 bytes are allowed; 63 satisfies all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChannelNameError {
    #[error("a channel name has 1 to 63 bytes, this one has {0}")]
    Length(usize),
    #[error("a channel name may not contain the character at byte {0}")]
    Character(usize),
}

const MAX_BYTES: usize = 63;

impl ChannelName {
    pub fn parse(name: &str) -> Result<Self, ChannelNameError> {
        if name.is_empty() || name.len() > MAX_BYTES {
            return Err(ChannelNameError::Length(name.len()));
        }
        match first_disallowed(name) {
            Some(position) => Err(ChannelNameError::Character(position)),
            None => Ok(Self(name.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The byte at which a name leaves Agora's alphabet.
pub(super) fn first_disallowed(name: &str) -> Option<usize> {
    name.bytes().position(|byte| !is_allowed(byte))
}

/// Agora's 89 characters: letters, digits, the space and 26 signs.
const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b' ' | b'!'
                | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'('
                | b')'
                | b'+'
                | b'-'
                | b':'
                | b';'
                | b'<'
                | b'='
                | b'.'
                | b'>'
                | b'?'
                | b'@'
                | b'['
                | b']'
                | b'^'
                | b'_'
                | b'{'
                | b'}'
                | b'|'
                | b'~'
                | b','
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_agoras_89_characters() {
        assert_eq!((0..=u8::MAX).filter(|byte| is_allowed(*byte)).count(), 89);
        assert!(ChannelName::parse("aZ09 !#$%&()+-:;<=.>?@[]^_{}|~,").is_ok());
    }

    #[test]
    fn characters_outside_the_alphabet_are_refused_with_their_place() {
        for name in [
            "a*", "a\"", "a'", "a/", "a\\", "a`", "a\n", "a\0", "a\u{E9}",
        ] {
            assert_eq!(
                ChannelName::parse(name),
                Err(ChannelNameError::Character(1)),
                "{name:?}"
            );
        }
    }

    #[test]
    fn no_wildcard_is_a_name() {
        assert_eq!(ChannelName::parse(""), Err(ChannelNameError::Length(0)));
        assert_eq!(ChannelName::parse("*"), Err(ChannelNameError::Character(0)));
    }

    #[test]
    fn sixty_three_bytes_fit_and_sixty_four_do_not() {
        assert_eq!(
            ChannelName::parse(&"a".repeat(63)).unwrap().as_str(),
            "a".repeat(63)
        );
        assert_eq!(
            ChannelName::parse(&"a".repeat(64)),
            Err(ChannelNameError::Length(64))
        );
    }
}
