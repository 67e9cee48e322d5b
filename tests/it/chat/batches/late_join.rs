//! A viewer who joins while a batch is under way is none to it, and nobody waits for the other in a circle.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::send_message;

/// Holds up whoever asks for Ada.
const HOOK: &str = "
create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if $1 = '{ada}' then
        perform pg_advisory_xact_lock(1);
    end if;
    return true;
end $$";

/// The batch holds the head and has found no row of Ben's; then he joins, and his own message waits for the head with his row held.
#[tokio::test]
async fn a_viewer_who_joins_under_a_batch_makes_no_circle_with_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database
        .change(&HOOK.replace("{ada}", &demo::ADA.to_string()))
        .await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; select pg_advisory_xact_lock(1)")
        .await?;

    let service = database.service().await?;
    let batching = service.backend().await?;
    let items = json!([
        {"session_id": id, "user_id": demo::ADA, "content": "of the batch"},
        {"session_id": id, "user_id": demo::BEN, "content": "of the batch"},
    ]);
    let batch = tokio::spawn(async move {
        service
            .rpc_rows("send_messages", json!({"items": items}))
            .await
    });
    wait_until_blocked(&database.owner, batching).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let sending = ben.backend().await?;
    let single = tokio::spawn(async move { send_message(&ben, id, "alone").await });
    wait_until_blocked(&database.owner, sending).await?;
    holder.batch_execute("rollback").await?;

    let statuses: Vec<_> = batch
        .await??
        .iter()
        .map(|answer| answer["status"].clone())
        .collect();
    assert_eq!(statuses, ["ok", "not_viewer"]);
    single.await??;
    Ok(())
}
