//! Issuing a token on request: the operation `generate_token`.
//!
//! Channel, uid and role come from the database's rows, never from the caller.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::agora::Role;

use crate::clock;
use crate::postgres::caller::{self, Caller};
use crate::postgres::composite::Composite;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::token::grant;
use crate::token::mint::issue;
use crate::token::refusals;
use crate::token::request::{GrantRequest, TokenCharge};
use crate::token::settings::Settings;

/// Issues a token. `role` is `host` or `viewer`; null: whichever the user is. `occasion` is `request`, or `refresh`,
/// which retires the older tokens. `generation` is the host's, and a stale one is refused; null: any, as for viewers,
/// who have none. Returns a `stream.agora_token`.
#[pg_extern]
fn generate_token(
    user_id: Option<Uuid>,
    channel_id: Option<&str>,
    role: Option<&str>,
    occasion: Option<&str>,
    generation: Option<i32>,
) -> pgrx::composite_type!('static, "record") {
    or_raise(generate(user_id, channel_id, role, occasion, generation))
}

fn generate(
    user_id: Option<Uuid>,
    channel_id: Option<&str>,
    role: Option<&str>,
    occasion: Option<&str>,
    generation: Option<i32>,
) -> Result<Composite> {
    let caller = caller::enter_to_write()?;
    let issued = generate_as(caller, user_id, channel_id, role, occasion, generation);
    refusals::counted(caller.admitted(), issued)
}

fn generate_as(
    caller: Caller,
    user_id: Option<Uuid>,
    channel_id: Option<&str>,
    role: Option<&str>,
    occasion: Option<&str>,
    generation: Option<i32>,
) -> Result<Composite> {
    let occasion = required(occasion, "occasion")?;
    let role = match role {
        None => None,
        Some("host") => Some(Role::Publisher),
        Some("viewer") => Some(Role::Subscriber),
        Some(_) => return Err(Failure::Row("no such role")),
    };
    let charge = match occasion {
        // The service has no rate, and does not use up a user's.
        _ if caller.is_service() => TokenCharge::Free,
        "request" | "refresh" => TokenCharge::Limited,
        _ => return Err(Failure::Row("no such occasion")),
    };
    let request = GrantRequest {
        user: caller.resolve_user(user_id)?,
        channel: required(channel_id, "channel_id")?,
        role,
        generation,
        charge,
        issued_at: clock::now_s()?,
    };
    let settings = Settings::read(caller.admitted())?;
    let signer = grant::signer(caller.admitted(), &request, &settings)?;
    caller.act_for(user_id)?;
    let granted = grant::grant(caller.admitted(), &request, &settings)?;
    if occasion == "refresh" {
        grant::retire(granted.session, request.user)?;
    }
    issue(caller.admitted(), &request, &granted, &signer)?
        .into_composite(request.channel, granted.role)
}
