//! A message that goes out alone, next to a bare insert of a like row into `realtime.messages`.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_tests::bench::{self, Report, Row, Spread, median, percentile};
use stream_tests::chat_socket::{ChatSocket, Received};
use tokio_postgres::Client;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::population::JOIN;
use crate::world::World;

/// Pairs of a message and a bare insert in a round.
const PAIRS: usize = 200;
const ROUNDS: usize = 7;

/// Longer than the window of a frame, so that nothing waits for a tick.
const PAUSE: Duration = Duration::from_millis(60);
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// At most so much longer, in milliseconds.
const TARGET_MS: f64 = 0.5;

const CONTENT: &str = "a message of a usual length, as buyers write them";

const SEND: &str = "select (stream.send_message($1, user_id => $2, content => $3, id => $4)).seq";

const BARE: &str =
    "insert into realtime.messages (topic, extension, payload, event, private, inserted_at, updated_at)
     values ($1, 'broadcast', $2, 'messages', true, clock_timestamp() at time zone 'utc',
         clock_timestamp() at time zone 'utc')";

pub async fn measure(world: &World<'_>, report: &mut Report) -> Result<()> {
    let (session, user) = (world.streams.sessions[0], world.streams.users[0]);
    world
        .streams
        .call_for_all(JOIN, vec![(session, user)])
        .await?;
    let token = world.token(user);
    let mut socket = ChatSocket::join(
        &world.supabase.address,
        &world.supabase.api_key,
        &token,
        session,
    )
    .await?;
    let client = world.streams.database.connect("postgres").await?;
    let (send, bare) = (client.prepare(SEND).await?, client.prepare(BARE).await?);

    let (mut ours, mut bares) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (mut of_ours, mut of_bares) = (Vec::new(), Vec::new());
        for _ in 0..bench::scaled(PAIRS).max(3) {
            tokio::time::sleep(PAUSE).await;
            let begin = Instant::now();
            client
                .query_one(&send, &[&session, &user, &CONTENT, &Uuid::new_v4()])
                .await?;
            of_ours.push(seen(&mut socket).await? - begin);

            let payload = like_frame(&client, session).await?;
            tokio::time::sleep(PAUSE).await;
            let topic = format!("chat:{session}");
            let begin = Instant::now();
            client.execute(&bare, &[&topic, &Json(payload)]).await?;
            of_bares.push(seen(&mut socket).await? - begin);
        }
        // The first round warms caches and plans.
        if round > 0 {
            ours.push(middle_ms(of_ours));
            bares.push(middle_ms(of_bares));
        }
    }
    let longer: Vec<f64> = ours.iter().zip(&bares).map(|(a, b)| a - b).collect();
    report.add(Row::new(
        "realtime",
        "call to callback, bare insert, p50",
        median(bares),
        "ms",
    ));
    report.add(Row::new(
        "realtime",
        "call to callback, send_message, p50",
        median(ours),
        "ms",
    ));
    let mut row = Row::new(
        "realtime",
        "send_message minus bare insert, p50",
        median(longer.clone()),
        "ms",
    );
    row.spread = Some(Spread::of(&longer));
    report.add(row.with_most(TARGET_MS));
    Ok(())
}

/// The payload of the newest frame: a bare insert of the same size.
async fn like_frame(client: &Client, session: Uuid) -> Result<Value> {
    let row = client
        .query_one(
            "select m.payload from realtime.messages as m
             where m.topic = $1 order by m.inserted_at desc limit 1",
            &[&format!("chat:{session}")],
        )
        .await?;
    let Json(payload): Json<Value> = row.get(0);
    anyhow::ensure!(
        payload["to_seq"] != json!(null),
        "the newest row is no frame"
    );
    Ok(payload)
}

async fn seen(socket: &mut ChatSocket) -> Result<Instant> {
    let received = tokio::time::timeout(SEEN_WITHIN, socket.next()).await;
    match received.context("a message was not seen in time")?? {
        Received::Frame(_) => Ok(Instant::now()),
        Received::ChannelClosed => anyhow::bail!("the channel was closed"),
    }
}

fn middle_ms(times: Vec<Duration>) -> f64 {
    percentile(times, 0.5).as_secs_f64() * 1e3
}
