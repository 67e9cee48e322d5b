//! Who gets which Agora token?
//!
//! Channel, uid and role come from the database's rows, never from the caller. Only the hash of a
//! token is stored.

mod inspection;
mod rate;
mod rows;
mod stored;

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::agora::{ChannelName, MAX_SALT, Role, TokenRequest, Uid, User, host_uid, mint};

use crate::caller::{self, Caller};
use crate::certificate::Signer;
use crate::clock;
use crate::composite::{self, Composite};
use crate::digest::sha256_hex;
use crate::error::{Failure, Result, answer, required};
use rate::Charge;
pub use rows::is_host_token_due;
use rows::{Ask, Grant};

/// `role` is `host` or `viewer`; null: what the user is. `occasion` is `request`, `refresh`, which
/// retires the older tokens, `join`, which counts and is not refused for its rate, or `renewal`, which
/// does not count. `generation` is the host's, and a stale one is refused; null: any, as for viewers,
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
        "join" => Charge::Counted,
        "renewal" => Charge::Free,
        _ => return Err(Failure::Row("no such occasion")),
    };
    let ask = Ask {
        user: caller.speak_of(user_id)?,
        channel: required(channel_id, "channel_id")?,
        role,
        generation,
        charge,
        is_renewal: occasion == "renewal",
        issued_at: clock::now_s()?,
    };
    let signer = rows::signer(&ask)?;
    caller.act_for(user_id)?;
    let grant = rows::grant(&ask)?;
    if occasion == "refresh" {
        rows::retire(grant.session, ask.user)?;
    }
    issue(&ask, &grant, &signer)
}

fn issue(ask: &Ask<'_>, grant: &Grant, signer: &Signer) -> Result<Composite> {
    let number = match grant.role {
        Role::Publisher => host_uid(unsigned(grant.number)?),
        Role::Subscriber => unsigned(grant.number)?,
    };
    let random = Random::draw()?;
    let request = TokenRequest {
        app_id: &signer.app_id,
        channel: &ChannelName::parse(ask.channel)
            .map_err(|_| Failure::Row("the channel name is not one of Agora's"))?,
        user: User::Uid(Uid::new(number).map_err(|_| Failure::Row("the uid is out of range"))?),
        privileges: grant.role.into(),
        rtm: None,
        issued_at: ask.issued_at,
        expires_in_s: unsigned(grant.life_s)?,
        salt: random.salt,
    };
    let token = mint(&request, &signer.certificate)
        .map_err(|_| Failure::Row("the token was not minted"))?;
    let uid = i32::try_from(number).map_err(|_| Failure::Row("the uid is out of range"))?;
    stored::store(random.row_id, ask, grant, uid, &sha256_hex(&token))?;
    let is_host = grant.role == Role::Publisher;
    let privileges = composite::form(
        c"token_privileges",
        [is_host.into(), true.into(), is_host.into()],
    )?;
    composite::form(
        c"agora_token",
        [
            token.into(),
            ask.channel.into(),
            uid.into(),
            grant.expires_at.into(),
            privileges.into(),
        ],
    )
}

/// What is random about a token.
struct Random {
    salt: u32,
    /// Of the stored row, as the column's default would be.
    row_id: Uuid,
}

impl Random {
    /// Asks the system once.
    fn draw() -> Result<Self> {
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

fn unsigned(number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| Failure::Row("a number is negative"))
}
