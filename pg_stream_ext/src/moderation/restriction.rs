//! Muting and banning users, and lifting restrictions.

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use serde_json::json;
use stream_core::error::ErrorCode;

use crate::limits;
use crate::moderation::charge::RestrictionCharge;
use crate::moderation::decision::{Moderation, Rank, Record, invalid, notify_user};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::json_text;
use crate::postgres::spi::{self, statements};
use crate::stream::watch_time::watched_ms;

statements! {
    END_OF: Write [INT4OID] -> TimestampWithTimeZone,
        "select now() + $1 * interval '1 second'";

    /// Whether a restriction is in force, and whether it already has the wanted end and reason.
    STANDING: Write [UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, TEXTOID] -> RestrictionState,
        "select r.is_in_force,
             r.until is not distinct from $4 and r.reason is not distinct from $5 as is_the_same
         from stream_private.restrictions as r
         where r.session_id = $1 and r.user_id = $2 and r.kind = $3";

    RESERVE: Write [UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, UUIDOID, TEXTOID]
        "insert into stream.chat_restrictions (session_id, user_id, kind, until, actor, reason)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing";

    SET: Write [UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, UUIDOID, TEXTOID]
        "insert into stream.chat_restrictions as r (session_id, user_id, kind, until, actor, reason)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (session_id, user_id, kind) do update
         set until = excluded.until, actor = excluded.actor, reason = excluded.reason,
             created_at = excluded.created_at";

    END_LEASE: Write [UUIDOID, UUIDOID] -> bool,
        concat!(
            "update stream.stream_viewers as v
             set left_at = now(), watch_ms = v.watch_ms + ", watched_ms!("now()"), "
             where v.session_id = $1 and v.user_id = $2 and v.is_active
             returning true"
        );

    NOTE_CHANGE: Write [UUIDOID]
        "insert into stream.viewer_changes (session_id) values ($1)";

    RETIRE_TOKENS: Write [UUIDOID, UUIDOID]
        "update stream.agora_tokens set is_active = false
         where session_id = $1 and user_id = $2 and is_active";

    LIFT: Write [UUIDOID, UUIDOID, TEXTOID]
        "delete from stream.chat_restrictions as r
         where r.session_id = $1 and r.user_id = $2 and r.kind = $3";
}

columns! {
    struct RestrictionState {
        is_in_force: bool,
        is_the_same: bool,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mute,
    Ban,
}

impl Kind {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "mute" => Ok(Self::Mute),
            "ban" => Ok(Self::Ban),
            _ => Err(invalid("kind is mute or ban")),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Ban => "ban",
        }
    }
}

/// Restricts a user. `kind` is `mute` or `ban`; without a duration it lasts until it is lifted.
#[pg_extern]
fn restrict_user(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    kind: Option<&str>,
    duration_s: Option<i32>,
    reason: Option<&str>,
) {
    or_raise(restrict(session_id, user_id, kind, duration_s, reason))
}

#[pg_extern]
fn lift_restriction(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    kind: Option<&str>,
) -> &'static str {
    or_raise(lift(session_id, user_id, kind))
}

fn restrict(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    kind: Option<&str>,
    duration_s: Option<i32>,
    reason: Option<&str>,
) -> Result<()> {
    let moderation = Moderation::begin_live(session_id)?;
    let user = required(user_id, "user_id")?;
    let kind = Kind::parse(required(kind, "kind")?)?;
    limits::restriction_s(duration_s)?;
    limits::reason(reason)?;
    moderation.may_act_against(user)?;
    let until = end_of(duration_s)?;
    let until_json = until.map(json_text::time);
    let state: [DatumWithOid<'_>; 5] = [
        moderation.session.into(),
        user.into(),
        kind.as_str().into(),
        until.into(),
        reason.into(),
    ];
    if spi::first(&STANDING, &state)?.is_some_and(|standing| standing.is_the_same) {
        return Ok(());
    }
    let charge = RestrictionCharge::judge(&moderation)?;

    let wanted = || -> [DatumWithOid<'_>; 6] {
        [
            moderation.session.into(),
            user.into(),
            kind.as_str().into(),
            until.into(),
            moderation.actor.into(),
            reason.into(),
        ]
    };
    // A new row locks the user's row, by its foreign key. That comes first: the deletion of the user holds that row
    // while it waits for the viewer's.
    spi::execute(&RESERVE, &wanted())?;
    if kind == Kind::Ban {
        // Joins in progress have committed, or have not checked for a ban yet.
        moderation.lock_session()?;
        end_lease(moderation.session, user)?;
    }
    charge.note()?;
    let (action, sentence) = match kind {
        Kind::Mute => ("user_muted", "A user was muted."),
        Kind::Ban => ("user_banned", "A user was banned."),
    };
    let metadata = json!({
        "kind": action, "user_id": user.to_string(), "restriction": kind.as_str(), "until": until_json,
    });
    let record = Record {
        user: Some(user),
        reason,
        until,
        ..Record::default()
    };
    moderation.announce_restriction(action, sentence, &metadata, record)?;
    // An existing row is changed after the head is locked, like everything that decides about a sender. Senders see
    // the change when the head is free again in any case; but the deletion of a user holds messages while it waits for
    // this row, and a deletion of messages holds the head while it waits for those.
    spi::execute(&SET, &wanted())?;
    let event = match kind {
        Kind::Mute => "restricted",
        Kind::Ban => {
            spi::execute(&RETIRE_TOKENS, &[moderation.session.into(), user.into()])?;
            "revoked"
        }
    };
    let payload = json!({
        "session_id": moderation.session.to_string(), "restriction": kind.as_str(),
        "is_in_force": true, "until": until_json,
    });
    notify_user(user, event, payload)
}

fn lift(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    kind: Option<&str>,
) -> Result<&'static str> {
    let moderation = Moderation::begin_live(session_id)?;
    let user = required(user_id, "user_id")?;
    let kind = Kind::parse(required(kind, "kind")?)?;
    moderation.may_act_against(user)?;
    let state: [DatumWithOid<'_>; 5] = [
        moderation.session.into(),
        user.into(),
        kind.as_str().into(),
        None::<TimestampWithTimeZone>.into(),
        None::<&str>.into(),
    ];
    // An expired one is left to the sweep.
    if !spi::first(&STANDING, &state)?.is_some_and(|standing| standing.is_in_force) {
        return Ok("not_restricted");
    }
    RestrictionCharge::judge(&moderation)?.note()?;
    let (action, sentence) = match kind {
        Kind::Mute => ("mute_lifted", "A user may write again."),
        Kind::Ban => ("ban_lifted", "A user may come back."),
    };
    let metadata = json!({
        "kind": "restriction_lifted", "user_id": user.to_string(), "restriction": kind.as_str(),
        "until": null,
    });
    let record = Record {
        user: Some(user),
        ..Record::default()
    };
    moderation.announce_restriction(action, sentence, &metadata, record)?;
    let key = [moderation.session.into(), user.into(), kind.as_str().into()];
    spi::execute(&LIFT, &key)?;
    let payload = json!({
        "session_id": moderation.session.to_string(), "restriction": kind.as_str(),
        "is_in_force": false, "until": null,
    });
    notify_user(user, "restricted", payload)?;
    Ok("lifted")
}

impl Moderation {
    /// Refuses to act against the seller or oneself: a muted moderator could end the mute.
    fn may_act_against(&self, user: Uuid) -> Result<()> {
        if user == self.seller {
            return Err(match self.rank {
                Rank::Owner => invalid("the seller cannot be restricted in their own stream"),
                _ => Failure::with_hint(
                    ErrorCode::NotModerator,
                    "nobody moderates the seller of the stream",
                ),
            });
        }
        if self.actor == Some(user) {
            return Err(Failure::with_hint(
                ErrorCode::NotModerator,
                "nobody moderates themself; ask the seller or another moderator",
            ));
        }
        Ok(())
    }
}

fn end_of(duration_s: Option<i32>) -> Result<Option<TimestampWithTimeZone>> {
    let Some(duration_s) = duration_s else {
        return Ok(None);
    };
    let end = spi::first(&END_OF, &[duration_s.into()])?;
    end.map(Some).ok_or(Failure::Row("no time"))
}

/// Ends the lease, as leaving does.
fn end_lease(session: Uuid, user: Uuid) -> Result<()> {
    let had_one = spi::first(&END_LEASE, &[session.into(), user.into()])?;
    if had_one.is_some() {
        spi::execute(&NOTE_CHANGE, &[session.into()])?;
    }
    Ok(())
}
