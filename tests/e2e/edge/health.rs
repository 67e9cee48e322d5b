//! Answers of the edge about itself: its health, its catalogue of errors and its request ids.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::edge::expect_problem;
use stream_tests::services::request::Request;
use uuid::Uuid;
use xtask::edition::Edition;

#[tokio::test]
async fn health_and_the_catalogue_are_open_to_everybody() -> Result<()> {
    let services = Services::start().await?;
    for path in ["/healthz", "/readyz"] {
        let answer = Request::get(path).send(&services.edge_url).await?;
        assert_eq!(answer.ok()?["status"], "ok", "{path}");
    }
    let ready = Request::get("/readyz").send(&services.edge_url).await?;
    let database = ready.ok()?["database"].clone();
    assert_eq!(database["contract"], "same", "{database}");
    let extension = (Edition::chosen()? == Edition::Native).then_some("0.1.0");
    assert_eq!(
        database["extension_version"],
        json!(extension),
        "{database}"
    );
    let catalogue = Request::get("/v1/errors")
        .send(&services.edge_url)
        .await?
        .ok()?;
    let catalogue = catalogue.as_array().context("no array")?;
    assert_eq!(catalogue.len(), ErrorCode::ALL.len());
    for entry in catalogue {
        let path = entry["type"].as_str().context("no type")?;
        let one = Request::get(path).send(&services.edge_url).await?.ok()?;
        assert_eq!(&one, entry);
    }
    Ok(())
}

#[tokio::test]
async fn every_answer_carries_the_request_id() -> Result<()> {
    let services = Services::start().await?;
    let seller = services.token_of(demo::SELLER);
    for path in ["/healthz", "/v1/streams/1", "/nowhere"] {
        let request = Request::get(path).bearer(&seller);
        let answer = request.send(&services.edge_url).await?;
        let made = Uuid::parse_str(answer.header("x-request-id"))?;
        let request = Request::get(path).bearer(&seller);
        let another = request.send(&services.edge_url).await?;
        assert_ne!(Uuid::parse_str(another.header("x-request-id"))?, made);

        let request = Request::get(path)
            .bearer(&seller)
            .header("x-request-id", "checkout-7");
        let answer = request.send(&services.edge_url).await?;
        assert_eq!(answer.header("x-request-id"), "checkout-7");
    }
    let request = Request::get("/v1/streams/1").bearer(&seller);
    let answer = request
        .header("x-request-id", "checkout-7")
        .send(&services.edge_url)
        .await?;
    expect_problem(&answer, ErrorCode::InvalidArgument)?;
    assert_eq!(answer.json()["request_id"], "checkout-7");
    Ok(())
}
