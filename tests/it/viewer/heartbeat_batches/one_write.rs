//! A call writes a row once, whatever number of its items are about it: a second write would lock what the row refers to.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

use super::send_heartbeats;

/// A stream with three viewers; whoever's row is written is noted, and a write of Cleo's fails.
async fn counted() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN, demo::CLEO] {
        database.viewer(id, user).await?;
    }
    database
        .change(&format!(
            "create table public.written (user_id uuid);
             create function public.note() returns trigger language plpgsql as $$
             begin
                 if to_jsonb(new) ->> 'user_id' = '{}' then raise 'no'; end if;
                 insert into public.written
                 values (coalesce(to_jsonb(new) ->> 'user_id', to_jsonb(new) ->> 'seller_id')::uuid);
                 return null;
             end $$;
             create trigger note after update on stream.stream_viewers for each row execute function public.note();
             create trigger note after update on stream.stream_sessions for each row execute function public.note()",
            demo::CLEO
        ))
        .await?;
    Ok((database, id))
}

/// How often the rows of Ada, Ben and the seller were written.
async fn writes(database: &TestDatabase) -> Result<Value> {
    let of = |user: Uuid| format!("count(*) filter (where w.user_id = '{user}')");
    let counts = [demo::ADA, demo::BEN, demo::SELLER].map(of).join(", ");
    database
        .value(&format!(
            "select jsonb_build_array({counts}) from public.written as w"
        ))
        .await
}

fn items(session: Uuid, of: &[(Uuid, Value)]) -> Value {
    of.iter()
        .map(|(user, more)| {
            let mut item = more.clone();
            item["session_id"] = json!(session);
            item["user_id"] = json!(user);
            item
        })
        .collect()
}

#[tokio::test]
async fn a_row_is_written_once_in_a_call() -> Result<()> {
    let (database, id) = counted().await?;
    let twice = [
        (demo::ADA, json!({"foreground": true})),
        (demo::SELLER, json!({})),
        (demo::BEN, json!({})),
        (demo::ADA, json!({"foreground": false})),
        (demo::SELLER, json!({"generation": 1})),
        (demo::ADA, json!({"join_no": 7})),
        (demo::SELLER, json!({"generation": 7})),
    ];
    let statuses = send_heartbeats(&database, &items(id, &twice)).await?;
    let expected = json!(["ok", "ok", "ok", "ok", "ok", "superseded", "stale_host"]);
    assert_eq!(json!(statuses), expected);
    assert_eq!(writes(&database).await?, json!([1, 1, 1]));
    assert_eq!(
        database.viewer_row(id, demo::ADA).await?["foreground"],
        false
    );
    Ok(())
}

/// Cleo's fails, so that each goes alone.
#[tokio::test]
async fn a_row_is_written_once_where_the_items_go_one_by_one() -> Result<()> {
    let (database, id) = counted().await?;
    let users = [
        demo::ADA,
        demo::SELLER,
        demo::CLEO,
        demo::SELLER,
        demo::ADA,
        demo::BEN,
    ];
    let statuses =
        send_heartbeats(&database, &items(id, &users.map(|user| (user, json!({}))))).await?;
    assert_eq!(
        json!(statuses),
        json!(["ok", "ok", "internal", "ok", "ok", "ok"])
    );
    assert_eq!(writes(&database).await?, json!([1, 1, 1]));
    Ok(())
}

/// What the last one does not say and the row would have to note comes alone, and then counts.
#[tokio::test]
async fn an_item_that_would_need_a_second_write_is_to_come_alone() -> Result<()> {
    let (database, id) = counted().await?;
    let said = [
        (demo::ADA, json!({"foreground": true})),
        (demo::ADA, json!({"foreground": false})),
        (demo::ADA, json!({})),
    ];
    let statuses = send_heartbeats(&database, &items(id, &said)).await?;
    assert_eq!(json!(statuses), json!(["ok", "lock_timeout", "ok"]));
    assert_eq!(writes(&database).await?, json!([1, 0, 0]));
    let alone = items(id, &said[1..2]);
    assert_eq!(
        json!(send_heartbeats(&database, &alone).await?),
        json!(["ok"])
    );
    assert_eq!(
        database.viewer_row(id, demo::ADA).await?["foreground"],
        false
    );
    Ok(())
}
