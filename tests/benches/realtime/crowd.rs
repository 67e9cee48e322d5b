//! A hundred streams with a hundred sockets each and a message a second in each of them: delay, rate and completeness.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use stream_tests::bench::{self, Report, Row, percentile};
use tokio::task::JoinSet;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::audience::{Audience, Receipt};
use crate::population::JOIN;
use crate::world::World;

const STREAMS: usize = 100;
const SOCKETS: usize = 100;
const SENDERS: usize = 8;

/// Before it is measured.
const SETTLING: Duration = Duration::from_secs(10);
const ROUND: Duration = Duration::from_secs(15);
const ROUND_LIMITED: Duration = Duration::from_secs(60);
const ROUNDS: usize = 3;
const SEEN_WITHIN: Duration = Duration::from_secs(120);

const LIMIT_PER_S: u32 = 2_500;

/// Realtime judges the average of so long.
const JUDGED: Duration = Duration::from_secs(60);

const TARGET_P99_MS: f64 = 100.0;

/// The limit that the governor keeps to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    None,
    Limited,
}

pub struct Crowd<'a> {
    world: &'a World<'a>,
    audience: Audience,
    sessions: usize,
}

impl<'a> Crowd<'a> {
    pub async fn gather(world: &'a World<'a>) -> Result<Self> {
        let sessions = bench::scaled(STREAMS).max(4);
        let sockets = bench::scaled(SOCKETS).max(4);
        let pairs = world.pairs(sessions, sockets);
        world.streams.call_for_all(JOIN, pairs.clone()).await?;
        Ok(Self {
            world,
            audience: Audience::join(world, &pairs).await?,
            sessions,
        })
    }

    pub async fn measure(&mut self, report: &mut Report, quota: Quota) -> Result<()> {
        let (limit, round) = match quota {
            Quota::None => (0, ROUND),
            Quota::Limited => (LIMIT_PER_S, ROUND_LIMITED),
        };
        self.world.limit(limit).await?;
        if quota == Quota::Limited {
            // What was sent without a limit counts until then.
            tokio::time::sleep(Duration::from_secs(seconds(JUDGED + SETTLING).into())).await;
        }
        let before = self.world.supabase.limit(limit).await?;
        self.send(seconds(SETTLING)).await?;
        let mut all = Vec::new();
        let (mut middles, mut latest) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            self.audience.forget();
            let sent = self.send(seconds(round)).await?;
            let mut first = HashMap::new();
            for &(session, seq) in sent.keys() {
                let oldest = first.entry(session).or_insert(seq);
                *oldest = seq.min(*oldest);
            }
            let receipts = self.audience.receipts(&first)?;
            let delays = delays(&receipts, &sent);
            middles.push(percentile(delays.clone(), 0.5).as_secs_f64() * 1e3);
            latest.push(percentile(delays, 0.99).as_secs_f64() * 1e3);
            all.extend(receipts);
        }
        let after = self.world.supabase.limit(limit).await?;
        ensure!(
            before["rows_over_limit"] == after["rows_over_limit"],
            "rows were dropped: {before} before, {after} after"
        );
        self.report(&middles, &latest, highest_rate(&all), quota, report);
        self.world.limit(0).await
    }

    /// Sends the messages of so many seconds, each when it is due, and waits until every socket has seen the last ones.
    /// Returns when each of them was committed.
    async fn send(&mut self, seconds: u32) -> Result<HashMap<(Uuid, i64), Instant>> {
        let mut senders = JoinSet::new();
        let begin = Instant::now();
        for place in 0..SENDERS {
            let client = self.world.streams.database.connect("postgres").await?;
            let user = self.world.streams.users[place % (self.audience.len() / self.sessions)];
            let sessions = self.world.sessions();
            let number = self.sessions;
            senders.spawn(send_share(
                client, sessions, number, user, place, begin, seconds,
            ));
        }
        let mut sent = HashMap::new();
        while let Some(share) = senders.join_next().await {
            sent.extend(share??);
        }
        let mut last: HashMap<Uuid, i64> = HashMap::new();
        for &(session, seq) in sent.keys() {
            let newest = last.entry(session).or_default();
            *newest = seq.max(*newest);
        }
        for (session, seq) in last {
            self.audience.wait_for(session, seq, SEEN_WITHIN).await?;
        }
        Ok(sent)
    }

    fn report(
        &self,
        middles: &[f64],
        latest: &[f64],
        rate: f64,
        quota: Quota,
        report: &mut Report,
    ) {
        let of = format!(
            "{} streams x {} sockets, 1/s each",
            self.sessions,
            self.audience.len() / self.sessions
        );
        let under = match quota {
            Quota::None => "no limit".to_owned(),
            Quota::Limited => format!("plan {LIMIT_PER_S}/s"),
        };
        let row = |what: &str, rounds| {
            Row::median_of("realtime", format!("{of}, {under}, {what}"), rounds, "ms")
        };
        report.add(row("commit to callback, p50", middles));
        let p99 = row("commit to callback, p99", latest);
        report.add(match quota {
            Quota::None => p99.with_most(TARGET_P99_MS),
            Quota::Limited => p99,
        });
        let name = format!("{of}, {under}, messages counted a second, highest of any 60 s");
        let row = Row::new("realtime", name, rate, "1/s");
        report.add(match quota {
            Quota::None => row,
            Quota::Limited => row.with_most(f64::from(LIMIT_PER_S)),
        });
    }
}

/// The time from the commit of each message until each socket was sent it.
fn delays(
    receipts: &[(Uuid, Vec<Receipt>)],
    sent: &HashMap<(Uuid, i64), Instant>,
) -> Vec<Duration> {
    let mut delays = Vec::new();
    for (session, received) in receipts {
        for receipt in received {
            for seq in receipt.frame.from_seq..=receipt.frame.to_seq {
                if let Some(&committed) = sent.get(&(*session, seq)) {
                    delays.push(receipt.at.saturating_duration_since(committed));
                }
            }
        }
    }
    delays
}

/// The calls of one sender: every `SENDERS`th message, in turn to all sessions.
async fn send_share(
    client: Client,
    sessions: std::sync::Arc<Vec<Uuid>>,
    number: usize,
    user: Uuid,
    place: usize,
    begin: Instant,
    seconds: u32,
) -> Result<Vec<((Uuid, i64), Instant)>> {
    let statement = client
        .prepare(
            "select (stream.send_message($1, user_id => $2, content => 'hello', id => $3)).seq",
        )
        .await?;
    let mut sent = Vec::new();
    for message in (place..number * seconds as usize).step_by(SENDERS) {
        let due = Duration::from_secs(message as u64) / u32::try_from(number)?;
        tokio::time::sleep_until((begin + due).into()).await;
        let session = sessions[message % number];
        let row = client
            .query_one(&statement, &[&session, &user, &Uuid::new_v4()])
            .await
            .context("a message was refused")?;
        sent.push(((session, row.get(0)), Instant::now()));
    }
    Ok(sent)
}

/// What Realtime counts, one for each frame and one for each delivery, as the highest average of any time that it judges.
fn highest_rate(receipts: &[(Uuid, Vec<Receipt>)]) -> f64 {
    let mut frames = HashMap::new();
    let mut counted: Vec<Instant> = Vec::new();
    for (session, received) in receipts {
        for receipt in received {
            counted.push(receipt.at);
            frames
                .entry((*session, receipt.frame.to_seq))
                .or_insert(receipt.at);
        }
    }
    counted.extend(frames.into_values());
    counted.sort();
    let (mut from, mut most) = (0, 0);
    for (to, at) in counted.iter().enumerate() {
        while *at - counted[from] > JUDGED {
            from += 1;
        }
        most = most.max(to + 1 - from);
    }
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousands")]
    let rate = most as f64 / JUDGED.as_secs_f64();
    rate
}

fn seconds(whole: Duration) -> u32 {
    let seconds = bench::scaled(usize::try_from(whole.as_secs()).unwrap_or(usize::MAX));
    u32::try_from(seconds.max(2)).unwrap_or(u32::MAX)
}
