//! Servers that go on from the data of another: their logs have another epoch by themselves.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use stream_tests::waiting::wait_until;
use uuid::Uuid;
use xtask::cluster::{Options, Original, SUPERUSER};

/// A server with a stream of one message, and its data at rest.
struct Primary {
    database: TestDatabase,
    // Behind its database, which is compared and dropped first.
    own: OwnCluster,
    session: Uuid,
    /// What a client of it holds.
    seen: Value,
    data: PathBuf,
}

impl Primary {
    async fn copied(name: &str) -> Result<Self> {
        let (mut own, database) = OwnCluster::with_database(name).await?;
        let session = database.stream_in(StreamState::Active).await?;
        let ada = database.viewer(session, demo::ADA).await?;
        send_message(&ada, session, "before").await?;
        let seen = ada.rpc("sync", json!({"session_id": session})).await?;
        let data = std::env::temp_dir().join(format!("stream-tests-{}", Uuid::new_v4()));
        own.cluster.copy_data_to(&data)?;
        Ok(Self {
            database,
            own,
            session,
            seen,
            data,
        })
    }

    /// Starts a server on the data; the file says how it goes on.
    fn goes_on(&self, name: &str, signal_file: &str, setting: &str) -> Result<OwnCluster> {
        fs::write(self.data.join(signal_file), "")?;
        let mut options = Options::temporary(name)?;
        options.settings.push(setting.to_owned());
        options.original = Some(Original {
            data_dir: self.data.clone(),
            passwords: self.own.cluster.address().passwords.clone(),
        });
        OwnCluster::start(options)
    }

    async fn ada_of(&self, server: &OwnCluster) -> Result<Session> {
        let ada = Identity::user(demo::ADA);
        server.session(ada, self.database.name()).await
    }

    /// What that client is told.
    async fn sync(&self, ada: &Session) -> Result<Value> {
        let arguments = json!({
            "session_id": self.session, "after_seq": self.seen["head_seq"], "epoch": self.seen["epoch"],
        });
        Ok(ada.rpc_read_only("sync", arguments).await?)
    }

    /// Once the server takes writes the client is told of another epoch, under which the next frame is sent, too.
    async fn expect_another_epoch(&self, server: &OwnCluster, ada: &Session) -> Result<()> {
        let owner = server.connect("postgres", self.database.name()).await?;
        wait_until(&owner, "select not pg_is_in_recovery()").await?;
        let after = self.sync(ada).await?;
        assert_eq!(after["recovered"], false);
        assert_ne!(after["epoch"], self.seen["epoch"]);
        assert_eq!(after["messages"], self.seen["messages"]);
        send_message(ada, self.session, "after").await?;
        let epoch = owner
            .query_one(
                "select m.payload ->> 'epoch' from realtime.messages as m where m.event = 'messages'
                 order by (m.payload ->> 'to_seq')::bigint desc limit 1",
                &[],
            )
            .await?;
        assert_eq!(json!(epoch.get::<_, String>(0)), after["epoch"]);
        Ok(())
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.data) {
            eprintln!("cannot remove {}: {error}", self.data.display());
        }
    }
}

/// The connection of a reader stays: what it has learned of the server is learned anew.
#[tokio::test]
async fn a_promoted_standby_has_the_epoch_of_its_primary_until_it_takes_writes() -> Result<()> {
    let primary = Primary::copied("promotion-primary").await?;
    let standby = primary.goes_on("promotion-standby", "standby.signal", "hot_standby=on")?;
    let ada = primary.ada_of(&standby).await?;
    let before = primary.sync(&ada).await?;
    assert_eq!(before["epoch"], primary.seen["epoch"]);
    assert_eq!(before["recovered"], true);
    standby
        .cluster
        .address()
        .psql(SUPERUSER, primary.database.name())
        .run("select pg_promote()")?;
    primary.expect_another_epoch(&standby, &ada).await
}

#[tokio::test]
async fn a_recovery_to_a_point_in_time_has_an_epoch_of_its_own() -> Result<()> {
    let primary = Primary::copied("recovery-primary").await?;
    // No archive: it ends with what is there.
    let recovered = primary.goes_on("recovery-copy", "recovery.signal", "restore_command=false")?;
    let ada = primary.ada_of(&recovered).await?;
    primary.expect_another_epoch(&recovered, &ada).await
}
