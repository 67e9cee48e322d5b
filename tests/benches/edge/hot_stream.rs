//! Chat messages to one stream that everybody writes to, with ten subscribers, each commit waiting for the disk.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;
use stream_tests::bench::{Report, Row, median};
use stream_tests::services::supabase::Supabase;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::closed_loop::{Limit, Places, WriteRequest};
use crate::compare::{ROUNDS, TARGET_NODE};
use crate::many_streams::SEND;
use crate::pooled::{CONNECTIONS, Form, Pool, ValuesOf};
use crate::population::JOIN;
use crate::requests::{self, CONTENT};
use crate::rounds::{Round, Rounds};
use crate::subscribers::Subscribers;
use crate::world::World;

const SUBSCRIBERS: usize = 10;

/// Keep-alive connections, each of a viewer of its own, and workers of the pooled loop.
const CLIENTS: usize = 64;

/// Messages of one round.
const MESSAGES: usize = 4096;

/// Messages in a call of `send_messages`.
const BATCH: usize = 64;

/// At least so many times the speed of messages that are committed one by one.
const TARGET_SINGLE: f64 = 4.0;

/// At least this share of the speed of whole batches.
const TARGET_BATCHES: f64 = 0.3;

const TARGET_PER_SECOND: f64 = 5_000.0;

pub async fn measure(world: &World<'_>, report: &mut Report) -> Result<()> {
    let hot = HotStream::prepare(world).await?;
    let mut edge = world.driver(&world.edge, CLIENTS);
    let mut node = world.driver(&world.node, CLIENTS);
    let mut rounds: [Rounds; 4] = Default::default();
    let mut batches = BatchSizes::default();
    for round in 0..=ROUNDS {
        let (limit, watched) = (Limit::of(MESSAGES), world.server_alone());
        let before = hot.last_seq().await?;
        let by_edge = hot.seen(edge.round(limit, &hot.write).await?).await?;
        if round > 0 {
            batches.add(&hot, before).await?;
        }
        let singles = hot.singles.round(watched, CLIENTS, limit, &hot.values);
        let singles = hot.seen(singles.await?).await?;
        let whole = hot.seen(hot.whole_batches(limit).await?).await?;
        let by_node = hot.seen(node.round(limit, &hot.write).await?).await?;
        // The first round warms caches and plans.
        if round > 0 {
            for (rounds, round) in rounds.iter_mut().zip([by_edge, singles, whole, by_node]) {
                rounds.add(round);
            }
        }
    }
    hot.report(&rounds, report);
    batches.report(report);
    Ok(())
}

struct HotStream<'a> {
    world: &'a World<'a>,
    session: Uuid,
    write: WriteRequest,
    values: ValuesOf,
    singles: Arc<Pool>,
    batcher: (Client, Statement),
    subscribers: Subscribers,
    _supabase: Supabase,
}

impl<'a> HotStream<'a> {
    async fn prepare(world: &'a World<'a>) -> Result<Self> {
        world.keep_alive().await?;
        let (database, session) = (world.streams.database, world.streams.sessions[0]);
        let senders = &world.viewers[..CLIENTS];
        let pairs = senders.iter().map(|sender| (session, sender.user));
        world.streams.call_for_all(JOIN, pairs.collect()).await?;
        let supabase = Supabase::start(database, &world.jwt_secret)?;
        let tokens = senders[..SUBSCRIBERS].iter();
        let tokens: Vec<_> = tokens.map(|sender| sender.token.clone()).collect();

        let batcher = database.connect("authenticator").await?;
        batcher
            .batch_execute(
                "set role service_role; set request.jwt.claims = '{\"role\":\"service_role\"}'",
            )
            .await?;
        let statement = batcher
            .prepare("select count(*) from stream.send_messages($1) as r where r.status = 'ok'")
            .await?;
        Ok(Self {
            world,
            session,
            write: world.writing_as(CLIENTS, move |sender, request| {
                requests::write_message(request, &sender.token, session);
            }),
            values: world.binding_as(CLIENTS, move |sender| {
                vec![
                    Box::new(session),
                    Box::new(sender.user),
                    Box::new(CONTENT),
                    Box::new(Uuid::new_v4()),
                ]
            }),
            singles: Pool::connect(database, Form::Plain, SEND, CONNECTIONS).await?,
            batcher: (batcher, statement),
            subscribers: Subscribers::join(&supabase.address, &supabase.api_key, &tokens, session)
                .await?,
            _supabase: supabase,
        })
    }

    async fn last_seq(&self) -> Result<i64> {
        let query = "select h.last_seq from stream.chat_heads as h where h.session_id = $1";
        let owner = &self.world.streams.database.owner;
        Ok(owner.query_one(query, &[&self.session]).await?.get(0))
    }

    /// The round, once all that it sent has reached every subscriber: the next one begins in silence.
    async fn seen(&self, round: Round) -> Result<Round> {
        self.subscribers.wait_for(self.last_seq().await?).await?;
        Ok(round)
    }

    /// One client that always has a whole batch to send.
    async fn whole_batches(&self, limit: Limit) -> Result<Round> {
        let places = Places::of(Limit {
            requests: limit.requests / BATCH,
            ..limit
        });
        let (client, statement) = &self.batcher;
        let mut sent = 0;
        let begin = self.world.server_alone().begin()?;
        while places.take().is_some() {
            let senders = self.world.viewers[..CLIENTS].iter().cycle().take(BATCH);
            let items: Vec<_> = senders
                .map(|sender| {
                    json!({
                        "session_id": self.session, "user_id": sender.user,
                        "content": CONTENT, "id": Uuid::new_v4(),
                    })
                })
                .collect();
            let row = client.query_one(statement, &[&Json(items)]).await?;
            let stored: i64 = row.get(0);
            ensure!(
                usize::try_from(stored)? == BATCH,
                "only {stored} were stored"
            );
            sent += BATCH;
        }
        begin.end(sent)
    }

    fn report(&self, rounds: &[Rounds; 4], report: &mut Report) {
        let [edge, singles, whole, node] = rounds;
        let row = |name: &str, baseline: &str, baselines: &Rounds| {
            let (rates, baselines) = (edge.rates(), baselines.rates());
            let name = format!("send_message, one hot stream, {name}");
            Row::in_rounds("edge", name, &rates, "1/s", baseline, &baselines)
        };
        let against_singles = row("64 connections", "one by one by the pooled loop", singles);
        report.add(against_singles.with_least_ratio(TARGET_SINGLE));
        let against_batches = row("next to batches", "send_messages, 64 a batch", whole);
        report.add(against_batches.with_least_ratio(TARGET_BATCHES));
        report.add(row("next to Node", "Express and pg", node).with_least_ratio(TARGET_NODE));
        let rate = median(edge.rates());
        let rate = Row::new("edge", "send_message, one hot stream, rate", rate, "1/s");
        report.add(rate.with_least(TARGET_PER_SECOND));
        for (of, rounds) in [
            ("edge", edge),
            ("pooled loop", singles),
            ("batches", whole),
            ("Node", node),
        ] {
            rounds.report_cpu(&format!("hot stream, {of}"), report);
        }
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let frames = self.subscribers.frames() as f64;
        report.add(Row::new(
            "edge",
            "hot stream, frames of a subscriber",
            frames,
            "",
        ));
    }
}

/// The sizes in which the edge wrote messages: those of one transaction have one xmin.
#[derive(Default)]
struct BatchSizes(Vec<i64>);

impl BatchSizes {
    async fn add(&mut self, hot: &HotStream<'_>, after: i64) -> Result<()> {
        let to = hot.last_seq().await?;
        let owner = &hot.world.streams.database.owner;
        let rows = owner
            .query(
                "select count(*) from stream.chat_messages as m
                 where m.session_id = $1 and m.seq > $2 and m.seq <= $3
                 group by m.xmin::text",
                &[&hot.session, &after, &to],
            )
            .await?;
        self.0.extend(rows.iter().map(|row| row.get::<_, i64>(0)));
        Ok(())
    }

    fn report(mut self, report: &mut Report) {
        self.0.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let sizes: Vec<f64> = self.0.iter().map(|&size| size as f64).collect();
        let mean = sizes.iter().sum::<f64>() / f64::from(u32::try_from(sizes.len()).unwrap_or(1));
        let largest = sizes.last().copied().unwrap_or_default();
        for (what, size) in [
            ("mean", mean),
            ("median", median(sizes.clone())),
            ("most", largest),
        ] {
            let name = format!("hot stream, messages in a write of the edge, {what}");
            report.add(Row::new("edge", name, size, ""));
        }
    }
}
