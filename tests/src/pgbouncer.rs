//! pgbouncer in front of a test's database, run by the user of the server.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use tokio::net::TcpStream;
use uuid::Uuid;
use xtask::pgbouncer;
use xtask::run::{Ending, Run};
use xtask::server_user::ServerUser;

use crate::database::TestDatabase;
use crate::waiting::wait_for;

/// A role that may come in through it.
const ROLE: &str = "authenticator";

/// The pooler; gone when this is dropped.
pub struct Pgbouncer {
    /// The connection string of the role `authenticator`.
    pub url: String,
    run: Option<Run>,
}

impl Pgbouncer {
    /// Starts one in transaction mode that has so many connections to the server.
    pub async fn start(database: &TestDatabase, connections: usize) -> Result<Self> {
        let mode = format!(
            "pool_mode = transaction\nignore_startup_parameters = options\n\
             default_pool_size = {connections}\n"
        );
        Self::start_with(database, &mode).await
    }

    /// Starts one in session mode that ignores these parameters of a new connection.
    pub async fn start_in_session_mode(database: &TestDatabase, ignored: &str) -> Result<Self> {
        let mode = format!("pool_mode = session\nignore_startup_parameters = {ignored}\n");
        Self::start_with(database, &mode).await
    }

    async fn start_with(database: &TestDatabase, mode: &str) -> Result<Self> {
        let address = &database.environment.cluster;
        let password = address.passwords.get(ROLE).context("no password")?;
        let user = ServerUser::choose()?;
        let name = format!("pgbouncer-{}", Uuid::new_v4());
        let mut run = Run::begin(&name)?;
        let directory = PathBuf::from("/tmp").join(&name);
        run.add_directory(&directory)?;
        user.create_private_directory(&directory)?;

        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let users = directory.join("users.txt");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\n{mode}",
            address.port,
            users.display()
        );
        let settings_file = directory.join("pgbouncer.ini");
        for (file, text) in [
            (&users, format!("\"{ROLE}\" \"{password}\"\n")),
            (&settings_file, settings),
        ] {
            fs::write(file, text)?;
            if let ServerUser::Other { uid, gid } = user {
                chown(file, Some(uid), Some(gid))?;
            }
        }
        let mut command = Command::new(pgbouncer::program()?);
        command.arg(&settings_file);
        user.apply(&mut command);
        let log_file = database.environment.log_dir.join("pgbouncer.log");
        run.spawn("pgbouncer", &mut command, &log_file, Ending::Terminate)?;
        wait_for("pgbouncer listens", async || {
            Ok(TcpStream::connect(("127.0.0.1", port)).await.ok())
        })
        .await?;
        Ok(Self {
            url: format!(
                "postgres://{ROLE}:{password}@127.0.0.1:{port}/{}",
                database.name()
            ),
            run: Some(run),
        })
    }
}

impl Drop for Pgbouncer {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            run.stop();
        }
    }
}
