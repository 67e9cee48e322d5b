//! A network between edge and database that delays, truncates, cuts and resets, beside a model of acknowledged work.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use edge_api::caller::Caller;
use edge_api::upstream::{Stack, UpstreamError, assemble};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::direct_calls::{ask, call_of, plain_settings, signed_in};
use stream_tests::fault_proxy::{FaultProxy, Odds};
use stream_tests::waiting::wait_for;
use uuid::Uuid;

use super::backends;

const CONNECTIONS: usize = 6;
const WRITERS: usize = 6;
const MESSAGES: usize = 40;

/// A message and what became of it, as far as it was told.
struct Sent {
    id: Uuid,
    content: String,
    /// The number in the log, once the database has acknowledged it.
    seq: Option<i64>,
}

/// An edge behind a proxy in front of its database.
struct Behind {
    database: TestDatabase,
    proxy: FaultProxy,
    stack: Stack,
    stream: Uuid,
    /// Signed in: messages of the service itself never share a batch.
    seller: Caller,
}

impl Behind {
    async fn start() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let stream = database.stream_in(StreamState::Active).await?;
        let address = &database.environment.cluster;
        let target = SocketAddr::from(([127, 0, 0, 1], address.port));
        let proxy = FaultProxy::start(target, property_seed::seed()).await?;
        let url = address.url("authenticator", database.name())?;
        let url = url.replace(
            &format!(":{}/", address.port),
            &format!(":{}/", proxy.address().port()),
        );
        let stack = assemble(plain_settings(&url, CONNECTIONS)?)?;
        Ok(Self {
            database,
            proxy,
            stack,
            stream,
            seller: signed_in(demo::SELLER).await?,
        })
    }

    async fn send(&self, message: &Sent) -> Result<Result<i64, UpstreamError>> {
        let arguments = json!({
            "session_id": self.stream,
            "content": message.content,
            "id": message.id,
        });
        let call = call_of(self.seller.clone(), "send_message", &arguments)?;
        match self.stack.upstream.call(call).await {
            Ok(answer) => {
                let answer: Value = serde_json::from_str(answer.get())?;
                Ok(Ok(answer["seq"].as_i64().context("no seq")?))
            }
            Err(error) => {
                // An open breaker would only keep the faults away.
                for breaker in &self.stack.breakers {
                    breaker.reset();
                }
                Ok(Err(error))
            }
        }
    }

    async fn write(&self, writer: usize) -> Result<Vec<Sent>> {
        let mut sent = Vec::new();
        for number in 0..MESSAGES {
            let mut message = Sent {
                id: Uuid::new_v4(),
                content: format!("{writer}-{number}"),
                seq: None,
            };
            message.seq = self.send(&message).await?.ok();
            sent.push(message);
        }
        Ok(sent)
    }

    /// How many calls with several messages the database has answered.
    async fn batches(&self) -> Result<i64> {
        let superuser = self.database.superuser().await?;
        superuser
            .batch_execute("create extension if not exists pg_stat_statements schema public")
            .await?;
        let calls = "select coalesce(sum(s.calls), 0)::bigint
            from public.pg_stat_statements as s
            join pg_catalog.pg_database as d on d.oid = s.dbid
            where d.datname = current_database() and s.query like '%stream_ext.send_messages%'";
        Ok(superuser.query_one(calls, &[]).await?.get(0))
    }

    async fn stored(&self) -> Result<BTreeMap<Uuid, (i64, String)>> {
        let log = self.database.log(self.stream).await?;
        let messages = log
            .iter()
            .filter(|entry| entry["message_type"] == "user_message");
        let mut stored = BTreeMap::new();
        for entry in messages {
            let id = entry["id"].as_str().context("no id")?.parse()?;
            let seq = entry["seq"].as_i64().context("no seq")?;
            let content = entry["content"].as_str().context("no content")?.to_owned();
            let is_doubled = stored.insert(id, (seq, content)).is_some();
            ensure!(!is_doubled, "{id} is stored twice");
        }
        Ok(stored)
    }
}

/// Slow, so that messages wait for one another, and so seldom broken that most batches come through.
const SLOW: Odds = Odds {
    delay: 500,
    longest_delay: Duration::from_millis(20),
    truncate: 4,
    cut: 4,
    reset: 4,
};

#[tokio::test]
async fn nothing_acknowledged_is_lost_and_nothing_is_doubled() -> Result<()> {
    write_beside_faults(&Behind::start().await?, Odds::ROUGH).await
}

#[tokio::test]
async fn of_a_batch_each_sender_is_told_what_became_of_the_own_message() -> Result<()> {
    let behind = Behind::start().await?;
    write_beside_faults(&behind, SLOW).await?;
    let batches = behind.batches().await?;
    ensure!(batches > 10, "{batches} batches were flown");
    Ok(())
}

async fn write_beside_faults(behind: &Behind, odds: Odds) -> Result<()> {
    behind.proxy.set_odds(odds);
    let writers = (0..WRITERS).map(|writer| behind.write(writer));
    let sent = futures_util::future::try_join_all(writers).await?;
    let sent: Vec<_> = sent.into_iter().flatten().collect();
    behind.proxy.set_odds(Odds::default());
    let struck = behind.proxy.struck();
    ensure!(
        struck.cut + struck.reset + struck.truncated > 0,
        "no fault struck: {struck:?}"
    );

    behind.stack.finish().await;
    let (mut acknowledged, mut told_later) = (0, 0);
    for message in &sent {
        let before = behind.stored().await?.get(&message.id).cloned();
        if let Some(seq) = message.seq {
            acknowledged += 1;
            let expected = Some((seq, message.content.clone()));
            ensure!(
                before == expected,
                "acknowledged {expected:?}, stored {before:?}"
            );
        }
        // The id asked again tells which it was.
        let again = wait_for("the network is well", async || {
            Ok(behind.send(message).await?.ok())
        })
        .await?;
        if let Some((seq, _)) = before {
            ensure!(again == seq, "{again} is another message than {seq}");
        } else {
            told_later += 1;
        }
    }
    eprintln!("{acknowledged} acknowledged, {told_later} never stored, {struck:?}");
    ensure!(acknowledged > 0, "nothing came through");
    let stored = behind.stored().await?;
    assert_eq!(stored.len(), sent.len());
    Ok(())
}

#[tokio::test]
async fn after_a_network_that_was_held_or_reset_no_connection_is_left_behind() -> Result<()> {
    let behind = Behind::start().await?;
    let mut message = Sent {
        id: Uuid::new_v4(),
        content: "before".to_owned(),
        seq: None,
    };
    message.seq = Some(behind.send(&message).await?.map_err(anyhow::Error::from)?);
    for round in 0..3 {
        behind.proxy.hold();
        let waiting: Vec<_> = (0..12)
            .map(|_| {
                let upstream = behind.stack.upstream.as_ref();
                // Of no share of anybody's: there is no such stream.
                let arguments = json!({"session_id": Uuid::new_v4()});
                Ok(tokio::spawn(ask(
                    upstream,
                    Uuid::new_v4(),
                    "sync",
                    &arguments,
                )?))
            })
            .collect::<Result<_>>()?;
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Clients that leave a service whose database does not answer.
        for call in waiting.iter().take(6) {
            call.abort();
        }
        if round % 2 == 0 {
            behind.proxy.reset_all();
        }
        behind.proxy.release();
        for call in waiting {
            // Aborted, refused or answered: it is over.
            let _ = call.await;
        }
        for breaker in &behind.stack.breakers {
            breaker.reset();
        }
    }
    behind.stack.finish().await;
    wait_for(
        "all connections are idle, and no more than the pool",
        async || {
            let (at_work, all) = backends(&behind.database).await?;
            let is_so = at_work == 0 && usize::try_from(all)? <= CONNECTIONS;
            Ok(is_so.then_some(()))
        },
    )
    .await?;
    wait_for("it works", async || Ok(behind.send(&message).await?.ok())).await?;
    assert_eq!(behind.stored().await?.len(), 1);
    Ok(())
}
