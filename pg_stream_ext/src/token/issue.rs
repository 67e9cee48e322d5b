//! Issuing Agora tokens.
//!
//! Channel, uid and role come from the database's rows, never from the caller. Only the hash of a
//! token is stored.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::agora::{ChannelName, MAX_SALT, Role, TokenRequest, Uid, host_uid, mint};

use crate::clock;
use crate::digest::sha256_hex;
use crate::postgres::caller::{self, Caller};
use crate::postgres::composite::{self, Composite};
use crate::postgres::error::{Failure, Result, answer, required};
use crate::token::certificate::Signer;
pub use crate::token::renewal::{OF_VIEWER, Renewal, host_held_until, is_due, is_host_due};
use crate::token::rows::{self, Ask, Charge, Grant};
use crate::token::stored;

/// `role` is `host` or `viewer`; null: what the user is. `occasion` is `request`, or `refresh`, which
/// retires the older tokens. `generation` is the host's, and a stale one is refused; null: any, as for viewers,
/// who have none. The answer is a `stream.agora_token`.
#[pg_extern]
fn generate_token(
    user_id: Option<Uuid>,
    channel_id: Option<&str>,
    role: Option<&str>,
    occasion: Option<&str>,
    generation: Option<i32>,
) -> pgrx::composite_type!('static, "record") {
    answer(generate(user_id, channel_id, role, occasion, generation))
}

fn generate(
    user_id: Option<Uuid>,
    channel_id: Option<&str>,
    role: Option<&str>,
    occasion: Option<&str>,
    generation: Option<i32>,
) -> Result<Composite> {
    let caller = caller::enter_to_write()?;
    let occasion = required(occasion, "occasion")?;
    let role = match role {
        None => None,
        Some("host") => Some(Role::Publisher),
        Some("viewer") => Some(Role::Subscriber),
        Some(_) => return Err(Failure::Row("no such role")),
    };
    let charge = match occasion {
        // The service is trusted with its own pace, and does not use up a user's.
        _ if caller == Caller::Service => Charge::Free,
        "request" | "refresh" => Charge::Limited,
        _ => return Err(Failure::Row("no such occasion")),
    };
    let ask = Ask {
        user: caller.speak_of(user_id)?,
        channel: required(channel_id, "channel_id")?,
        role,
        generation,
        charge,
        issued_at: clock::now_s()?,
    };
    let signer = rows::signer(&ask)?;
    caller.act_for(user_id)?;
    let grant = rows::grant(&ask)?;
    if occasion == "refresh" {
        rows::retire(grant.session, ask.user)?;
    }
    issue(&ask, &grant, &signer)?.into_composite(ask.channel, grant.role)
}

/// A token for the one who asked, and what is to be said about it.
pub struct Issued {
    pub token: String,
    pub uid: i32,
    pub expires_at: TimestampWithTimeZone,
}

impl Issued {
    pub fn into_composite(self, channel: &str, role: Role) -> Result<Composite> {
        let is_host = role == Role::Publisher;
        let privileges = composite::form(
            c"token_privileges",
            [is_host.into(), true.into(), is_host.into()],
        )?;
        composite::form(
            c"agora_token",
            [
                self.token.into(),
                channel.into(),
                self.uid.into(),
                self.expires_at.into(),
                privileges.into(),
            ],
        )
    }
}

/// Mints a new token and stores what is kept of it.
pub fn issue(ask: &Ask<'_>, grant: &Grant, signer: &Signer) -> Result<Issued> {
    let random = Random::draw()?;
    let content = Content {
        channel: ask.channel,
        role: grant.role,
        number: unsigned(grant.number)?,
        issued_at: ask.issued_at,
        life_s: unsigned(grant.life_s)?,
        salt: random.salt,
    };
    let token = mint_token(signer, &content)?;
    let issued = Issued {
        uid: i32::try_from(content.uid()).map_err(|_| Failure::Row("the uid is out of range"))?,
        token,
        expires_at: grant.expires_at,
    };
    stored::store(&random, ask, grant, issued.uid, &sha256_hex(&issued.token))?;
    Ok(issued)
}

/// All that goes into a token besides the App ID and the certificate.
pub struct Content<'a> {
    pub channel: &'a str,
    pub role: Role,
    /// The generation of the host, or the uid of the viewer.
    pub number: u32,
    /// Unix seconds.
    pub issued_at: u32,
    pub life_s: u32,
    pub salt: u32,
}

impl Content<'_> {
    pub fn uid(&self) -> u32 {
        match self.role {
            Role::Publisher => host_uid(self.number),
            Role::Subscriber => self.number,
        }
    }
}

/// The same content, App ID and certificate give the same token.
pub fn mint_token(signer: &Signer, content: &Content<'_>) -> Result<String> {
    let uid = Uid::new(content.uid()).map_err(|_| Failure::Row("the uid is out of range"))?;
    let request = TokenRequest {
        app_id: &signer.app_id,
        channel: &ChannelName::parse(content.channel)
            .map_err(|_| Failure::Row("the channel name is not one of Agora's"))?,
        uid,
        privileges: content.role.into(),
        issued_at: content.issued_at,
        expires_in_s: content.life_s,
        salt: content.salt,
    };
    mint(&request, &signer.certificate).map_err(|_| Failure::Row("the token was not minted"))
}

/// What is random about a token.
pub struct Random {
    pub salt: u32,
    /// Of the stored row, as the column's default would be.
    pub row_id: Uuid,
}

impl Random {
    /// Asks the system once.
    pub fn draw() -> Result<Self> {
        let mut salt = [0; 4];
        let mut id = [0; 16];
        let mut bytes = [0; 20];
        getrandom::fill(&mut bytes)
            .map_err(|_| Failure::Row("the system has no random numbers"))?;
        salt.copy_from_slice(&bytes[..4]);
        id.copy_from_slice(&bytes[4..]);
        let id = uuid::Builder::from_random_bytes(id).into_uuid();
        Ok(Self {
            salt: u32::from_ne_bytes(salt) % MAX_SALT + 1,
            row_id: Uuid::from_bytes(*id.as_bytes()),
        })
    }
}

pub fn unsigned(number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| Failure::Row("a number is negative"))
}
