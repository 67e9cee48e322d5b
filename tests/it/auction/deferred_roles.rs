//! The role of a bid's deferred trigger: Postgres 18 takes the one that queued it, older ones the one that commits.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::numbers;

/// The application's table, the trigger under test, and one of the application's own that notes its role.
const BIDS: &str = "create table public.bids (auction_id uuid, amount numeric);
create table public.deferred_roles (role text);
grant insert on public.bids, public.deferred_roles to authenticated, anon, service_role, authenticator;
create constraint trigger bids_log after insert on public.bids
deferrable initially deferred for each row
execute function stream.auction_update_trigger('auction_id', 'amount');
create function public.note_role() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into public.deferred_roles (role) values (current_user);
    return null;
end
$$;
create constraint trigger bids_role after insert on public.bids
deferrable initially deferred for each row
execute function public.note_role()";

/// Major versions from here on run a deferred trigger as the role that queued it.
const QUEUING_ROLE_SINCE: i32 = 180_000;

#[tokio::test]
async fn a_bid_is_logged_whichever_role_commits_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.change(BIDS).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    let auction = auction.as_str().unwrap_or_default().to_owned();
    let version: i32 = database
        .value("select current_setting('server_version_num')::integer")
        .await?;
    let ada = database.user(demo::ADA).await?;
    let committing = ["anon", "service_role", "authenticator"];
    for (amount, role) in (1..).zip(committing) {
        ada.begin().await?;
        ada.execute_within(&format!(
            "insert into public.bids (auction_id, amount) values ('{auction}', {amount});
             set local role {role};
             select set_config('request.jwt.claims', '', true)"
        ))
        .await?;
        ada.commit().await?;
    }

    // Else the triggers had run as one role everywhere, and nothing would be shown.
    let roles: Vec<String> = database
        .value("select array_agg(role order by ctid) from public.deferred_roles")
        .await?;
    if version >= QUEUING_ROLE_SINCE {
        assert_eq!(roles, ["authenticated"; 3]);
    } else {
        assert_eq!(roles, committing);
    }
    let mut log = database.log(id).await?;
    log.retain(|entry| entry["message_type"] == "auction_update");
    assert_eq!(numbers(&log), [3, 4, 5]);
    let amounts: Vec<_> = log
        .iter()
        .map(|entry| &entry["metadata"]["amount"])
        .collect();
    assert_eq!(amounts, [&json!(1), &json!(2), &json!(3)]);
    Ok(())
}

/// What a caller may not do directly, the trigger does for them, and only that.
#[tokio::test]
async fn the_role_of_a_deferred_trigger_gains_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.change(BIDS).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    for statement in [
        format!("select to_json(m) from stream_private.post_auction_update('{id}', '{{}}') as m"),
        "select to_json(stream_ext.log_auction_row(array['auction_id'], '{}'))".to_owned(),
    ] {
        let error = ada.run(&statement).await.expect_err("a refusal");
        let state = error.code().map(|state| state.code().to_owned());
        assert!(
            matches!(state.as_deref(), Some("42501" | "PT403")),
            "{statement}: {error:?}"
        );
    }
    let log = database.log(id).await?;
    assert!(
        log.iter()
            .all(|entry| entry["message_type"] != "auction_update")
    );
    Ok(())
}
