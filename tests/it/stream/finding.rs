//! Finding streams: by their auction and in lists, for whoever may watch them.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::restrict;
use stream_tests::session::Session;
use stream_tests::stream::move_to;
use uuid::Uuid;

async fn auction_of(database: &TestDatabase, session: Uuid) -> Result<Uuid> {
    database
        .value(&format!(
            "select s.auction_id from stream.stream_sessions as s where s.id = '{session}'"
        ))
        .await
}

/// All pages, and how many there were.
async fn list(caller: &Session, page_size: i64) -> Result<(Vec<Value>, usize)> {
    let mut streams = Vec::new();
    let mut after = Value::Null;
    for pages in 1.. {
        let arguments = json!({"page_size": page_size, "after": after});
        let page = caller.rpc("list_live_streams", arguments).await?;
        streams.extend(page["streams"].as_array().context("no streams")?.clone());
        after = page["next_after"].clone();
        if after.is_null() {
            return Ok((streams, pages));
        }
    }
    unreachable!("pages have no end")
}

fn ids(streams: &[Value]) -> Vec<&str> {
    streams
        .iter()
        .filter_map(|stream| stream["session_id"].as_str())
        .collect()
}

#[tokio::test]
async fn the_stream_of_an_auction_is_found_with_title_counts_and_state() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    let auction = auction_of(&database, id).await?;
    let row = database.session_row(id).await?;
    for who in [demo::ADA, demo::SELLER] {
        let found = database
            .user(who)
            .await?
            .rpc("get_live_stream", json!({"auction_id": auction}))
            .await?;
        assert_eq!(
            found,
            json!({
                "session_id": id, "auction_id": auction, "seller_id": demo::SELLER,
                "title": "Auction", "state": "active", "viewer_count": 1, "peak_viewer_count": 1,
                "created_at": row["created_at"], "started_at": row["started_at"],
            })
        );
    }
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    let gone = seller.rpc("get_live_stream", json!({"auction_id": auction}));
    database.refuses(ErrorCode::SessionNotFound, gone).await
}

#[tokio::test]
async fn a_stream_that_one_may_not_watch_is_refused_like_one_that_is_not_there() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let auction = auction_of(&database, id).await?;
    let (_, moderator) = database.moderator("mia").await?;
    restrict(&moderator, "ban_user", id, demo::BEN).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    let banned = database.user(demo::BEN).await?;
    let mut texts = Vec::new();
    for (caller, auction) in [
        (&stranger, auction),
        (&banned, auction),
        (&stranger, Uuid::new_v4()),
    ] {
        let arguments = json!({"auction_id": auction});
        let refused = caller.rpc("get_live_stream", arguments.clone()).await;
        let error = refused.expect_err("is refused");
        let error = error.as_db_error().context("no refusal")?;
        texts.push(format!(
            "{} {:?} {:?}",
            error.message(),
            error.detail(),
            error.hint()
        ));
        let refused = caller.rpc("get_live_stream", arguments);
        database
            .refuses(ErrorCode::SessionNotFound, refused)
            .await?;
        assert_eq!(list(caller, 50).await?.0, Vec::<Value>::new());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let service = database.service().await?;
    let found = service
        .rpc("get_live_stream", json!({"auction_id": auction}))
        .await?;
    assert_eq!(found["session_id"], json!(id));
    assert_eq!(ids(&list(&service, 50).await?.0), [id.to_string()]);
    Ok(())
}

#[tokio::test]
async fn a_list_pages_through_everything_that_is_on_the_newest_first() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut expected = Vec::new();
    for state in [
        StreamState::Active,
        StreamState::Initializing,
        StreamState::Active,
        StreamState::Ended,
        StreamState::Paused,
        StreamState::Active,
        StreamState::Active,
    ] {
        let id = database.stream_in(state).await?;
        if !matches!(state, StreamState::Ended | StreamState::Initializing) {
            expected.push(id.to_string());
        }
    }
    expected.sort();
    expected.reverse();
    let ada = database.user(demo::ADA).await?;
    for page_size in [1, 2, 5, 200] {
        let (streams, pages) = list(&ada, page_size).await?;
        assert_eq!(ids(&streams), expected, "pages of {page_size}");
        assert_eq!(pages, 5usize.div_ceil(page_size as usize));
    }
    // A stream that ends is a place to go on from all the same.
    let page = ada
        .rpc("list_live_streams", json!({"page_size": 2}))
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let last: Uuid = page["next_after"].as_str().context("no next")?.parse()?;
    move_to(&seller, last, StreamState::Ended).await?;
    let arguments = json!({"page_size": 50, "after": last});
    let rest = ada.rpc("list_live_streams", arguments).await?;
    assert_eq!(
        ids(rest["streams"].as_array().context("none")?),
        expected[2..]
    );
    for page_size in [json!(0), json!(201), json!(null)] {
        let refused = ada.rpc("list_live_streams", json!({"page_size": page_size}));
        database
            .refuses(ErrorCode::InvalidArgument, refused)
            .await?;
    }
    Ok(())
}

/// Streams of a bulk, started at these milliseconds. The ids of equal times differ behind them.
async fn fill(database: &TestDatabase, count: i32, at_ms: &str) -> Result<()> {
    database
        .superuser()
        .await?
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, started_at)
             select i.id, i.id, i.id, i.id::text, 'active', now()
             from generate_series(1, {count}) as n cross join lateral (
                 select (lpad(to_hex(1700000000000 + {at_ms}), 12, '0') || '7'
                     || left(md5(n::text), 19))::uuid as id
             ) as i"
        ))
        .await?;
    Ok(())
}

/// Whoever counts how often it is asked: a stable function cannot write it down otherwise.
const COUNTING_HOOK: &str = "create sequence public.looks;
create or replace function stream.hook_can_view(user_id uuid, session_id uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$ begin perform nextval('public.looks'); return false; end $$;";

#[tokio::test]
async fn streams_that_one_may_not_watch_cost_a_call_no_more_than_500_looks() -> Result<()> {
    let database = TestDatabase::create().await?;
    fill(&database, 1200, "n").await?;
    database.change(COUNTING_HOOK).await?;
    let ada = database.user(demo::ADA).await?;
    let mut after = Value::Null;
    for looks in [500i64, 1000, 1200] {
        let arguments = json!({"page_size": 50, "after": after});
        let page = ada.rpc("list_live_streams", arguments).await?;
        assert_eq!(page["streams"], json!([]));
        after = page["next_after"].clone();
        assert_eq!(after.is_null(), looks == 1200);
        let so_far: i64 = database
            .value("select last_value from public.looks")
            .await?;
        assert_eq!(so_far, looks);
    }
    Ok(())
}

/// Streams of one millisecond are looked at together, so that no place between two of them is needed.
#[tokio::test]
async fn next_after_is_a_stream_of_the_page_or_none_at_all() -> Result<()> {
    let database = TestDatabase::create().await?;
    fill(&database, 1200, "5000 * (n / 300)").await?;
    // Every third may be watched by Ada, and none by a stranger.
    database
        .change(&format!(
            "create or replace function stream.hook_can_view(user_id uuid, session_id uuid) returns boolean
             language plpgsql stable set search_path = pg_catalog, pg_temp
             as $$ begin return $1 = '{}' and get_byte(uuid_send($2), 15) % 3 = 0; end $$",
            demo::ADA
        ))
        .await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    let ada = database.user(demo::ADA).await?;
    let service = database.service().await?;
    let all = list(&service, 200).await?.0;
    assert_eq!(all.len(), 1200);
    let (mut visible, mut foreign_places) = (Vec::new(), 0);
    for (caller, page_size) in [(&ada, 7), (&ada, 200), (&stranger, 50)] {
        visible.clear();
        let mut after = Value::Null;
        loop {
            let arguments = json!({"page_size": page_size, "after": after});
            let page = caller.rpc("list_live_streams", arguments).await?;
            let streams = page["streams"].as_array().context("no streams")?.clone();
            after = page["next_after"].clone();
            if after.is_null() {
                visible.extend(streams);
                break;
            }
            if !streams.iter().any(|stream| stream["session_id"] == after) {
                assert!(!ids(&all).contains(&after.as_str().context("no text")?));
                foreign_places += 1;
            }
            visible.extend(streams);
        }
        let expected = all.iter().filter(|stream| {
            let id = stream["session_id"].as_str().unwrap_or_default();
            let last = u8::from_str_radix(&id[id.len() - 2..], 16).unwrap_or_default();
            page_size != 50 && last % 3 == 0
        });
        let expected: Vec<Value> = expected.cloned().collect();
        assert_eq!(ids(&visible), ids(&expected), "pages of {page_size}");
    }
    assert!(foreign_places > 0);
    Ok(())
}

/// What serves the list's own statement does not change how the application's plan.
#[tokio::test]
async fn hooks_plan_as_the_session_says() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.stream_in(StreamState::Active).await?;
    database
        .change(
            "create or replace function stream.hook_title(auction_id uuid) returns text
             language plpgsql stable set search_path = pg_catalog, pg_temp
             as $$ begin return current_setting('enable_sort'); end $$",
        )
        .await?;
    let ada = database.user(demo::ADA).await?;
    assert_eq!(list(&ada, 50).await?.0[0]["title"], "on");
    Ok(())
}

#[tokio::test]
async fn a_host_application_without_titles_still_lists_streams() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "create or replace function stream.hook_title(auction_id uuid) returns text
             language plpgsql stable set search_path = pg_catalog, pg_temp
             as $$ begin return null::text; end $$",
        )
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let auction = auction_of(&database, id).await?;
    let ada = database.user(demo::ADA).await?;
    let found = ada
        .rpc("get_live_stream", json!({"auction_id": auction}))
        .await?;
    assert_eq!(found["title"], Value::Null);
    assert_eq!(list(&ada, 50).await?.0, [found]);
    Ok(())
}

#[tokio::test]
async fn the_topic_live_hears_once_of_the_first_activation_and_of_the_end() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let auction = auction_of(&database, id).await?;
    let seller = database.user(demo::SELLER).await?;
    for state in [StreamState::Paused, StreamState::Active] {
        move_to(&seller, id, state).await?;
    }
    seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    move_to(&seller, id, StreamState::Ended).await?;
    // What never became active was on for nobody.
    let never = database.stream_in(StreamState::Initializing).await?;
    move_to(&seller, never, StreamState::Ended).await?;
    let sent = database.broadcasts("live").await?;
    let mut states = Vec::new();
    for event in sent {
        assert_eq!((event.event.as_str(), event.private), ("live", true));
        let mut payload = event.payload;
        let payload = payload.as_object_mut().context("no object")?;
        assert!(
            payload
                .remove("server_time")
                .is_some_and(|at| at.is_string())
        );
        states.push(payload.remove("state").context("no state")?);
        assert_eq!(
            Value::from(payload.clone()),
            json!({"session_id": id, "auction_id": auction})
        );
    }
    assert_eq!(states, ["active", "ended"]);
    Ok(())
}
