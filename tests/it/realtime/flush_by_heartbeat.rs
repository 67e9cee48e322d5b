//! Heartbeats flush what a ticker left that is gone.

use anyhow::{Result, bail};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::session::Session;
use stream_tests::ticking::database_with_worker;
use stream_tests::waiting::{wait_for, wait_until};
use uuid::Uuid;

/// Who sends a heartbeat, and how.
#[derive(Clone, Copy, Debug)]
enum Device {
    Host,
    Viewer,
    Batch,
}

const DEVICES: [Device; 3] = [Device::Host, Device::Viewer, Device::Batch];

/// A stream with a viewer and three messages that no frame carries.
async fn after_a_burst() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.viewer(session, demo::ADA).await?;
    database.leave_unflushed(session, 3).await?;
    Ok((database, session))
}

/// Returns the status.
async fn heartbeat_status_of(
    database: &TestDatabase,
    device: Device,
    session: Uuid,
) -> Result<String> {
    heartbeat_status(&caller(database, device).await?, device, session).await
}

async fn caller(database: &TestDatabase, device: Device) -> Result<Session> {
    match device {
        Device::Host => database.user(demo::SELLER).await,
        Device::Viewer => database.user(demo::ADA).await,
        Device::Batch => database.service().await,
    }
}

async fn heartbeat_status(caller: &Session, device: Device, session: Uuid) -> Result<String> {
    let answer = match device {
        Device::Host | Device::Viewer => send_heartbeat(caller, session).await?,
        Device::Batch => {
            let items = json!([
                {"session_id": session, "user_id": demo::ADA},
                {"session_id": session, "user_id": demo::ADA},
                {"session_id": Uuid::nil(), "user_id": demo::ADA},
            ]);
            caller.rpc("heartbeats", json!({"items": items})).await?
        }
    };
    Ok(answer["status"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_heartbeat_sends_what_a_dead_ticker_has_left() -> Result<()> {
    for device in DEVICES {
        let (database, session) = after_a_burst().await?;
        database.set_ticker_alive(true).await?;
        assert_eq!(heartbeat_status_of(&database, device, session).await?, "ok");
        assert!(database.sent(session).await?.is_empty(), "{device:?}");
        database.set_ticker_alive(false).await?;
        assert_eq!(heartbeat_status_of(&database, device, session).await?, "ok");
        assert_eq!(
            database.sent(session).await?,
            [[1, 2, 3, 4, 5]],
            "{device:?}"
        );
        assert_eq!(heartbeat_status_of(&database, device, session).await?, "ok");
        assert_eq!(database.sent(session).await?.len(), 1, "{device:?}");
        // The ticker that comes back finds nothing to send.
        database.tick().await?;
        assert_eq!(database.sent(session).await?.len(), 1, "{device:?}");
        assert_eq!(database.queued_flushes().await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_does_not_wait_for_whoever_sends() -> Result<()> {
    for device in DEVICES {
        let (database, session) = after_a_burst().await?;
        database.set_ticker_alive(false).await?;
        let holder = database.connect("postgres").await?;
        holder
            .batch_execute("begin; select from stream.chat_relay for update")
            .await?;
        let caller = caller(&database, device).await?;
        let backend = caller.backend().await?;
        // A wait that ended by itself would be answered with "ok" too.
        tokio::select! {
            status = heartbeat_status(&caller, device, session) => assert_eq!(status?, "ok"),
            waiting = wait_until_blocked(&database.owner, backend) => {
                waiting?;
                bail!("{device:?} waits");
            }
        }
        assert!(database.sent(session).await?.is_empty(), "{device:?}");
        holder.batch_execute("rollback").await?;
        assert_eq!(heartbeat_status_of(&database, device, session).await?, "ok");
        assert_eq!(
            database.sent(session).await?,
            [[1, 2, 3, 4, 5]],
            "{device:?}"
        );
    }
    Ok(())
}

/// One that sends waits for the disk, others do not.
#[tokio::test]
async fn a_heartbeat_that_sends_commits_as_others_that_send() -> Result<()> {
    for call in ["heartbeat", "heartbeats"] {
        let (database, session) = after_a_burst().await?;
        database.set_ticker_alive(false).await?;
        let service = database.connect("authenticator").await?;
        let call = match call {
            "heartbeat" => format!(
                "stream.heartbeat(session_id => '{session}', user_id => '{}')",
                demo::ADA
            ),
            _ => format!(
                "stream.heartbeats('[{{\"session_id\": \"{session}\", \"user_id\": \"{}\"}}]')",
                demo::ADA
            ),
        };
        for waits in ["on", "off"] {
            service
                .batch_execute(&format!(
                    "begin; set local role service_role; select {call}"
                ))
                .await?;
            let row = service.query_one("show synchronous_commit", &[]).await?;
            assert_eq!(row.get::<_, String>(0), waits, "{call}");
            service.batch_execute("commit").await?;
        }
        assert_eq!(database.sent(session).await?, [[1, 2, 3, 4, 5]]);
    }
    Ok(())
}

/// It keeps its lease all the same, and the frames come when they can.
#[tokio::test]
async fn a_heartbeat_outlives_frames_that_fail() -> Result<()> {
    for device in DEVICES {
        let (database, session) = after_a_burst().await?;
        database.set_ticker_alive(false).await?;
        database.pass_time(session, 15).await?;
        let seen = "select last_seen_at > now() - interval '10 seconds' from stream.stream_viewers";
        let superuser = database.superuser().await?;
        superuser
            .batch_execute(
                "create function public.fail() returns trigger language plpgsql as
                     $$ begin raise exception 'no frames today'; end $$;
                 create trigger fail before insert on realtime.messages
                     for each row execute function public.fail()",
            )
            .await?;
        assert_eq!(heartbeat_status_of(&database, device, session).await?, "ok");
        assert!(database.sent(session).await?.is_empty(), "{device:?}");
        if !matches!(device, Device::Host) {
            assert!(database.value::<bool>(seen).await?, "{device:?}");
        }
        superuser
            .batch_execute("drop trigger fail on realtime.messages")
            .await?;
        assert_eq!(heartbeat_status_of(&database, device, session).await?, "ok");
        assert_eq!(
            database.sent(session).await?,
            [[1, 2, 3, 4, 5]],
            "{device:?}"
        );
    }
    Ok(())
}

/// Neither do frames that take longer than a heartbeat may: other items of its batch have their leases prolonged, too.
#[tokio::test]
async fn a_heartbeat_outlives_frames_that_take_long() -> Result<()> {
    let (database, session) = after_a_burst().await?;
    let other = database.stream_in(StreamState::Active).await?;
    database.viewer(other, demo::ADA).await?;
    database.set_ticker_alive(false).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "create function public.linger() returns trigger language plpgsql as
                 $$ begin perform pg_sleep(60); return new; end $$;
             create trigger linger before insert on realtime.messages for each row
                 when (new.topic = 'chat:{session}') execute function public.linger()"
        ))
        .await?;
    let service = database.connect("authenticator").await?;
    service
        .batch_execute("set role service_role; set statement_timeout = '2s'")
        .await?;
    let items = json!([
        {"session_id": session, "user_id": demo::ADA},
        {"session_id": other, "user_id": demo::ADA},
    ]);
    let rows = service
        .query("select h.status from stream.heartbeats($1) as h", &[&items])
        .await?;
    let statuses: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(statuses, ["ok", "ok"]);
    assert!(database.sent(session).await?.is_empty());
    superuser
        .batch_execute("drop trigger linger on realtime.messages")
        .await?;
    heartbeat_status_of(&database, Device::Viewer, session).await?;
    assert_eq!(database.sent(session).await?, [[1, 2, 3, 4, 5]]);
    Ok(())
}

/// A burst is open while the worker ends, so what the burst leaves is committed behind the last tick.
#[tokio::test]
async fn heartbeats_send_what_a_worker_has_left_that_ended() -> Result<()> {
    let (_own, database) = database_with_worker("heartbeat-tails").await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    database
        .change(&format!(
            "create function public.is_left() returns json language sql security definer as $$
                 select to_json(r.flushed_seq < h.last_seq) from stream.chat_relay as r
                 join stream.chat_heads as h on h.session_id = r.session_id
                 where r.session_id = '{session}'
             $$"
        ))
        .await?;
    // The first goes out at once, and opens a window for the others. On a busy machine they may come behind its end, or
    // before the worker has begun.
    let message = format!("stream.send_message('{session}', null, 'hi')");
    let burst = format!("select {message}, {message}, {message}");
    wait_for("a burst of which something is left", async || {
        ada.begin().await?;
        ada.execute_within(&burst).await?;
        if ada.query_within("select public.is_left()").await? == [json!(true)] {
            return Ok(Some(()));
        }
        ada.rollback().await?;
        Ok(None)
    })
    .await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("alter role postgres with nologin")
        .await?;
    superuser
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where backend_type = 'pg_stream_ext worker'",
            &[],
        )
        .await?;
    let gone = "select sends_at < clock_timestamp() - interval '2 seconds' from stream.ticker";
    wait_until(&superuser, gone).await?;
    ada.commit().await?;
    let sent = database.sent(session).await?.concat();
    assert!(
        sent.len() < 5 && database.queued_flushes().await? == 1,
        "{sent:?}"
    );
    for device in [Device::Viewer, Device::Host] {
        assert_eq!(heartbeat_status_of(&database, device, session).await?, "ok");
        let sent = database.sent(session).await?;
        assert_eq!(sent.concat(), [1, 2, 3, 4, 5], "{device:?}");
    }
    Ok(())
}
