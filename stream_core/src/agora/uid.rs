//! Numbers of users in Agora channels.

use sha2::{Digest, Sha256};

/// A user's number in a channel: 1 to 2^31-1, which every Agora SDK, Agora's REST interface and
/// Postgres's `integer` can hold. Never 0, which Agora reads as "any user".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a uid lies between 1 and 2147483647, not {0}")]
pub struct UidError(pub u32);

/// The smallest uid of a viewer. Hosts have the numbers below, so that no viewer can ever be taken
/// for a host or evict one.
pub const FIRST_VIEWER_UID: u32 = 1_000_000;

const LAST_UID: u32 = i32::MAX as u32;

impl Uid {
    pub const fn new(number: u32) -> Result<Self, UidError> {
        if number == 0 || number > LAST_UID {
            return Err(UidError(number));
        }
        Ok(Self(number))
    }

    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The uid of a viewer: always the same for a session, a user and an attempt, spread evenly over
/// [`FIRST_VIEWER_UID`]`..=2^31-1`.
///
/// Two users of a session can meet in one number (about 1 in 4,000 sessions with 1,000 viewers has
/// such a pair); the one who comes second takes the next attempt.
pub fn viewer_uid(session: &[u8; 16], user: &[u8; 16], attempt: u32) -> u32 {
    let digest = Sha256::new()
        .chain_update(b"agora viewer uid")
        .chain_update(session)
        .chain_update(user)
        .chain_update(attempt.to_le_bytes())
        .finalize();
    let mut prefix = [0; 8];
    prefix.copy_from_slice(&digest[..8]);
    let count = u64::from(LAST_UID - FIRST_VIEWER_UID + 1);
    // The remainder is below `count`, hence fits; 64 bits leave no bias worth naming.
    FIRST_VIEWER_UID + (u64::from_le_bytes(prefix) % count) as u32
}

/// The uid of the host: the generation itself, so that it is new with every takeover and an old
/// device cannot evict the new one. It stays in `1..FIRST_VIEWER_UID` for every input: a count of
/// takeovers that no stream reaches starts again at 1.
pub const fn host_uid(generation: u32) -> u32 {
    generation.saturating_sub(1) % (FIRST_VIEWER_UID - 1) + 1
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use property_seed::config;

    #[test]
    fn a_uid_is_neither_zero_nor_beyond_31_bits() {
        assert_eq!(Uid::new(0), Err(UidError(0)));
        assert_eq!(Uid::new(1).map(Uid::get), Ok(1));
        assert_eq!(Uid::new(2_147_483_647).map(Uid::get), Ok(2_147_483_647));
        assert_eq!(Uid::new(2_147_483_648), Err(UidError(2_147_483_648)));
        assert_eq!(Uid::new(u32::MAX), Err(UidError(u32::MAX)));
    }

    /// Stored leases hold these numbers; another derivation would move viewers while they watch.
    #[test]
    fn viewer_uids_are_stable_between_releases() {
        assert_eq!(viewer_uid(&[0; 16], &[0; 16], 0), 1_420_748_681);
        assert_eq!(viewer_uid(&[1; 16], &[2; 16], 3), 1_807_182_108);
    }

    #[test]
    fn session_and_user_are_not_interchangeable() {
        assert_ne!(
            viewer_uid(&[1; 16], &[2; 16], 0),
            viewer_uid(&[2; 16], &[1; 16], 0)
        );
    }

    #[test]
    fn attempts_of_one_viewer_differ() {
        let uids: HashSet<_> = (0..100)
            .map(|n| viewer_uid(&[7; 16], &[8; 16], n))
            .collect();
        assert_eq!(uids.len(), 100);
    }

    #[test]
    fn a_host_has_the_number_of_its_generation() {
        for generation in [1, 2, 17, 999_999] {
            assert_eq!(host_uid(generation), generation);
        }
    }

    #[test]
    fn a_generation_beyond_the_range_of_hosts_starts_again_at_one() {
        assert_eq!(host_uid(1_000_000), 1);
        assert_eq!(host_uid(0), 1);
    }

    proptest! {
        #![proptest_config(config(512))]

        #[test]
        fn viewers_and_hosts_never_share_a_uid(
            session: [u8; 16],
            user: [u8; 16],
            attempt: u32,
            generation: u32,
        ) {
            let viewer = viewer_uid(&session, &user, attempt);
            let host = host_uid(generation);
            prop_assert!((FIRST_VIEWER_UID..=LAST_UID).contains(&viewer));
            prop_assert!((1..FIRST_VIEWER_UID).contains(&host));
            prop_assert!(Uid::new(viewer).is_ok() && Uid::new(host).is_ok());
            prop_assert_eq!(viewer, viewer_uid(&session, &user, attempt));
        }

        #[test]
        fn consecutive_generations_have_different_hosts(generation in 1..u32::MAX) {
            prop_assert_ne!(host_uid(generation), host_uid(generation + 1));
        }
    }
}
