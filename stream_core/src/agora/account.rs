//! Which texts may name a user, where Agora takes a name instead of a number?

use super::channel::first_disallowed;

/// The name of a user in a channel: 1 to 255 bytes of Agora's alphabet.
///
/// All users of one channel are named the same way, by numbers or by accounts. Accounts do not work
/// with cloud recording and with Agora's REST interface; this product gives out numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account(String);

/// The name of a user in Signaling (RTM): 1 to 64 bytes of Agora's alphabet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RtmUser(String);

/// Why a text names nobody. The alphabet has no `*`, and an empty name is none: Agora reads both as
/// "any user".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error("a name has 1 to {limit} bytes, this one has {length}")]
    Length { length: usize, limit: usize },
    #[error("a name may not contain the character at byte {0}")]
    Character(usize),
}

const MAX_ACCOUNT_BYTES: usize = 255;

const MAX_RTM_USER_BYTES: usize = 64;

impl Account {
    pub fn parse(name: &str) -> Result<Self, AccountError> {
        checked(name, MAX_ACCOUNT_BYTES).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RtmUser {
    pub fn parse(name: &str) -> Result<Self, AccountError> {
        checked(name, MAX_RTM_USER_BYTES).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(name: &str, limit: usize) -> Result<String, AccountError> {
    if name.is_empty() || name.len() > limit {
        return Err(AccountError::Length {
            length: name.len(),
            limit,
        });
    }
    match first_disallowed(name) {
        Some(position) => Err(AccountError::Character(position)),
        None => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wildcard_is_an_account() {
        for (name, place) in [("*", 0), ("1*a", 1), ("a/b", 1), ("a\u{E9}", 1)] {
            let error = AccountError::Character(place);
            assert_eq!(Account::parse(name), Err(error), "{name}");
            assert_eq!(RtmUser::parse(name), Err(error), "{name}");
        }
        assert!(Account::parse("").is_err() && RtmUser::parse("").is_err());
    }

    #[test]
    fn accounts_have_at_most_255_bytes_and_rtm_users_64() {
        let long = "a".repeat(256);
        assert_eq!(Account::parse(&long[..255]).unwrap().as_str(), &long[..255]);
        assert_eq!(
            Account::parse(&long),
            Err(AccountError::Length {
                length: 256,
                limit: 255
            })
        );
        assert_eq!(RtmUser::parse(&long[..64]).unwrap().as_str(), &long[..64]);
        assert_eq!(
            RtmUser::parse(&long[..65]),
            Err(AccountError::Length {
                length: 65,
                limit: 64
            })
        );
    }

    /// Only the number 0 is Agora's "any user"; the text is an ordinary name.
    #[test]
    fn the_text_0_is_a_name() {
        assert_eq!(Account::parse("0").unwrap().as_str(), "0");
    }
}
