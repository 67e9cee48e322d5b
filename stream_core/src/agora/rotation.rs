//! The two certificates of a project during rotation, and which of them signed a token.
//!
//! While certificates are rotated both are valid at Agora: the primary one signs, tokens of the
//! secondary one are still accepted.

use super::Certificate;

/// The certificates of a project.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// Signs new tokens.
    pub primary: Certificate,
    /// Only verifies.
    pub secondary: Option<Certificate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    Primary,
    Secondary,
}

impl Signer {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }
}

impl Certificates {
    /// The certificate that `verify` accepts. Both are tried in any case, so that the time does not
    /// tell which.
    pub fn signer(&self, verify: impl Fn(&Certificate) -> bool) -> Option<Signer> {
        let is_primary = verify(&self.primary);
        let is_secondary = self.secondary.as_ref().is_some_and(&verify);
        match (is_primary, is_secondary) {
            (true, _) => Some(Signer::Primary),
            (false, true) => Some(Signer::Secondary),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agora::{AppId, ChannelName, Role, TokenRequest, Uid, decode, mint};

    fn certificate(digit: char) -> Certificate {
        Certificate::parse(&digit.to_string().repeat(32)).unwrap()
    }

    fn signer(certificates: &Certificates, signed_by: &Certificate) -> Option<Signer> {
        let request = TokenRequest {
            app_id: &AppId::parse("970CA35de60c44645bbae8a215061b33").unwrap(),
            channel: &ChannelName::parse("room-1").unwrap(),
            uid: Uid::new(1).unwrap(),
            privileges: Role::Subscriber.into(),
            issued_at: 1_735_689_600,
            expires_in_s: 60,
            salt: 1,
        };
        let token = decode(&mint(&request, signed_by).unwrap()).unwrap();
        certificates.signer(|certificate| token.verify(certificate))
    }

    #[test]
    fn both_certificates_are_tried_and_no_other() {
        let both = Certificates {
            primary: certificate('a'),
            secondary: Some(certificate('b')),
        };
        assert_eq!(signer(&both, &certificate('a')), Some(Signer::Primary));
        assert_eq!(signer(&both, &certificate('b')), Some(Signer::Secondary));
        assert_eq!(signer(&both, &certificate('c')), None);
    }

    #[test]
    fn without_a_secondary_certificate_only_the_primary_counts() {
        let one = Certificates {
            primary: certificate('a'),
            secondary: None,
        };
        assert_eq!(signer(&one, &certificate('a')), Some(Signer::Primary));
        assert_eq!(signer(&one, &certificate('b')), None);
    }
}
