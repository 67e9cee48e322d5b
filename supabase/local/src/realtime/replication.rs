//! The message stream: committed rows of realtime.messages, read from a temporary pgoutput slot
//! and published in commit order.

use std::sync::Arc;
use std::time::Duration;

use pgwire_replication::{PgWireError, ReplicationClient, ReplicationConfig, ReplicationEvent};
use tokio_postgres::config::Host;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::database::StatementError;
use crate::realtime::frame::{self, MAX_PAYLOAD_BYTES};
use crate::realtime::hub::{Origin, Topic};
use crate::realtime::pgoutput::{Decoder, PgoutputError, Row};
use crate::realtime::service::Realtime;

const APPLICATION: &str = "supabase_local_replication";
const PUBLICATION: &str = "supabase_realtime_messages_publication";
/// The real server's, so that a check for its slot finds this one; a random end is added, because
/// a dead connection may hold its name for a minute.
const SLOT_PREFIX: &str = "supabase_realtime_messages_replication_slot_";
/// The interval at which the server is told what was read; it keeps the WAL from there on.
const FEEDBACK_EVERY: Duration = Duration::from_secs(1);
/// The real server's longest pause.
const RETRY_MOST: Duration = Duration::from_secs(300);
/// Making a slot waits for every transaction that is open at that moment.
const START_TIMEOUT: Duration = Duration::from_secs(240);
const STOP_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    #[error("REALTIME_DATABASE_URL names no {0}")]
    Incomplete(&'static str),
    #[error(transparent)]
    Wire(#[from] PgWireError),
    #[error("the slot was not made in time")]
    Timeout,
    #[error("the server ended the stream")]
    Ended,
    #[error("a test cut the stream")]
    Cut(Duration),
    #[error(transparent)]
    Decode(PgoutputError),
}

/// The server from which the stream is read.
pub struct Source {
    host: String,
    port: u16,
    user: String,
    password: String,
    database: String,
}

impl Source {
    pub fn from_config(config: &tokio_postgres::Config) -> Result<Self, ReplicationError> {
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.to_string_lossy().into_owned(),
            None => return Err(ReplicationError::Incomplete("host")),
        };
        let user = config
            .get_user()
            .ok_or(ReplicationError::Incomplete("user"))?;
        let password = config.get_password().unwrap_or_default();
        Ok(Self {
            host,
            port: config.get_ports().first().copied().unwrap_or(5432),
            user: user.to_owned(),
            password: String::from_utf8_lossy(password).into_owned(),
            database: config.get_dbname().unwrap_or(user).to_owned(),
        })
    }
}

/// Reads the stream until `stop`, connecting again whenever it breaks. What is committed while it
/// is down reaches nobody, as with the real server's temporary slot.
pub async fn keep(source: Source, realtime: Arc<Realtime>, stop: CancellationToken) {
    let retry_first = realtime.config.replication_retry;
    let mut retry = retry_first;
    loop {
        let streamed = read(&source, &realtime, &stop).await;
        let was_streaming = realtime.hub.is_streaming();
        realtime.hub.set_streaming(false);
        match streamed {
            Ok(()) => return,
            Err(error) => {
                if was_streaming {
                    retry = retry_first;
                }
                if let ReplicationError::Cut(pause) = error {
                    retry = pause;
                }
                warn!(%error, retry_ms = retry.as_millis() as u64, "the message stream broke");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(retry) => {}
        }
        retry = (retry * 2).clamp(retry_first, RETRY_MOST);
    }
}

/// One connection's worth. `Ok` means stopped on request.
async fn read(
    source: &Source,
    realtime: &Realtime,
    stop: &CancellationToken,
) -> Result<(), ReplicationError> {
    let mut client = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        client = tokio::time::timeout(START_TIMEOUT, start(source)) => {
            client.map_err(|_| ReplicationError::Timeout)??
        }
    };
    info!("the message stream is up");
    let mut cuts = realtime.faults.cuts();
    realtime.hub.set_streaming(true);

    let mut decoder = Decoder::default();
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => {
                let _ = tokio::time::timeout(STOP_TIMEOUT, client.shutdown()).await;
                return Ok(());
            }
            Ok(()) = cuts.changed() => {
                let pause = cuts.borrow().1;
                let _ = tokio::time::timeout(STOP_TIMEOUT, client.shutdown()).await;
                return Err(ReplicationError::Cut(pause));
            }
            event = client.recv() => event?.ok_or(ReplicationError::Ended)?,
        };
        match event {
            ReplicationEvent::XLogData { data, .. } => match decoder.decode(&data) {
                Ok(Some(row)) => publish(realtime, &row),
                Ok(None) => {}
                // The row's own fault, and the next one may be fine.
                Err(error @ (PgoutputError::Missing(_) | PgoutputError::Value(_))) => {
                    warn!(%error, "a row of realtime.messages was dropped");
                }
                Err(error) => return Err(ReplicationError::Decode(error)),
            },
            // Everything up to here was handed on; nothing may be read a second time.
            ReplicationEvent::Commit { end_lsn, .. } => client.update_applied_lsn(end_lsn),
            ReplicationEvent::KeepAlive { wal_end, .. } => client.update_applied_lsn(wal_end),
            _ => {}
        }
    }
}

/// Makes the slot on the connection that then reads it: a temporary slot belongs to its session.
async fn start(source: &Source) -> Result<ReplicationClient, PgWireError> {
    let random = Uuid::new_v4().simple().to_string();
    let slot = format!("{SLOT_PREFIX}{}", &random[..8]);
    let config = ReplicationConfig::new(
        &source.host,
        &source.user,
        &source.password,
        &source.database,
        &slot,
        PUBLICATION,
    )
    .with_port(source.port)
    .with_application_name(APPLICATION)
    .with_options("-c bytea_output=hex")
    .with_status_interval(FEEDBACK_EVERY);
    let mut client = ReplicationClient::connect_gated(config).await?;
    client
        .simple_query(&format!(
            "CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT"
        ))
        .await?;
    client.start().await?;
    client.wait_started().await?;
    Ok(client)
}

/// Ends the connection of the message stream from Postgres's side: the gateway notices as it notices a crash.
pub async fn terminate_walsender(realtime: &Realtime) -> Result<(), StatementError> {
    let client = realtime.pool.get().await?;
    client
        .execute(
            "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_replication \
             where application_name = $1 and usename = current_user and pid in (\
                 select active_pid from pg_catalog.pg_replication_slots where database = current_database())",
            &[&APPLICATION],
        )
        .await?;
    Ok(())
}

fn publish(realtime: &Realtime, row: &Row) {
    if realtime.faults.loses(&row.topic, row.id) || !realtime.hub.is_ready() {
        return;
    }
    if row.payload.len() > MAX_PAYLOAD_BYTES {
        warn!(id = %row.id, "a row of realtime.messages was dropped: its payload is too large");
        return;
    }
    // Nobody is told: the row is gone, and the sockets stay as they are.
    if realtime.quota.refuses() {
        warn!(id = %row.id, "a row of realtime.messages was dropped: too_many_requests");
        return;
    }
    realtime.quota.count(1);
    let topic = Topic {
        name: row.topic.clone(),
        private: row.private,
    };
    if !realtime.hub.has_subscribers(&topic) {
        return;
    }
    let metadata = format!("{{\"id\":\"{}\"}}", row.id);
    let name = format!("realtime:{}", row.topic);
    match frame::broadcast(&name, &row.event, &metadata, row.encoding, &row.payload) {
        Ok(frame) => realtime.hub.publish(&topic, &frame, Origin::Row(row.id)),
        Err(error) => warn!(%error, id = %row.id, "a row of realtime.messages was dropped"),
    }
}
