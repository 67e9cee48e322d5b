//! An app asks the edge for a token while the server's clock is wrong, and reads the reason.

use anyhow::Result;
use hyper::Method;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::server_clock::ServerClock;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use xtask::cluster::Options;

/// 2019-01-01, when this product did not exist.
const LONG_AGO: i64 = 1_546_300_800;

/// Feature: streaming-realtime-fixes, Property 3: For any token experiencing generation failures, the Token_Generator should
/// handle failures with appropriate retry logic and error messages. `edge_refuses` compares category, recovery strategy and the rest with the catalogue.
#[tokio::test]
async fn the_app_reads_what_is_wrong_and_how_to_recover() -> Result<()> {
    let clock = ServerClock::new()?;
    let server = OwnCluster::start(Options {
        environment: clock.environment()?,
        ..Options::temporary("e2e-clock")?
    })?;
    let database = TestDatabase::create_in(server.make_template("")?).await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let services = Services::start_on(database)?;
    let channel = json!({"channel_id": id});
    let asks = [
        (demo::SELLER, "/v1/tokens/seller".to_owned(), &channel),
        (demo::ADA, "/v1/tokens/buyer".to_owned(), &channel),
        (demo::ADA, "/v1/tokens/refresh".to_owned(), &channel),
        (demo::BEN, format!("/v1/streams/{id}/join"), &json!({})),
    ];

    clock.set(LONG_AGO)?;
    for (user, path, body) in &asks {
        let request = Request::post(path)
            .bearer(&services.token_of(*user))
            .json(body);
        services
            .edge_refuses(ErrorCode::ClockWrong, request)
            .await?;
    }
    clock.correct()?;
    for (user, path, body) in &asks {
        let token = services.token_of(*user);
        let answer = services.edge_json(&token, Method::POST, path, (*body).clone());
        answer.await?.ok()?;
    }
    Ok(())
}
