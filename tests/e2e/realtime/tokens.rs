//! Tokens of joined channels of the stand-in: renewed, lost rights, run out.

use anyhow::Result;
use serde_json::json;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::access_token::claims_of;
use stream_tests::services::phoenix::{Frame, Phoenix};

#[tokio::test]
async fn a_token_that_is_as_good_is_taken_without_a_word() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    let topic = "realtime:live";
    let join = socket
        .join_ready(topic, &services.token_of(demo::ADA))
        .await?;
    for token in [
        services.token_of(demo::ADA),
        services.token_of(demo::BEN),
        "sb_publishable_x".to_owned(),
    ] {
        let payload = json!({"access_token": token});
        socket
            .push(Some(&join), topic, "access_token", payload)
            .await?;
    }
    let beat = socket.heartbeat().await?;
    let Frame::Text { reference, .. } = socket.next().await? else {
        panic!("no text frame");
    };
    assert_eq!(reference, json!(beat));
    Ok(())
}

#[tokio::test]
async fn a_token_that_lost_the_right_to_read_ends_the_channel_without_a_code_in_the_message()
-> Result<()> {
    let services = Services::start().await?;
    let own = format!("user:{}", demo::ADA);
    let topic = format!("realtime:{own}");
    for (token, message) in [
        (
            services.token_of(demo::BEN),
            format!("You do not have permissions to read from this Channel topic: {own}"),
        ),
        (
            "not.a.token".to_owned(),
            "The token provided is not a valid JWT".to_owned(),
        ),
    ] {
        let mut socket = Phoenix::connect(&services).await?;
        let join = socket
            .join_ready(&topic, &services.token_of(demo::ADA))
            .await?;
        let payload = json!({"access_token": token});
        socket
            .push(Some(&join), &topic, "access_token", payload)
            .await?;
        assert_eq!(socket.system_message().await?, message);
        socket.expect_end(&topic, &join).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_token_that_runs_out_ends_the_channel() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    let mut claims = claims_of(demo::ADA);
    // An hour less all but three seconds of it.
    claims["exp"] = json!(claims["exp"].as_u64().unwrap_or_default() - 3_597);
    let topic = "realtime:live";
    let join = socket
        .join_ready(topic, &services.signer.sign(&claims))
        .await?;
    let message = socket.system_message().await?;
    assert!(message.starts_with("Token has expired "), "{message}");
    socket.expect_end(topic, &join).await
}
