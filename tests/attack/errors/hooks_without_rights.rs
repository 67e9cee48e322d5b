//! A hook that lacks a right is a fault of the application, and no refusal of its caller: alone and in a batch.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::send_message;
use uuid::Uuid;
use xtask::cluster::Options;

/// A hook that reads a table which is closed to the owner of the tables of the product.
const WITHOUT_RIGHTS: &str = "create schema vault_of_the_app;
    create table vault_of_the_app.secrets (id integer);
    grant usage on schema vault_of_the_app to postgres;
    create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        if $1 = '{ben}' then
            return exists (select from vault_of_the_app.secrets);
        end if;
        return true;
    end $$";

async fn with_hook(database: &TestDatabase) -> Result<Uuid> {
    let session = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN] {
        database.viewer(session, user).await?;
    }
    database
        .superuser()
        .await?
        .batch_execute(&WITHOUT_RIGHTS.replace("{ben}", &demo::BEN.to_string()))
        .await?;
    Ok(session)
}

/// Also on a connection whose first call it is, which loads the library.
#[tokio::test]
async fn it_is_an_internal_error_of_a_single_call() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = with_hook(&database).await?;
    let ben = database.user(demo::BEN).await?;
    for call in ["first", "second"] {
        let refused = send_message(&ben, session, "hi").await;
        expect_refusal(ErrorCode::Internal, refused).context(call)?;
    }
    Ok(())
}

#[tokio::test]
async fn it_is_an_internal_error_of_its_item_and_the_log_says_why() -> Result<()> {
    let mut options = Options::temporary("hooks-without-rights")?;
    let preloaded = "session_preload_libraries=pg_stream_ext".to_owned();
    options.settings.push(preloaded);
    let own = OwnCluster::start(options)?;
    let database = TestDatabase::create_in(own.make_template("")?).await?;
    let session = with_hook(&database).await?;
    let service = database.service().await?;
    let items: Value = [demo::ADA, demo::BEN]
        .map(|user| json!({"session_id": session, "user_id": user, "content": "words-of-a-caller"}))
        .into();
    let before = own.log()?.len();
    let answers = service
        .rpc_rows("send_messages", json!({"items": items}))
        .await?;
    let statuses: Vec<_> = answers.iter().map(|answer| &answer["status"]).collect();
    assert_eq!(json!(statuses), json!(["ok", "internal"]));
    let logged = own.log()?[before..].to_owned();
    for part in [
        "an item of send_messages failed alone with internal",
        "42501 permission denied for table secrets",
        "PL/pgSQL function stream.hook_can_chat(uuid,uuid)",
    ] {
        assert!(logged.contains(part), "{part}: {logged}");
    }
    assert!(!logged.contains("words-of-a-caller"), "{logged}");
    Ok(())
}
