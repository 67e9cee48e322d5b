//! What does an issued token say, and to whom is it worth anything?

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::agora::{Certificate, DecodedToken, decode};
use tokio_postgres::Error;
use uuid::Uuid;

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
