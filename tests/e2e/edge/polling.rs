//! Polling of `sync` over both copies of the edge: 304 until something changes that this reader would see.

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::answer::Answer;
use stream_tests::services::request::Request;
use uuid::Uuid;

/// One viewer who polls, and whom the balancer leads to either copy.
struct Poller<'a> {
    services: &'a Services,
    token: String,
    path: String,
    tag: String,
}

impl<'a> Poller<'a> {
    /// Who has everything that is there now.
    async fn start(services: &'a Services, stream: Uuid, user: Uuid) -> Result<Self> {
        let mut poller = Self {
            services,
            token: services.token_of(user),
            path: format!("/v1/streams/{stream}/sync"),
            tag: String::new(),
        };
        let all = poller.ask(&services.edge_url).await?;
        poller.keep(&all, stream)?;
        // The tag belongs to the address that the reader polls from here on.
        let current = poller.ask(&services.edge_url).await?;
        poller.tag = current.header("etag").to_owned();
        Ok(poller)
    }

    async fn ask(&self, url: &str) -> Result<Answer> {
        let request = Request::get(&self.path).bearer(&self.token);
        let request = match self.tag.as_str() {
            "" => request,
            tag => request.header("if-none-match", tag),
        };
        let answer = request.send(url).await?;
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.header("vary"), "authorization");
        assert_eq!(answer.header("x-poll-interval-ms"), "5000");
        Ok(answer)
    }

    fn keep(&mut self, answer: &Answer, stream: Uuid) -> Result<()> {
        let body = answer.ok()?;
        let epoch = body["epoch"].as_str().context("no epoch")?;
        self.path = format!(
            "/v1/streams/{stream}/sync?after_seq={}&epoch={epoch}",
            body["head_seq"]
        );
        Ok(())
    }

    /// Nothing has changed, by the word of each copy.
    async fn finds_nothing(&self) -> Result<()> {
        for url in &self.services.copy_urls {
            let answer = self.ask(url).await?;
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{answer:?}");
            assert_eq!(answer.header("etag"), self.tag);
        }
        Ok(())
    }

    /// Something has changed, by the word of each copy; what it is, and from here on it is known.
    async fn finds_a_change(&mut self) -> Result<Value> {
        let [first, second] = &self.services.copy_urls;
        let answer = self.ask(first).await?;
        let other = self.ask(second).await?;
        assert_eq!((answer.status, other.status), (200, 200));
        assert_eq!(answer.header("etag"), other.header("etag"));
        assert_ne!(answer.header("etag"), self.tag);
        self.tag = answer.header("etag").to_owned();
        self.finds_nothing().await?;
        answer.ok()
    }
}

#[tokio::test]
async fn a_poller_gets_304_until_the_stream_or_the_reader_changes() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    services.database.viewer(stream, demo::ADA).await?;
    let seller = services.token_of(demo::SELLER);
    let ada = services.token_of(demo::ADA);
    let path = format!("/v1/streams/{stream}");
    let mut poller = Poller::start(&services, stream, demo::ADA).await?;
    let mut other = Poller::start(&services, stream, demo::SELLER).await?;
    poller.finds_nothing().await?;

    let body = json!({"content": "going once", "id": Uuid::new_v4()});
    let messages = format!("{path}/messages");
    services
        .edge_json(&seller, Method::POST, &messages, body)
        .await?
        .ok()?;
    let change = poller.finds_a_change().await?;
    assert_eq!(change["messages"][0]["content"], "going once");
    other.finds_a_change().await?;

    let paused = format!("{path}/pause");
    services.edge(&seller, Method::POST, &paused).await?.ok()?;
    assert_eq!(poller.finds_a_change().await?["state"], "paused");
    other.finds_a_change().await?;

    // A window that grows between two frames.
    let lengthen = "update stream.chat_relay set window_ms = 40000, poll_ms = 20000";
    services.database.change(lengthen).await?;
    for poller in [&mut poller, &mut other] {
        assert_eq!(poller.finds_a_change().await?["poll_ms"], 20_000);
    }

    // What is the reader's own is no change for others.
    let reads = format!("{path}/reads/up_to");
    services
        .edge_json(&ada, Method::PUT, &reads, json!({"seq": 1}))
        .await?
        .ok()?;
    assert_eq!(poller.finds_a_change().await?["read"], json!([[1, 1]]));
    other.finds_nothing().await?;
    Ok(())
}

#[tokio::test]
async fn a_refused_poller_gets_a_refusal_that_nobody_may_keep() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    services.database.viewer(stream, demo::ADA).await?;
    let poller = Poller::start(&services, stream, demo::ADA).await?;
    let request = Request::get(&poller.path).header("if-none-match", "*");
    let answer = request.send(&services.edge_url).await?;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (401, "no-store")
    );
    Ok(())
}
