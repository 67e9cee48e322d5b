//! A server whose clock is wrong: the doctor says so before the first user asks, nobody gets a token, and once
//! the clock is right again nothing is left of it.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, buyer_token, refreshed_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::refusal::refuses_before_writing;
use stream_tests::server_clock::ServerClock;
use xtask::cluster::Options;

const MINUTE: i64 = 60;
/// 2024-01-01 and 2100-01-01, between which a time can be the present.
const FIRST: i64 = 1_704_067_200;
const END: i64 = 4_102_444_800;

/// A server that lives by a clock of its own. Dropped in this order, the server before its clock.
struct ServerWithWrongClock {
    database: TestDatabase,
    _server: OwnCluster,
    clock: ServerClock,
}

impl ServerWithWrongClock {
    async fn start(name: &str) -> Result<Self> {
        let clock = ServerClock::new()?;
        let server = OwnCluster::start(Options {
            environment: clock.environment()?,
            ..Options::temporary(name)?
        })?;
        Ok(Self {
            database: TestDatabase::create_in(server.make_template("")?).await?,
            _server: server,
            clock,
        })
    }

    /// The year that the server's clock shows.
    async fn year(&self) -> Result<i32> {
        self.database
            .value("select extract(year from clock_timestamp())::integer")
            .await
    }
}

#[tokio::test]
async fn the_doctor_sees_a_wrong_clock_before_the_first_user_asks_for_a_token() -> Result<()> {
    let world = ServerWithWrongClock::start("clock-doctor").await?;
    assert_eq!(world.database.check("clock").await?.0, "ok");
    for (wrong, year) in [(FIRST - MINUTE, 2023), (0, 1970), (END + MINUTE, 2100)] {
        world.clock.set(wrong)?;
        assert_eq!(world.year().await?, year);
        let (status, detail) = world.database.check("clock").await?;
        assert_eq!(status, "failure", "{year}: {detail}");
        assert!(detail.starts_with("clock_wrong: "), "{detail}");
    }
    for possible in [FIRST + MINUTE, END - MINUTE] {
        world.clock.set(possible)?;
        assert_eq!(world.database.check("clock").await?.0, "ok", "{possible}");
    }
    Ok(())
}

#[tokio::test]
async fn with_a_wrong_clock_nobody_gets_a_token_and_nothing_is_stored() -> Result<()> {
    let world = ServerWithWrongClock::start("clock-tokens").await?;
    let database = &world.database;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.user(demo::BEN).await?;
    let service = database.service().await?;
    let minted = seller_token(&seller, id).await?;
    database.verified(&minted, PUBLISHER)?;

    let join = json!({"session_id": id});
    let inspect = json!({"token": minted["token"]});
    for wrong in [FIRST - MINUTE, END + MINUTE] {
        world.clock.set(wrong)?;
        let code = ErrorCode::ClockWrong;
        database.refuses(code, seller_token(&seller, id)).await?;
        database.refuses(code, buyer_token(&ada, id)).await?;
        database.refuses(code, refreshed_token(&ada, id)).await?;
        // Not half of it either: the lease goes with the token.
        let joined = ben.rpc("join_stream", join.clone());
        database.refuses(code, joined).await?;
        let joined = format!("stream.join_stream('{id}')");
        refuses_before_writing(&ben, code, &joined).await?;
        let asked = format!("stream.generate_buyer_token(null, '{id}')");
        refuses_before_writing(&ada, code, &asked).await?;
        // Whether it has expired cannot be said.
        let inspected = service.rpc("inspect_token", inspect.clone());
        database.refuses(code, inspected).await?;
    }

    world.clock.correct()?;
    assert_eq!(world.database.check("clock").await?.0, "ok");
    database.verified(&seller_token(&seller, id).await?, PUBLISHER)?;
    database.verified(&buyer_token(&ada, id).await?, SUBSCRIBER)?;
    database.verified(&refreshed_token(&ada, id).await?, SUBSCRIBER)?;
    let joined = ben.rpc("join_stream", join).await?;
    database.verified(&joined["token"], SUBSCRIBER)?;
    let inspected = service.rpc("inspect_token", inspect).await?;
    assert_eq!(inspected["is_expired"], false);
    Ok(())
}

#[tokio::test]
async fn with_a_wrong_clock_heartbeats_go_on_and_bring_no_token() -> Result<()> {
    let world = ServerWithWrongClock::start("clock-heartbeats").await?;
    let database = &world.database;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    seller_token(&seller, id).await?;
    buyer_token(&ada, id).await?;
    let tokens = "select jsonb_agg(to_jsonb(t) order by t.id) from stream.agora_tokens as t";
    let before: Value = database.value(tokens).await?;
    // Every token is past its life, so each heartbeat asks for another.
    world.clock.set(END + MINUTE)?;
    for caller in [&seller, &ada] {
        let answer = send_heartbeat(caller, id).await?;
        assert_eq!(answer["state"], "active");
        assert_eq!(answer["token"], Value::Null);
    }
    assert_eq!(database.value::<Value>(tokens).await?, before);

    // Possible, if wrong: the same heartbeats bring one.
    world.clock.set(END - MINUTE)?;
    for (caller, privileges) in [(&seller, PUBLISHER), (&ada, SUBSCRIBER)] {
        database.verified(&send_heartbeat(caller, id).await?["token"], privileges)?;
    }
    Ok(())
}
