//! Settings with the product's own names, which every role may set where no library defines them, and what each gives.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use uuid::Uuid;
use xtask::edition::Edition;

use super::broadcast::play;
use super::caller::DirectCaller;

/// Those of the SQL edition, and what whoever sets them gets at most.
const OWN: &[(&str, &str)] = &[
    (
        "pg_stream_ext.agora_certificate_file",
        "a refusal of their own tokens",
    ),
    (
        "pg_stream_ext.agora_secondary_certificate_file",
        "a refusal of their own tokens",
    ),
    (
        "pg_stream_ext.database",
        "their own tokens where another setting of theirs would refuse them",
    ),
    (
        "stream_ext.held_at",
        "a heartbeat of their own that does not wait for a lock on Realtime's table",
    ),
    (
        "stream_ext.loop",
        "nothing: the owner alone calls the loop, which begins by setting it",
    ),
    (
        "stream_ext.queue_is_held",
        "a tick of the service that lets writers send for a moment",
    ),
    (
        "stream_ext.sends",
        "a tick of the service that lets writers send for a moment",
    ),
    (
        "stream_ext.unit",
        "slower broadcasts of their own: only a secret makes it a unit of the regular work",
    ),
    (
        "stream_ext.unmarked_at",
        "a tick of the service without a round, while another transaction holds the ticker's row",
    ),
];

/// Settings of a session, in which everybody is told the same.
const HARMLESS: &[&str] = &[
    "set stream_ext.unit = 'x'",
    "set stream_ext.unit = ':held'",
    "set stream_ext.unit = 'x:held'; set stream_ext.queue_is_held = 'yes'; set stream_ext.sends = 'no'; set stream_ext.loop = '{'",
    "select set_config('stream_ext.held_at', extract(epoch from clock_timestamp())::text, false),
         set_config('stream_ext.unmarked_at', extract(epoch from clock_timestamp())::text, false),
         set_config('stream_ext.loop', '{\"ends_at\": 9999999999, \"work\": {\"mark\": true}}', false)",
    "set stream_ext.held_at = 'x'; set stream_ext.unmarked_at = '1e9'; set stream_ext.queue_is_held = 'x'; set stream_ext.sends = 'x'",
];

/// What a caller can know of their transaction, and of the database, as the token of a unit could be made of it.
const GUESSES: &str = "
select array_agg(h.hash || ':held') from (values
    (concat($1::text, pg_backend_pid(), now())), (concat(pg_backend_pid(), now())), (concat($1::text, now())),
    (concat('', pg_backend_pid(), extract(epoch from now()))), (concat($1::text, pg_backend_pid(), extract(epoch from now())))
) as g (text)
cross join lateral (values (md5(g.text)), (encode(sha256(convert_to(g.text, 'UTF8')), 'hex'))) as h (hash)";

#[tokio::test]
async fn every_setting_that_a_function_reads_is_known() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let read: Vec<String> = database
        .value(
            "select array_agg(distinct m.parts[1]) from pg_catalog.pg_proc as p
             cross join lateral regexp_matches(p.prosrc, '''((?:pg_)?stream_ext\\.[a-z_]+)''', 'g') as m (parts)
             where p.pronamespace in ('stream'::regnamespace, 'stream_private'::regnamespace, 'stream_edge'::regnamespace,
                     'stream_ext'::regnamespace)
                 and p.prosrc ~ 'current_setting'",
        )
        .await?;
    let read: BTreeSet<&str> = read.iter().map(String::as_str).collect();
    assert_eq!(read, OWN.iter().map(|(name, _)| *name).collect());
    Ok(())
}

#[tokio::test]
async fn no_setting_of_our_own_changes_what_anybody_is_told() -> Result<()> {
    let plain = TestDatabase::create().await?;
    let expected = play(&plain, "select").await?;
    for setting in HARMLESS {
        let database = TestDatabase::create().await?;
        let told = play(&database, setting).await.context(*setting)?;
        assert_eq!(told, expected, "{setting}");
    }
    Ok(())
}

/// A unit keeps Realtime's table free while another transaction holds it. Whoever could name one would keep their calls silent.
#[tokio::test]
async fn nobody_can_state_that_a_unit_is_running() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let config: String = database
        .value("select c.xmin::text from stream.config as c where c.id")
        .await?;
    let login = database.connect("authenticator").await?;
    let caller = Identity::user(demo::ADA);
    let mut sent = database.frames(id).await?.len();
    for place in 0..10 {
        login.batch_execute("begin").await?;
        let guesses: Vec<String> = login.query_one(GUESSES, &[&config]).await?.get(0);
        assert_eq!(guesses.len(), 10);
        let guess = &guesses[place];
        login
            .execute(
                "select set_config('stream_ext.unit', $1, true), set_config('role', $2, true),
                     set_config('request.jwt.claims', $3, true)",
                &[guess, &caller.role, &caller.claims_text()],
            )
            .await?;
        login
            .execute(
                "select stream.send_message(session_id => $1, content => 'hello')",
                &[&id],
            )
            .await?;
        login.batch_execute("commit").await?;
        sent += 1;
        assert_eq!(database.frames(id).await?.len(), sent, "{place}: {guess}");
    }
    Ok(())
}

#[tokio::test]
async fn a_unit_is_known_by_a_secret_that_the_owner_alone_reads() -> Result<()> {
    let mut database = TestDatabase::of_edition(Edition::Sql).await?;
    let secret: String = database
        .value("select t.unit_secret::text from stream.ticker as t where t.id")
        .await?;
    let transaction = database.owner.transaction().await?;
    let token = async || -> Result<String> {
        let row = transaction
            .query_one("select stream_ext.regular_token()", &[])
            .await?;
        Ok(row.get(0))
    };
    let first = token().await?;
    assert_eq!(token().await?, first);
    assert!(!first.contains(&secret), "{first}");
    // Whatever else it is made of stays the same.
    transaction
        .batch_execute("update stream.ticker set unit_secret = gen_random_uuid() where id")
        .await?;
    assert_ne!(token().await?, first);
    transaction.rollback().await?;
    for identity in [
        Identity::anon(),
        Identity::user(demo::ADA),
        Identity::service(),
    ] {
        let role = identity.role;
        let caller = DirectCaller::open(&database, identity, "select").await?;
        for forbidden in [
            "select from stream.ticker",
            "select stream_ext.regular_token()",
        ] {
            let error = caller.write(forbidden).await.expect_err(forbidden);
            assert_eq!(
                error.code().map(tokio_postgres::error::SqlState::code),
                Some("42501"),
                "{role}: {forbidden}"
            );
        }
    }
    Ok(())
}

/// The name of a file is the operator's to give.
#[tokio::test]
async fn a_certificate_file_that_a_caller_names_is_never_read() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.viewer(id, demo::BEN).await?;
    let token = |id: Uuid| json!({"buyer_id": null, "channel_id": id});
    let named = "set pg_stream_ext.agora_certificate_file = '/etc/hostname'";
    let of_user = |user| Identity::user(user);
    match Edition::chosen()? {
        // The library defines it for superusers, and takes away what was set before it is loaded.
        Edition::Native => {
            if let Ok(ada) = DirectCaller::open(&database, of_user(demo::ADA), named).await {
                ada.call("generate_buyer_token", token(id)).await?;
            }
        }
        Edition::Sql => {
            let ada = DirectCaller::open(&database, of_user(demo::ADA), named).await?;
            ada.call("generate_buyer_token", token(id)).await?;
            let other = "set pg_stream_ext.agora_secondary_certificate_file = '/etc/hostname'";
            let ada = DirectCaller::open(&database, of_user(demo::ADA), other).await?;
            ada.call("generate_buyer_token", token(id)).await?;
        }
    }
    let ben = DirectCaller::open(&database, of_user(demo::BEN), "select").await?;
    let minted = ben.call("generate_buyer_token", token(id)).await?;
    assert!(
        minted
            .first()
            .is_some_and(|row: &Value| row["token"].is_string())
    );
    Ok(())
}
