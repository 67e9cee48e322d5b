//! Inspecting an Agora token: its content, and which of our certificates signed it.
//!
//! For the service alone. Neither the result nor an error ever contains the token.

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};
use stream_core::agora::{
    Certificates, DecodeError, DecodedToken, DecodedToken006, Signer, decode, decode_006,
};
use stream_core::error::ErrorCode;

use crate::clock;
use crate::postgres::caller;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::token::certificate::Configuration;

const SERVICE_RTC: u16 = 1;
const JOIN_CHANNEL: u16 = 1;

/// RTM's only privilege in tokens of version 006, where it stands beside those of RTC.
const RTM_LOGIN_006: u16 = 1000;

#[derive(Default)]
struct Inspection {
    version: &'static str,
    app_id: String,
    channel_id: Option<String>,
    account: Option<String>,
    /// (service, privilege id, Unix seconds)
    privileges: Vec<(u16, u16, i64)>,
    issued_at: Option<i64>,
    expires_at: i64,
    /// None: it could not be checked.
    is_signed: Option<bool>,
    signer: Option<Signer>,
}

#[pg_extern(stable)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the column names from the literal type"
)]
fn inspect_token(
    token: Option<&str>,
    channel_id: Option<&str>,
    account: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(version, &'static str),
        name!(app_id, String),
        name!(channel_id, Option<String>),
        name!(account, Option<String>),
        name!(role, Option<&'static str>),
        name!(privileges, JsonB),
        name!(issued_at, Option<i64>),
        name!(expires_at, i64),
        name!(is_expired, bool),
        name!(is_signed, Option<bool>),
        name!(signed_by, Option<&'static str>),
    ),
> {
    let (inspection, now_s) = or_raise(inspect(token, channel_id, account));
    let role = inspection.role();
    let privileges = JsonB(inspection.named_privileges());
    TableIterator::once((
        inspection.version,
        inspection.app_id,
        inspection.channel_id,
        inspection.account,
        role,
        privileges,
        inspection.issued_at,
        inspection.expires_at,
        inspection.expires_at <= now_s,
        inspection.is_signed,
        inspection.signer.map(Signer::as_str),
    ))
}

fn inspect(
    token: Option<&str>,
    channel: Option<&str>,
    account: Option<&str>,
) -> Result<(Inspection, i64)> {
    if !caller::enter()?.is_service() {
        return Err(ErrorCode::Forbidden.into());
    }
    let token = required(token, "token")?;
    let certificates = Configuration::read()?.certificates()?;
    let inspection = match decode(token) {
        Ok(token) => of_007(&token, &certificates),
        Err(DecodeError::Version) => {
            let token = decode_006(token).map_err(|error| unreadable(&error))?;
            of_006(&token, &certificates, channel, account)
        }
        Err(error) => return Err(unreadable(&error)),
    };
    Ok((inspection, clock::now_s()?.into()))
}

/// The refusal for a token that cannot be decoded; the decoders' errors hold nothing of it.
fn unreadable(error: &DecodeError) -> Failure {
    Failure::with_hint(ErrorCode::InvalidArgument, error.to_string())
}

fn of_007(token: &DecodedToken, certificates: &Certificates) -> Inspection {
    let issued_at = i64::from(token.issued_at);
    let expires_at = issued_at + i64::from(token.expires_in_s);
    let first = |field: fn(&stream_core::agora::DecodedService) -> &Option<String>| {
        token
            .services
            .iter()
            .find_map(|service| field(service).clone())
    };
    let privileges = token.services.iter().flat_map(|service| {
        service.privileges.iter().map(move |privilege| {
            let ends_at = match privilege.expires_in_s {
                0 => expires_at,
                seconds => issued_at + i64::from(seconds),
            };
            (service.service_type, privilege.id, ends_at)
        })
    });
    let signer = certificates.signer(|certificate| token.verify(certificate));
    Inspection {
        version: "007",
        app_id: token.app_id.as_str().to_owned(),
        channel_id: first(|service| &service.channel),
        account: first(|service| &service.uid),
        privileges: privileges.collect(),
        issued_at: Some(issued_at),
        expires_at,
        is_signed: Some(signer.is_some()),
        signer,
    }
}

/// Inspects a token of version 006, which contains neither channel nor account: the given ones are returned if the
/// signature confirms them.
fn of_006(
    token: &DecodedToken006,
    certificates: &Certificates,
    channel: Option<&str>,
    account: Option<&str>,
) -> Inspection {
    let expires_at = i64::from(token.expires_at);
    let privileges = token.privileges.iter().map(|privilege| {
        let (service, id) = match privilege.id {
            RTM_LOGIN_006 => (2, 1),
            id => (SERVICE_RTC, id),
        };
        let ends_at = match privilege.expires_at {
            0 => expires_at,
            at => i64::from(at),
        };
        (service, id, ends_at)
    });
    let mut inspection = Inspection {
        version: "006",
        app_id: token.app_id.as_str().to_owned(),
        privileges: privileges.collect(),
        expires_at,
        ..Inspection::default()
    };
    if let (Some(channel), Some(account)) = (channel, account) {
        inspection.signer =
            certificates.signer(|certificate| token.verify(certificate, channel, account));
        inspection.is_signed = Some(inspection.signer.is_some());
        if inspection.signer.is_some() {
            inspection.channel_id = Some(channel.to_owned());
            inspection.account = Some(account.to_owned());
        }
    }
    inspection
}

impl Inspection {
    fn role(&self) -> Option<&'static str> {
        let mut granted = self
            .privileges
            .iter()
            .filter(|(service, ..)| *service == SERVICE_RTC)
            .peekable();
        granted.peek()?;
        if granted.any(|(_, id, _)| *id != JOIN_CHANNEL) {
            Some("publisher")
        } else {
            Some("subscriber")
        }
    }

    fn named_privileges(&self) -> Value {
        let named = self.privileges.iter().map(|(service, id, expires_at)| {
            json!({
                "service": service_name(*service),
                "privilege": privilege_name(*service, *id),
                "expires_at": expires_at,
            })
        });
        named.collect()
    }
}

fn service_name(service: u16) -> String {
    let name = match service {
        SERVICE_RTC => "rtc",
        2 => "rtm",
        3 => "streaming",
        4 => "fpa",
        5 => "chat",
        6 => "fcdn",
        7 => "apaas",
        _ => return service.to_string(),
    };
    name.to_owned()
}

/// The name of a privilege of the services that our tokens can have; for others, Agora's numbers.
fn privilege_name(service: u16, id: u16) -> String {
    let name = match (service, id) {
        (SERVICE_RTC, JOIN_CHANNEL) => "join",
        (SERVICE_RTC, 2) => "publish_audio",
        (SERVICE_RTC, 3) => "publish_video",
        (SERVICE_RTC, 4) => "publish_data",
        (2, 1) => "login",
        _ => return id.to_string(),
    };
    name.to_owned()
}
