//! The rules for the sender of a message: restrictions, chat mode, rate, slow mode and blocked terms.
//!
//! Everything but the viewer's row is read after the head row is locked, so a mute, a ban or a changed
//! setting that was committed before counts.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::blocked_term::searchable;
use stream_core::chat::display_name;
use stream_core::error::ErrorCode;
use stream_core::rate::RateLimit;

use crate::chat::settings::ChatSettings;
use crate::chat::viewer_row::ViewerRow;
use crate::clock;
use crate::moderation::active_restrictions::{self, InForce};
use crate::postgres::caller::{Admitted, Caller};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::Table;
use crate::postgres::spi::{self, statements};
use crate::rate::{self, backlog_us};

static SESSIONS: Table = Table::new(c"stream_sessions");

statements! {
    /// The hooks of the host application; $3: whether the user is the seller.
    HOOKS: Write [UUIDOID, UUIDOID, BOOLOID] -> Hooks,
        "select $3 or coalesce(stream.hook_can_chat($1, $2), false) as can_chat,
             stream.hook_username($1) as username";

    CHARGE_HOST: Write [UUIDOID, TIMESTAMPTZOID]
        "update stream.chat_heads set host_chat_tat = $2 where session_id = $1";

    IS_BLOCKED: Write [UUIDOID, TEXTOID] -> bool,
        "select exists (select from stream.blocked_terms as b
                 where b.session_id = $1 and strpos($2, b.pattern) > 0)
             or exists (select from stream.blocked_terms as b
                 where b.session_id is null and strpos($2, b.pattern) > 0)";

    CAN_MODERATE: Write [UUIDOID, UUIDOID] -> bool,
        "select coalesce(stream.hook_can_moderate($1, $2), false)";

    IS_VERIFIED: Write [UUIDOID] -> bool,
        "select coalesce(stream.hook_is_verified($1), false)";
}

columns! {
    struct Hooks {
        can_chat: bool,
        username: Option<String>,
    }
}

impl Hooks {
    fn ask(session: Uuid, user: Uuid, is_seller: bool) -> Result<Self> {
        let arguments = [user.into(), session.into(), is_seller.into()];
        let hooks: Self =
            spi::first(&HOOKS, &arguments)?.ok_or(Failure::Row("no answer of a hook"))?;
        Ok(Self {
            username: hooks.username.and_then(|name| display_name(&name)),
            ..hooks
        })
    }
}

/// One user as a sender: the rules that apply to them, and how far their rate limiter is used.
pub struct Sender {
    pub user: Uuid,
    pub is_seller: bool,
    pub username: Option<String>,
    /// When the viewer's row was locked. The rate limiter counts from then, so waiting for the head row costs
    /// nothing.
    arrived_at: TimestampWithTimeZone,
    /// How far the rate limiter is ahead of that time, including the accepted messages.
    backlog_us: i64,
    holds_lease: bool,
    silent_ms: Option<i64>,
    can_chat: bool,
    anonymous_users_may_chat: bool,
    chat_mode: String,
    slow_mode_ms: i64,
    limit: RateLimit,
    restrictions: InForce,
    blocks_terms: bool,
}

/// The rules of one stream for all senders, read while the head row is locked.
pub struct Rules<'a> {
    session: Uuid,
    seller: Uuid,
    chat_mode: String,
    slow_mode_ms: i64,
    host_tat: TimestampWithTimeZone,
    settings: &'a ChatSettings,
}

impl<'a> Rules<'a> {
    /// `host_tat` is the seller's rate limiter, from the head row.
    pub fn read(
        admitted: Admitted,
        session: Uuid,
        host_tat: TimestampWithTimeZone,
        settings: &'a ChatSettings,
    ) -> Result<Self> {
        let rules = SESSIONS.find(admitted, &[session], |row| {
            Ok(Some(Self {
                session,
                seller: row.column(c"seller_id")?,
                chat_mode: row.column(c"chat_mode")?,
                slow_mode_ms: row.column::<i32>(c"slow_mode_ms")?.into(),
                host_tat,
                settings,
            }))
        })?;
        rules.ok_or_else(|| ErrorCode::SessionNotFound.into())
    }

    /// Reads the rules for one user; `viewer_row` is their locked row, if they have one.
    pub fn sender(
        &self,
        admitted: Admitted,
        user: Uuid,
        viewer_row: Option<&ViewerRow>,
    ) -> Result<Sender> {
        let is_seller = user == self.seller;
        let rate = if is_seller {
            self.settings.hosts
        } else {
            self.settings.viewers
        };
        let viewer_row = viewer_row.filter(|_| !is_seller);
        let arrived_at =
            viewer_row.map_or_else(clock::now, |viewer_row| Ok(viewer_row.arrived_at))?;
        let Hooks { can_chat, username } = Hooks::ask(self.session, user, is_seller)?;
        Ok(Sender {
            user,
            is_seller,
            can_chat,
            username,
            chat_mode: self.chat_mode.clone(),
            slow_mode_ms: self.slow_mode_ms,
            restrictions: active_restrictions::in_force(admitted, self.session, user)?,
            limit: rate.limit(),
            anonymous_users_may_chat: self.settings.anonymous_users_may_chat,
            blocks_terms: self.settings.blocks_terms,
            arrived_at,
            backlog_us: match viewer_row {
                Some(viewer_row) => viewer_row.backlog_us,
                None if is_seller => backlog_us(self.host_tat, arrived_at),
                None => 0,
            },
            holds_lease: viewer_row.is_some_and(|viewer_row| viewer_row.is_active),
            silent_ms: viewer_row.and_then(|viewer_row| viewer_row.silent_ms),
        })
    }
}

impl Sender {
    /// Asks the host application again, for a message that comes with other claims of the same user.
    pub fn ask_hooks(&mut self, session: Uuid) -> Result<()> {
        let Hooks { can_chat, username } = Hooks::ask(session, self.user, self.is_seller)?;
        (self.can_chat, self.username) = (can_chat, username);
        Ok(())
    }

    /// The theoretical arrival time of the next message, after the accepted ones.
    pub fn tat(&self) -> Result<TimestampWithTimeZone> {
        clock::from_microseconds(self.arrived_at.into_inner().saturating_add(self.backlog_us))
    }

    /// How far the rate limiter is ahead, after the accepted messages.
    pub fn backlog_us(&self) -> i64 {
        self.backlog_us
    }

    /// Refuses the message, or counts it.
    pub fn accept(&mut self, caller: Caller, session: Uuid, content: &str) -> Result<()> {
        self.admit(caller, session)?;
        let spent = rate::spend(self.limit, self.backlog_us)?;
        self.wait_out_slow_mode(session)?;
        if self.blocks_terms && is_blocked(session, content)? {
            return Err(ErrorCode::ContentBlocked.into());
        }
        self.backlog_us = spent;
        self.silent_ms = Some(0);
        Ok(())
    }

    /// Stores the rate limiter of the seller, which is in the head row.
    pub fn charge_host(&self, session: Uuid) -> Result<()> {
        spi::execute(&CHARGE_HOST, &[session.into(), self.tat()?.into()]).map(|_| ())
    }

    fn admit(&self, caller: Caller, session: Uuid) -> Result<()> {
        if caller.is_anonymous() && !self.anonymous_users_may_chat {
            return Err(ErrorCode::AnonymousUser.into());
        }
        if self.restrictions.is_banned {
            return Err(ErrorCode::Banned.into());
        }
        if !self.is_seller && !self.holds_lease {
            return Err(ErrorCode::NotViewer.into());
        }
        if !self.can_chat || self.username.is_none() {
            return Err(ErrorCode::CannotChat.into());
        }
        if let Some(mute) = &self.restrictions.mute {
            return Err(match mute.left_ms()? {
                Some(left_ms) => Failure::retry_after(ErrorCode::Muted, left_ms),
                None => ErrorCode::Muted.into(),
            });
        }
        if self.is_in_mode(session)? {
            Ok(())
        } else {
            Err(ErrorCode::ChatClosed.into())
        }
    }

    fn is_in_mode(&self, session: Uuid) -> Result<bool> {
        match self.chat_mode.as_str() {
            "viewers" => Ok(true),
            "nobody" => Ok(false),
            _ if self.is_seller => Ok(true),
            "verified" => {
                Ok(is_true(&IS_VERIFIED, &[self.user.into()])? || self.is_moderator(session)?)
            }
            "hosts" => self.is_moderator(session),
            _ => Err(Failure::Row("unknown chat mode in the table")),
        }
    }

    fn wait_out_slow_mode(&self, session: Uuid) -> Result<()> {
        let wait_ms = rate::slow_mode_wait_ms(self.slow_mode_ms, self.silent_ms);
        if wait_ms == 0 || self.is_seller || self.is_moderator(session)? {
            return Ok(());
        }
        Err(Failure::retry_after(ErrorCode::SlowMode, wait_ms))
    }

    fn is_moderator(&self, session: Uuid) -> Result<bool> {
        is_true(&CAN_MODERATE, &[self.user.into(), session.into()])
    }
}

fn is_blocked(session: Uuid, content: &str) -> Result<bool> {
    is_true(&IS_BLOCKED, &[session.into(), searchable(content).into()])
}

fn is_true(
    statement: &'static std::thread::LocalKey<spi::Statement<bool>>,
    arguments: &[pgrx::datum::DatumWithOid<'_>],
) -> Result<bool> {
    Ok(spi::first(statement, arguments)? == Some(true))
}
