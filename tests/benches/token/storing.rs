//! The cost of `generate_buyer_token`, with its checks and its stored hash, next to one plain insert.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use stream_tests::bench::{Report, Row};
use stream_tests::database::TestDatabase;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::like_row::{BASELINE, INSERT};

const ROUNDS: usize = 7;
const CLIENTS: usize = 8;
const SESSIONS: usize = 100;
/// So many that the first calls after the tables were emptied, which find everything out anew, do not count.
const CALLS_PER_CLIENT: usize = 3000;

const TARGET: f64 = 0.7;

const TOKEN: &str = "select (stream.generate_buyer_token($1, $2)).token";

/// What every token needs at least: note it in the viewer's row for the rate and the heartbeat, read the
/// certificate, store a row. Without a check, without the minting, without the privilege boundary.
const FLOOR: &str =
    "create function bench.note_and_insert(user_id uuid, channel_id text) returns text
    language plpgsql security definer as $$
    declare
        certificate text;
    begin
        update stream.stream_viewers as v
        set token_issued_at = now(), token_expires_at = now() + interval '1 hour', token_tat = now()
        where v.session_id = $2::uuid and v.user_id = $1 and v.is_active;
        select d.decrypted_secret into certificate from vault.decrypted_secrets as d
        where d.name = 'agora_app_certificate';
        return bench.insert_row($1, $2);
    end
    $$";

const NOTE_AND_INSERT: &str = "select bench.note_and_insert($1, $2)";

pub async fn measure(database: &TestDatabase, report: &mut Report) -> Result<()> {
    let (channels, users) = prepare(database).await?;
    let mut clients = Vec::new();
    for user in users {
        clients.push(Arc::new(Viewer::connect(database, user).await?));
    }
    let (mut tokens, mut inserts, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let token = calls_per_second(&clients, &channels, |viewer| &viewer.token).await?;
        let insert = calls_per_second(&clients, &channels, |viewer| &viewer.insert).await?;
        let floor = calls_per_second(&clients, &channels, |viewer| &viewer.floor).await?;
        // The first round warms caches and plans.
        if round > 0 {
            tokens.push(token);
            inserts.push(insert);
            floors.push(floor);
        }
        database
            .change("truncate stream.agora_tokens, bench.token_rows")
            .await?;
    }
    let against_insert = |name: String, values: &[f64]| {
        let baseline = "insert of a like row in plpgsql";
        Row::in_rounds("token", name, values, "1/s", baseline, &inserts)
    };
    report.add(against_insert(
        "viewer's row, certificate, insert".into(),
        &floors,
    ));
    report.add(Row::in_rounds(
        "token",
        "generate_buyer_token",
        &tokens,
        "1/s",
        "viewer's row, certificate, insert",
        &floors,
    ));
    let row = against_insert(format!("generate_buyer_token, {CLIENTS} users"), &tokens);
    let holds = row.ratio.is_some_and(|ratio| ratio >= TARGET);
    report.add(row.with_target(format!("ratio >= {TARGET}"), holds));
    Ok(())
}

/// One user's connection, as PostgREST would set it up, with both statements prepared.
struct Viewer {
    user: Uuid,
    client: Client,
    token: Statement,
    insert: Statement,
    floor: Statement,
}

impl Viewer {
    async fn connect(database: &TestDatabase, user: Uuid) -> Result<Self> {
        let client = database.connect("authenticator").await?;
        let claims = json!({"sub": user, "role": "authenticated"}).to_string();
        client.batch_execute("set role authenticated").await?;
        client
            .execute(
                "select set_config('request.jwt.claims', $1, false)",
                &[&claims],
            )
            .await?;
        let token = client.prepare(TOKEN).await?;
        let insert = client.prepare(INSERT).await?;
        let floor = client.prepare(NOTE_AND_INSERT).await?;
        Ok(Self {
            user,
            client,
            token,
            insert,
            floor,
        })
    }
}

/// Channels of live streams, and users who have joined all of them.
async fn prepare(database: &TestDatabase) -> Result<(Arc<Vec<String>>, Vec<Uuid>)> {
    let mut users = Vec::new();
    for number in 0..CLIENTS {
        users.push(database.add_user(&format!("bench{number}")).await?);
    }
    let mut channels = Vec::new();
    for _ in 0..SESSIONS {
        let session = database.start_stream().await?;
        for user in &users {
            database
                .owner
                .execute("select stream.add_viewer($1, $2)", &[&session, user])
                .await?;
        }
        channels.push(session.to_string());
    }
    database.change(BASELINE).await?;
    database.change(FLOOR).await?;
    // High enough to be checked and never reached.
    database
        .change("update stream.config set token_rate_per_minute = 1000000 where id; analyze")
        .await?;
    Ok((Arc::new(channels), users))
}

/// Every client works through the channels, each beginning at another one.
async fn calls_per_second(
    clients: &[Arc<Viewer>],
    channels: &Arc<Vec<String>>,
    statement: fn(&Viewer) -> &Statement,
) -> Result<f64> {
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (place, viewer) in clients.iter().enumerate() {
        let (viewer, channels) = (Arc::clone(viewer), Arc::clone(channels));
        tasks.spawn(async move {
            for call in 0..CALLS_PER_CLIENT {
                let channel = &channels[(place * SESSIONS / CLIENTS + call) % SESSIONS];
                viewer
                    .client
                    .query_one(statement(&viewer), &[&viewer.user, channel])
                    .await?;
            }
            Ok::<_, tokio_postgres::Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let calls = (clients.len() * CALLS_PER_CLIENT) as f64;
    Ok(calls / begin.elapsed().as_secs_f64())
}
