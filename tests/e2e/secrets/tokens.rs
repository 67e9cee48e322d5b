//! Calls that meet certificates and tokens, in whatever state the certificates are.

use anyhow::Result;
use hyper::Method;
use serde_json::json;
use stream_tests::agora::foreign_token;
use stream_tests::demo;

use super::stack::Stack;

/// Whatever can be wrong with the certificates, one after the other.
const BROKEN: [&str; 6] = [
    "update stream.config set agora_secondary_certificate_secret = 'secondary'",
    "update stream.config set agora_certificate_secret = 'gone'",
    "update stream.config set agora_certificate_secret = 'malformed'",
    "update stream.config set agora_app_id = null",
    "update stream.config set agora_app_id = repeat('a', 32),
         agora_certificate_secret = 'agora_app_certificate'",
    "create or replace view vault.decrypted_secrets as
         select s.id, s.name, s.description, s.secret, vault.fail(s.secret) as decrypted_secret,
             s.key_id, s.nonce, s.created_at, s.updated_at
         from vault.secrets as s",
];

/// Every function that mints or reads tokens, while the certificate works and while it does not.
pub async fn use_all(stack: &mut Stack) -> Result<usize> {
    call_each(stack).await?;
    let minted = stack.minted().count();
    let superuser = stack.services.database.superuser().await?;
    for broken in BROKEN {
        superuser.batch_execute(broken).await?;
        call_each(stack).await?;
        let service = stack.services.keys.service_role_key.clone();
        let doctor = stack.services.rpc(&service, "doctor", json!({})).await?;
        doctor.ok()?;
    }
    Ok(minted)
}

/// Through both doors.
async fn call_each(stack: &mut Stack) -> Result<()> {
    let channel = json!({"channel_id": stack.stream});
    let join = format!("/v1/streams/{}/join", stack.stream);
    let heartbeat = format!("/v1/streams/{}/heartbeat", stack.stream);
    stack
        .services
        .database
        .change(
            "update stream.stream_viewers set token_issued_at = now() - interval '1 hour',
                 token_expires_at = now() + interval '1 second'",
        )
        .await?;
    for (user, path, body) in [
        (demo::SELLER, "/v1/tokens/seller", &channel),
        (demo::ADA, "/v1/tokens/buyer", &channel),
        (demo::ADA, "/v1/tokens/seller", &channel),
        (demo::BEN, "/v1/tokens/buyer", &channel),
        (demo::ADA, "/v1/tokens/refresh", &channel),
        (demo::ADA, &heartbeat, &json!({})),
        (demo::ADA, &join, &json!({})),
    ] {
        stack.post_as(user, path, body.clone()).await?;
    }
    for (function, user) in [
        ("generate_buyer_token", "buyer_id"),
        ("refresh_token", "user_id"),
    ] {
        let arguments = json!({user: null, "channel_id": stack.stream});
        stack.rpc(demo::ADA, function, arguments).await?;
    }
    let newest = stack.minted().next_back().unwrap_or_default().to_owned();
    let service = stack.services.keys.service_role_key.clone();
    let with_rtm = with_rtm(stack).await?;
    stack.note("a token for RTC and RTM", &with_rtm);
    for text in [newest.clone(), format!("{newest}AAAA"), with_rtm] {
        let body = json!({"token": text});
        stack
            .send(&service, "/v1/tokens/inspect", body.clone())
            .await?;
        stack.services.rpc(&service, "inspect_token", body).await?;
    }
    stack
        .post_as(demo::ADA, "/v1/tokens/inspect", json!({"token": newest}))
        .await?;
    // In the place of an access token it opens nothing.
    let path = format!("/v1/streams/{}", stack.stream);
    stack.services.edge(&newest, Method::GET, &path).await?;
    Ok(())
}

/// A token for RTC and RTM, as an application's own server makes one: here it is only inspected.
async fn with_rtm(stack: &Stack) -> Result<String> {
    let environment = &stack.services.database.environment;
    let certificate = &environment.agora.certificate;
    foreign_token(
        environment,
        certificate,
        "room-1",
        "ada",
        1_800_000_000,
        3600,
    )
    .await
}
