//! Minting tokens and storing their hashes.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::agora::{ChannelName, MAX_SALT, Role, TokenRequest, Uid, host_uid, mint};

use crate::digest::sha256_hex;
use crate::postgres::caller::Admitted;
use crate::postgres::catalogue::KnownRelation;
use crate::postgres::composite::{self, Composite};
use crate::postgres::error::{Failure, Result};
use crate::token::certificate::Signer;
use crate::token::request::{Grant, GrantRequest};
use crate::token::stored;

static TOKEN_PRIVILEGES: KnownRelation = KnownRelation::new(c"token_privileges");
static AGORA_TOKEN: KnownRelation = KnownRelation::new(c"agora_token");

/// A minted token, with the fields that its user gets besides.
pub struct Issued {
    pub token: String,
    pub uid: i32,
    pub expires_at: TimestampWithTimeZone,
}

impl Issued {
    pub fn into_composite(self, channel: &str, role: Role) -> Result<Composite> {
        let is_host = role == Role::Publisher;
        let privileges = composite::form(
            &TOKEN_PRIVILEGES,
            [is_host.into(), true.into(), is_host.into()],
        )?;
        composite::form(
            &AGORA_TOKEN,
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

/// Mints a new token and stores its row.
pub fn issue(
    admitted: Admitted,
    request: &GrantRequest<'_>,
    grant: &Grant,
    signer: &Signer,
) -> Result<Issued> {
    let random = Random::draw()?;
    let content = Content {
        channel: request.channel,
        role: grant.role,
        number: unsigned(grant.number)?,
        issued_at: request.issued_at,
        life_s: unsigned(grant.life_s)?,
        salt: random.salt,
    };
    let token = mint_token(signer, &content)?;
    let issued = Issued {
        uid: i32::try_from(content.uid()).map_err(|_| Failure::Row("the uid is out of range"))?,
        token,
        expires_at: grant.expires_at,
    };
    let hash = sha256_hex(&issued.token);
    stored::store(
        admitted,
        random.row_id,
        random.salt,
        request,
        grant,
        issued.uid,
        &hash,
    )?;
    Ok(issued)
}

/// The fields that a token is minted from, besides the App ID and the certificate.
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
    fn uid(&self) -> u32 {
        match self.role {
            Role::Publisher => host_uid(self.number),
            Role::Subscriber => self.number,
        }
    }
}

/// Mints a token. The same content, App ID and certificate give the same token.
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

/// The random fields of a token and its row.
struct Random {
    salt: u32,
    /// The id of the stored row, as the column's default would make it.
    row_id: Uuid,
}

impl Random {
    /// Draws both with one call of the system.
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

pub fn unsigned(number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| Failure::Row("a number is negative"))
}
