//! Chat over a network that delays, truncates, cuts and resets: nothing acknowledged is lost, and nothing is there twice.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::fault_proxy::{FaultProxy, Odds};
use stream_tests::services::Services;
use stream_tests::services::answer::Answer;
use stream_tests::services::request::Request;
use uuid::Uuid;

const SENDERS: usize = 4;
const SENDS: usize = 40;

/// As often as an app tries before it tells its user.
const TRIES: usize = 3;

const BROKEN: Odds = Odds {
    delay: 100,
    longest_delay: Duration::from_millis(20),
    truncate: 50,
    cut: 50,
    reset: 50,
};

/// One message and what its sender knows of it.
#[derive(Debug, Clone)]
struct Sent {
    id: Uuid,
    content: String,
    /// The place in the log that was acknowledged.
    seq: Option<i64>,
}

/// A sender's way to the edge.
#[derive(Clone)]
struct Sender {
    url: String,
    token: String,
    path: String,
}

impl Sender {
    async fn send(&self, sent: &Sent) -> Result<Answer> {
        let message = json!({"id": sent.id, "content": sent.content});
        let request = Request::post(&self.path).bearer(&self.token);
        request.json(&message).send(&self.url).await
    }

    /// Sends messages one after the other, each again with its id while no answer comes.
    async fn run(self, number: usize) -> Result<Vec<Sent>> {
        let mut all = Vec::new();
        for message in 0..SENDS {
            let mut sent = Sent {
                id: Uuid::new_v4(),
                content: format!("message {message} of sender {number}"),
                seq: None,
            };
            for _ in 0..TRIES {
                // No answer, or a part of one: the sender cannot know.
                let Ok(answer) = self.send(&sent).await else {
                    continue;
                };
                sent.seq = Some(seq(&answer.ok()?, &sent)?);
                break;
            }
            all.push(sent);
        }
        Ok(all)
    }
}

/// The place of the message that is answered, which must be the one that was sent.
fn seq(answer: &Value, sent: &Sent) -> Result<i64> {
    ensure!(answer["id"] == json!(sent.id), "{answer} for {sent:?}");
    ensure!(
        answer["content"] == json!(sent.content),
        "{answer} for {sent:?}"
    );
    answer["seq"].as_i64().context("no seq")
}

/// Feature: streaming-realtime-fixes, Property 11: reconnection that fails is told, tried again and stable.
#[tokio::test]
async fn sends_over_a_broken_network_are_there_once_and_asking_again_tells() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let services = Services::start_on(database)?;
    let edge: SocketAddr = services.edge_url.trim_start_matches("http://").parse()?;
    let proxy = FaultProxy::start(edge, property_seed::seed()).await?;
    let sender = Sender {
        url: format!("http://{}", proxy.address()),
        token: services.token_of(demo::SELLER),
        path: format!("/v1/streams/{stream}/messages"),
    };

    proxy.set_odds(BROKEN);
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..SENDERS {
        senders.spawn(sender.clone().run(number));
    }
    let mut all = Vec::new();
    while let Some(sent) = senders.join_next().await {
        all.extend(sent??);
    }
    proxy.set_odds(Odds::default());
    let struck = proxy.struck();
    ensure!(
        [struck.delayed, struck.truncated, struck.cut, struck.reset]
            .iter()
            .all(|times| *times > 0),
        "too few faults: {struck:?}"
    );
    let acknowledged = all.iter().filter(|sent| sent.seq.is_some()).count();
    ensure!(acknowledged > 0 && services.are_alive());

    let before = stored(&sender).await?;
    for sent in &all {
        let places = before.get(&sent.id).map(Vec::as_slice).unwrap_or_default();
        ensure!(places.len() <= 1, "{sent:?} is at {places:?}");
        if let Some(seq) = sent.seq {
            ensure!(places == [seq], "acknowledged {sent:?} is at {places:?}");
        }
        // The same id again returns the message that is there, or stores it now.
        let again = seq(&sender.send(sent).await?.ok()?, sent)?;
        ensure!(
            places.is_empty() || places == [again],
            "{sent:?} at {again}"
        );
    }
    let after = stored(&sender).await?;
    ensure!(after.len() == all.len(), "{} of {}", after.len(), all.len());
    ensure!(after.values().all(|places| places.len() == 1), "{after:?}");
    Ok(())
}

/// The places of each chat message in the log.
async fn stored(sender: &Sender) -> Result<BTreeMap<Uuid, Vec<i64>>> {
    let mut places = BTreeMap::<Uuid, Vec<i64>>::new();
    let mut after_seq = 0;
    loop {
        let page = format!("{}?page_size=200&after_seq={after_seq}", sender.path);
        let page = Request::get(page).bearer(&sender.token).send(&sender.url);
        let page = page.await?.ok()?;
        let messages = page["messages"].as_array().or(page.as_array());
        let messages = messages.context("no messages")?;
        let Some(last) = messages.last() else {
            return Ok(places);
        };
        after_seq = last["seq"].as_i64().context("no seq")?;
        for message in messages {
            if message["content"]
                .as_str()
                .is_some_and(|text| text.starts_with("message "))
            {
                let id = message["id"].as_str().context("no id")?.parse()?;
                let seq = message["seq"].as_i64().context("no seq")?;
                places.entry(id).or_default().push(seq);
            }
        }
    }
}
