//! Storing a token: its hash, and the fields from which the same token can be minted again.

use std::cell::OnceCell;
use std::ffi::CStr;

use pgrx::datum::{DatumWithOid, Uuid};
use pgrx::memcxt::PgMemoryContexts;
use pgrx::{direct_function_call_as_datum, pg_sys};
use stream_core::agora::{Role, TokenTimes};

use crate::clock;
use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::{Table, Values};
use crate::token::request::{Grant, GrantRequest};

static TOKENS: Table = Table::new(c"agora_tokens");

thread_local! {
    static OF_HOST: OnceCell<pg_sys::Datum> = const { OnceCell::new() };
    static OF_VIEWER: OnceCell<pg_sys::Datum> = const { OnceCell::new() };
}

/// Inserts the row of a token. With its uid, salt and times the same token can be minted again.
pub fn store(
    admitted: Admitted,
    id: Uuid,
    salt: u32,
    request: &GrantRequest<'_>,
    grant: &Grant,
    uid: i32,
    token_hash: &str,
) -> Result<()> {
    let salt = i32::try_from(salt).map_err(|_| Failure::Row("a salt is out of range"))?;
    let issued_at = clock::timestamp(request.issued_at.into())?;
    let times = TokenTimes {
        issued_at_us: issued_at.into_inner(),
        expires_at_us: grant.expires_at.into_inner(),
    };
    let check_at = clock::from_microseconds(times.warning_at_us())?;
    let columns: Values<12> = [
        (c"id", id.into()),
        (c"user_id", request.user.into()),
        (c"session_id", grant.session.into()),
        (c"token_hash", token_hash.into()),
        (c"channel_id", request.channel.into()),
        (c"uid", uid.into()),
        (c"salt", salt.into()),
        (c"privileges", privileges(grant.role)),
        (c"created_at", issued_at.into()),
        (c"expires_at", grant.expires_at.into()),
        (c"is_active", true.into()),
        (c"check_at", check_at.into()),
    ];
    TOKENS.insert(admitted, columns)
}

/// The privileges as jsonb, parsed once in a backend.
fn privileges(role: Role) -> DatumWithOid<'static> {
    let (known, text): (_, &'static CStr) = match role {
        Role::Publisher => (
            &OF_HOST,
            cr#"{"can_publish": true, "can_subscribe": true, "can_admin": true}"#,
        ),
        Role::Subscriber => (
            &OF_VIEWER,
            cr#"{"can_publish": false, "can_subscribe": true, "can_admin": false}"#,
        ),
    };
    let datum = known.with(|known| {
        *known.get_or_init(|| {
            // SAFETY: the input function of the type, in memory that lasts as long as the backend.
            unsafe {
                PgMemoryContexts::TopMemoryContext.switch_to(|_| {
                    direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text.as_ptr().into())])
                })
            }
            .unwrap_or(pg_sys::Datum::null())
        })
    });
    // SAFETY: a value of that type.
    unsafe { DatumWithOid::new(datum, pg_sys::JSONBOID) }
}
