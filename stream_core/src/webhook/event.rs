//! Events of an Agora channel.

/// An event of a channel, as far as this product has a use for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The test that Agora's console sends before it saves a configuration.
    Test,
    /// An event of another product, or of a type that is not known here.
    Unknown,
    /// Something that changes who is in a channel.
    Change { channel: String, change: Change },
}

/// A change of who is in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The first user came (101), or the last one left (102). Only a hint: it may be late.
    Channel {
        is_created: bool,
        ts: i64,
    },
    User(UserChange),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserChange {
    /// The integer uid, also of users who joined by a string account.
    pub uid: u32,
    /// Rises with every event of the same user; beyond that it means nothing.
    pub client_seq: i64,
    /// Unix seconds on Agora's server.
    pub ts: i64,
    pub kind: UserKind,
    /// Agora's number of a leave's reason, as it came.
    pub reason: Option<i32>,
    /// Seconds that a user who leaves was there.
    pub duration_s: Option<i64>,
    pub platform: Option<i32>,
    pub client_type: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    /// Joined with the right to send (103, 107), or got it (111).
    Sends,
    /// Joined as audience (105), or became audience (112).
    Watches,
    /// Left (104, 106, 108).
    Left(Cause),
}

/// The reason for which a user left, as far as it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// 1: on purpose.
    Deliberate,
    /// 3: thrown out over Agora's REST interface.
    Kicked,
    /// 12: the token is wrong or has expired.
    Token,
    /// 2, 4, 9, 10, 99: nobody wanted to leave, and the SDK connects again by itself.
    Reconnecting,
    /// 5: the same uid goes on from a newer device.
    Replaced,
    /// 999: joins and leaves too fast; other notices about this user may be missing.
    Flapping,
    /// 0, and every number that is not known.
    Other,
}

/// The reason for which a change does not show who is there, and takes no part in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    Recorder,
    Replaced,
    Flapping,
}

/// The platform whose `clientType` is meaningful, and the one type on it that is a person.
const LINUX: i32 = 6;
const APPLET: i32 = 8;

impl Cause {
    pub const fn from_reason(reason: Option<i32>) -> Self {
        match reason {
            Some(1) => Self::Deliberate,
            Some(3) => Self::Kicked,
            Some(12) => Self::Token,
            Some(2 | 4 | 9 | 10 | 99) => Self::Reconnecting,
            Some(5) => Self::Replaced,
            Some(999) => Self::Flapping,
            _ => Self::Other,
        }
    }
}

impl Ignored {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorder => "recorder",
            Self::Replaced => "replaced",
            Self::Flapping => "flapping",
        }
    }
}

impl UserChange {
    /// The reason to keep the change without acting on it, if there is one.
    pub const fn ignored(&self) -> Option<Ignored> {
        if self.is_recorder() {
            return Some(Ignored::Recorder);
        }
        match self.kind {
            UserKind::Left(Cause::Replaced) => Some(Ignored::Replaced),
            UserKind::Left(Cause::Flapping) => Some(Ignored::Flapping),
            _ => None,
        }
    }

    /// Recorders and whatever else Agora runs on servers: no viewer and no host.
    const fn is_recorder(&self) -> bool {
        matches!(
            (self.platform, self.client_type),
            (Some(LINUX), Some(client_type)) if client_type != APPLET
        )
    }
}

impl Change {
    /// The position of the change among those of the same user, or of the channel itself: a greater one
    /// wins whatever the order of arrival.
    ///
    /// 101 and 102 have no number, only seconds. Within one second "created" wins, because a late 102
    /// must not wipe a channel that was created anew.
    pub const fn position(&self) -> i64 {
        match self {
            Self::Channel { is_created, ts } => 2 * *ts + *is_created as i64,
            Self::User(user) => user.client_seq,
        }
    }

    /// True when somebody is there after the change.
    pub const fn is_present(&self) -> bool {
        match self {
            Self::Channel { is_created, .. } => *is_created,
            Self::User(user) => !matches!(user.kind, UserKind::Left(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_cause_and_unknown_ones_are_other() {
        for (reasons, cause) in [
            (&[1][..], Cause::Deliberate),
            (&[3], Cause::Kicked),
            (&[12], Cause::Token),
            (&[2, 4, 9, 10, 99], Cause::Reconnecting),
            (&[5], Cause::Replaced),
            (&[999], Cause::Flapping),
            (&[0, 6, 7, 8, 11, 13, 98, 100, -1, i32::MAX], Cause::Other),
        ] {
            for reason in reasons {
                assert_eq!(Cause::from_reason(Some(*reason)), cause, "{reason}");
            }
        }
        assert_eq!(Cause::from_reason(None), Cause::Other);
    }

    fn change(kind: UserKind) -> UserChange {
        UserChange {
            uid: 1,
            client_seq: 1,
            ts: 1,
            kind,
            reason: None,
            duration_s: None,
            platform: None,
            client_type: None,
        }
    }

    #[test]
    fn only_leaves_that_do_not_show_who_is_there_are_out_of_the_order() {
        for (kind, ignored) in [
            (UserKind::Sends, None),
            (UserKind::Watches, None),
            (UserKind::Left(Cause::Deliberate), None),
            (UserKind::Left(Cause::Kicked), None),
            (UserKind::Left(Cause::Token), None),
            (UserKind::Left(Cause::Reconnecting), None),
            (UserKind::Left(Cause::Other), None),
            (UserKind::Left(Cause::Replaced), Some(Ignored::Replaced)),
            (UserKind::Left(Cause::Flapping), Some(Ignored::Flapping)),
        ] {
            assert_eq!(change(kind).ignored(), ignored, "{kind:?}");
        }
    }

    #[test]
    fn a_recorder_is_nobody_and_an_applet_is_a_person() {
        let user = |platform, client_type| UserChange {
            platform,
            client_type,
            ..change(UserKind::Sends)
        };
        for recorder in [3, 10, 11] {
            assert_eq!(
                user(Some(6), Some(recorder)).ignored(),
                Some(Ignored::Recorder)
            );
            // Elsewhere the number means something else.
            assert_eq!(user(Some(1), Some(recorder)).ignored(), None);
        }
        for person in [(Some(6), Some(8)), (Some(6), None), (None, None)] {
            assert_eq!(user(person.0, person.1).ignored(), None);
        }
    }

    #[test]
    fn a_late_end_does_not_wipe_a_channel_that_was_created_in_the_same_second() {
        let channel = |is_created, ts| Change::Channel { is_created, ts }.position();
        assert!(channel(true, 7) > channel(false, 7));
        assert!(channel(false, 8) > channel(true, 7));
    }
}
