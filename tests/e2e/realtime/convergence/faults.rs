//! The faults of the property: those that strike one stream, and those that strike the gateway.

use anyhow::{Context, Result};
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_tests::services::Services;
use stream_tests::waiting::wait_for;

/// A fault of one stream's chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    Nothing,
    /// The next so many frames reach nobody.
    RowsLost(u8),
    SocketsCut,
    /// As over the limit of messages: the server ends the channel, and the client has to make another.
    ChannelsEnded,
}

/// A fault that strikes all streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Everywhere {
    GatewayKilled,
    WalsenderKilled,
    SlotCut,
    /// Postgres's background worker, which sends what waits.
    WorkerKilled,
    PartitionMissing,
    LimitExceeded,
}

impl Here {
    /// Ended channels are rarer: a client waits up to 5 s before it makes another.
    pub fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            4 => Just(Self::Nothing),
            4 => (1..4u8).prop_map(Self::RowsLost),
            2 => Just(Self::SocketsCut),
            1 => Just(Self::ChannelsEnded),
        ]
    }

    /// What is asked of the gateway.
    pub fn on(self, topic: &str) -> Option<Value> {
        match self {
            Self::Nothing => None,
            Self::RowsLost(count) => Some(json!({"drop_rows": {"topic": topic, "count": count}})),
            Self::SocketsCut => Some(json!({"cut_sockets": {"topic": topic}})),
            Self::ChannelsEnded => {
                let message = "Too many messages per second";
                Some(json!({"end_channels": {"topic": topic, "message": message}}))
            }
        }
    }
}

impl Everywhere {
    pub const ALL: [Self; 6] = [
        Self::GatewayKilled,
        Self::WalsenderKilled,
        Self::SlotCut,
        Self::WorkerKilled,
        Self::PartitionMissing,
        Self::LimitExceeded,
    ];

    /// Whether frames are written while it lasts.
    pub fn lets_frames_out(self) -> bool {
        !matches!(self, Self::WorkerKilled | Self::PartitionMissing)
    }

    pub async fn begin(self, services: &mut Services) -> Result<()> {
        match self {
            Self::GatewayKilled => services.kill_gateway()?,
            Self::WalsenderKilled => {
                services.fault(json!({"kill_walsender": true})).await?;
                until(services, "is_streaming", false).await?;
            }
            Self::SlotCut => {
                services.fault(json!({"cut_slot": {"for_ms": 500}})).await?;
            }
            Self::WorkerKilled => {
                let superuser = services.database.superuser().await?;
                let killed = superuser.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity
                     where backend_type = 'pg_stream_ext worker' and datname = current_database()",
                    &[],
                );
                anyhow::ensure!(killed.await? == 1, "no worker was at work");
            }
            Self::PartitionMissing => {
                services.fault(json!({"no_partition": true})).await?;
            }
            Self::LimitExceeded => {
                // Rows that reach nobody, as before the first join after a start, do not count.
                until(services, "is_ready", true).await?;
                let limit = json!({"quota": {"events_per_second": 1, "bucket_ms": 100}});
                services.fault(limit).await?;
            }
        }
        Ok(())
    }

    pub async fn end(self, services: &mut Services) -> Result<()> {
        match self {
            Self::GatewayKilled => services.start_gateway_again(),
            Self::WalsenderKilled | Self::SlotCut => until(services, "is_streaming", true).await,
            Self::WorkerKilled => {
                let superuser = services.database.superuser().await?;
                stream_tests::waiting::wait_until(
                    &superuser,
                    "select count(*) = 1 from pg_stat_activity
                     where backend_type = 'pg_stream_ext worker' and datname = current_database()",
                )
                .await
            }
            Self::PartitionMissing => services.heal().await.map(drop),
            Self::LimitExceeded => {
                until(services, "is_over_limit", true).await?;
                services.heal().await.map(drop)
            }
        }
    }
}

async fn until(services: &Services, member: &str, expected: bool) -> Result<()> {
    wait_for(format_args!("{member} is {expected}"), async || {
        let counts = services.gateway_counts().await?;
        let is_so = counts[member].as_bool().context("no such member")? == expected;
        Ok(is_so.then_some(()))
    })
    .await
}
