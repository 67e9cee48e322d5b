//! Requests of buyers' tokens that arrive at a fixed rate, whether or not the earlier ones were answered.
//!
//! A request's time counts from the moment at which it was due and not from its sending, so that one which had to wait
//! for a free connection is not made to look fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use stream_tests::bench::{self, Report, Row, median, percentile};
use tokio::task::JoinSet;

use crate::closed_loop::WriteRequest;
use crate::connection::Connection;
use crate::requests;
use crate::service::Service;
use crate::world::World;

const PER_SECOND: u32 = 500;
const ROUNDS: usize = 5;
/// Ten seconds of a round.
const REQUESTS: usize = 5_000;

/// So many that none is waited for unless the service falls behind by a fifth of a second.
const CONNECTIONS: usize = 100;

const TARGET_MS: f64 = 20.0;

/// Feature: streaming-realtime-fixes, Property 12: For any streaming request or concurrent user load up to 100 streams, the
/// Stream_Service should respond within 200ms for token generation
pub async fn measure(world: &World<'_>, report: &mut Report) -> Result<()> {
    world.keep_alive().await?;
    let write = world.writing(|viewer, request| {
        requests::write_buyer_token(request, &viewer.token, viewer.session);
    });
    let (mut edge, mut node) = (Latencies::default(), Latencies::default());
    for round in 0..=ROUNDS {
        for (service, latencies) in [(&world.edge, &mut edge), (&world.node, &mut node)] {
            let times = play(service, &write).await?;
            // The first round warms caches and plans.
            if round > 0 {
                latencies.add(times);
            }
        }
    }
    let name = |what: &str| format!("token, {PER_SECOND}/s over 100 streams, {what}");
    let p99 = median(edge.p99_ms.clone());
    report.add(
        Row::in_rounds(
            "edge",
            name("p99"),
            &edge.p99_ms,
            "ms",
            "Express and pg",
            &node.p99_ms,
        )
        .with_target(format!("<= {TARGET_MS} ms"), p99 <= TARGET_MS),
    );
    for (what, of_edge, of_node) in [
        ("p50", &edge.p50_ms, &node.p50_ms),
        ("slowest", &edge.slowest_ms, &node.slowest_ms),
    ] {
        let row = Row::in_rounds("edge", name(what), of_edge, "ms", "Express and pg", of_node);
        report.add(row);
    }
    Ok(())
}

/// Of each round, in milliseconds.
#[derive(Default)]
struct Latencies {
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    slowest_ms: Vec<f64>,
}

impl Latencies {
    fn add(&mut self, times: Vec<Duration>) {
        let at = |share| percentile(times.clone(), share).as_secs_f64() * 1e3;
        self.p50_ms.push(at(0.5));
        self.p99_ms.push(at(0.99));
        self.slowest_ms.push(at(1.0));
    }
}

/// One round; the time of every request from when it was due to its answer.
async fn play(service: &Service, write: &WriteRequest) -> Result<Vec<Duration>> {
    let requests = bench::scaled(REQUESTS);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(&service.address).await?);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut clients = JoinSet::new();
    for mut connection in connections {
        let (next, write) = (Arc::clone(&next), Arc::clone(write));
        clients.spawn(async move {
            let (mut request, mut times) = (Vec::with_capacity(2048), Vec::new());
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= requests {
                    return Ok(times);
                }
                let due = begin + Duration::from_secs(u64::try_from(place)?) / PER_SECOND;
                tokio::time::sleep_until(due.into()).await;
                request.clear();
                write(place, &mut request);
                let answer = connection.exchange(&request).await;
                answer.context("the service under test")?;
                times.push(due.elapsed());
            }
        });
    }
    let mut times = Vec::with_capacity(requests);
    while let Some(done) = clients.join_next().await {
        let done: Result<Vec<Duration>> = done?;
        times.extend(done?);
    }
    Ok(times)
}
