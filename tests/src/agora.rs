//! Reading an issued token, and judging to whom it is worth anything.

mod foreign;

pub use foreign::foreign_token;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::agora::{
    Certificate, ChannelName, DecodedToken, Role, TokenRequest, Uid, decode, mint,
};
use tokio_postgres::Error;
use uuid::Uuid;
use xtask::edition::Edition;

use crate::database::TestDatabase;
use crate::session::Session;

/// Agora's privileges of a publisher: join, publish audio, video and data.
pub const PUBLISHER: &[u16] = &[1, 2, 3, 4];
/// Agora's privileges of a subscriber: join.
pub const SUBSCRIBER: &[u16] = &[1];

pub async fn seller_token(caller: &Session, session: Uuid) -> Result<Value, Error> {
    let arguments = json!({"seller_id": null, "channel_id": session});
    caller.rpc("generate_seller_token", arguments).await
}

pub async fn buyer_token(caller: &Session, session: Uuid) -> Result<Value, Error> {
    let arguments = json!({"buyer_id": null, "channel_id": session});
    caller.rpc("generate_buyer_token", arguments).await
}

pub async fn refreshed_token(caller: &Session, session: Uuid) -> Result<Value, Error> {
    let arguments = json!({"user_id": null, "channel_id": session});
    caller.rpc("refresh_token", arguments).await
}

impl TestDatabase {
    /// Decodes the token of an answer and compares all that it says with the rest of the answer.
    pub fn verified(&self, answer: &Value, privileges: &[u16]) -> Result<DecodedToken> {
        let text = answer["token"]
            .as_str()
            .context("the answer has no token")?;
        let token = decode(text)?;
        let certificate = Certificate::parse(&self.environment.agora.certificate)?;
        ensure!(token.verify(&certificate), "another certificate signed");
        ensure!(token.app_id.as_str() == self.environment.agora.app_id);
        ensure!(token.services.len() == 1 && token.unknown_service.is_none());

        let service = &token.services[0];
        ensure!(service.service_type == 1, "not a token for RTC");
        ensure!(service.channel.as_deref() == answer["channel_id"].as_str());
        ensure!(service.uid == Some(answer["uid"].to_string()));
        let granted: Vec<u16> = service
            .privileges
            .iter()
            .map(|granted| granted.id)
            .collect();
        ensure!(granted == privileges, "privileges are {granted:?}");
        for privilege in &service.privileges {
            ensure!(privilege.expires_in_s == token.expires_in_s);
        }

        let can_publish = privileges == PUBLISHER;
        ensure!(
            answer["privileges"]
                == json!({
                    "can_publish": can_publish, "can_subscribe": true, "can_admin": can_publish,
                })
        );
        Ok(token)
    }
}

impl TestDatabase {
    /// A viewer's token as the SQL edition writes it, whose text differs from that of stream_core.
    async fn mint_in_sql(&self, request: &TokenRequest<'_>) -> Result<String> {
        let row = self
            .owner
            .query_one(
                "select stream_ext.token_mint($1, $2, $3, $4, false, $5, $6, $7)",
                &[
                    &request.app_id.as_str(),
                    &self.environment.agora.certificate,
                    &request.channel.as_str(),
                    &i32::try_from(request.uid.get())?,
                    &i64::from(request.issued_at),
                    &i64::from(request.expires_in_s),
                    &i64::from(request.salt),
                ],
            )
            .await?;
        Ok(row.get(0))
    }

    /// Makes the stored token of this text one that was issued so many seconds earlier, as if it had been
    /// then, and returns that one's text.
    pub async fn age(&self, text: &str, seconds: u32) -> Result<String> {
        let token = decode(text)?;
        let service = token.services.first().context("a service")?;
        let channel = service.channel.as_deref().context("a channel")?;
        let request = TokenRequest {
            app_id: &token.app_id,
            channel: &ChannelName::parse(channel)?,
            uid: Uid::new(service.uid.as_deref().context("a uid")?.parse()?)?,
            privileges: Role::Subscriber.into(),
            issued_at: token.issued_at - seconds,
            expires_in_s: token.expires_in_s,
            salt: token.salt,
        };
        let certificate = Certificate::parse(&self.environment.agora.certificate)?;
        let older = match Edition::chosen()? {
            Edition::Native => mint(&request, &certificate)?,
            Edition::Sql => self.mint_in_sql(&request).await?,
        };
        let hash = "encode(sha256(convert_to($1, 'UTF8')), 'hex')";
        let changed = self
            .owner
            .execute(
                &format!(
                    "update stream.agora_tokens as t
                     set created_at = t.created_at - make_interval(secs => $3),
                         expires_at = t.expires_at - make_interval(secs => $3),
                         check_at = t.check_at - make_interval(secs => $3),
                         token_hash = {}
                     where t.token_hash::text = {hash}",
                    hash.replace("$1", "$2")
                ),
                &[&text, &older, &f64::from(seconds)],
            )
            .await?;
        ensure!(changed == 1, "the token is not stored once");
        Ok(older)
    }
}
