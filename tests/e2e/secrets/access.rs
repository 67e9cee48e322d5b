//! Calls that carry access tokens, passwords and the secret of Agora's notices, right and wrong ones.

use anyhow::Result;
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use hyper::Method;
use serde_json::json;
use sha2::Sha256;
use stream_tests::demo;
use stream_tests::services::access_token::{altered, claims_of, expired_claims_of, unsigned};
use stream_tests::services::gateway::DEMO_PASSWORD;
use stream_tests::services::request::Request;
use stream_tests::webhook::{BROADCASTER_JOINED, of_user};

use super::stack::Stack;

pub async fn use_all(stack: &mut Stack) -> Result<()> {
    sign_in(stack).await?;
    present_tokens(stack).await?;
    notify(stack).await
}

async fn sign_in(stack: &mut Stack) -> Result<()> {
    let wrong = stack.text("a wrong password");
    for (email, password) in [
        ("ada@nowhere.test", DEMO_PASSWORD),
        ("buyer1@demo.test", &wrong),
    ] {
        let refused = stack.services.sign_in(email, password).await?;
        assert_ne!(refused.status, 200);
    }
    let signed_in = stack
        .services
        .sign_in("buyer1@demo.test", DEMO_PASSWORD)
        .await?;
    let token = signed_in.ok()?["access_token"].clone();
    let token = token.as_str().unwrap_or_default().to_owned();
    let path = format!("/v1/streams/{}/sync", stack.stream);
    let answer = stack.services.edge(&token, Method::GET, &path).await?;
    answer.ok()?;
    Ok(())
}

async fn present_tokens(stack: &mut Stack) -> Result<()> {
    let claims = claims_of(demo::ADA);
    let signer = &stack.services.signer;
    let path = format!("/v1/streams/{}", stack.stream);
    for (token, is_good) in [
        (signer.sign(&claims), true),
        (signer.sign(&expired_claims_of(demo::ADA)), false),
        (
            altered(&signer.sign(&claims), &claims_of(demo::SELLER)),
            false,
        ),
        (unsigned(&claims), false),
        (signer.sign(&json!({"sub": "nobody"})), false),
    ] {
        let answer = stack.services.edge(&token, Method::GET, &path).await?;
        assert_eq!(answer.status == 200, is_good);
        let arguments = json!({"session_id": stack.stream});
        let answer = stack.services.rpc(&token, "get_session", arguments).await?;
        assert_eq!(answer.status == 200, is_good);
    }
    Ok(())
}

/// Signed by the right secret, by that of the access tokens, and by none.
async fn notify(stack: &mut Stack) -> Result<()> {
    let body = of_user(BROADCASTER_JOINED, stack.stream, 1, 1).to_string();
    for (secret, status) in [
        (stack.services.webhook_secret.clone(), 200),
        (stack.services.jwt_secret.clone(), 401),
    ] {
        let signature = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?
            .chain_update(body.as_bytes())
            .finalize()
            .into_bytes();
        let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let encoded = base64::engine::general_purpose::STANDARD.encode(signature);
        for (header, status) in [(hex, status), (encoded, 401), (secret, 401)] {
            let request = Request::post("/webhooks/agora")
                .json_bytes(body.clone())
                .header("Agora-Signature-V2", header);
            let answer = request.send(&stack.services.edge_url).await?;
            assert_eq!(answer.status, status, "{answer:?}");
        }
    }
    Ok(())
}
