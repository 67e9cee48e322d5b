//! A throw-away Postgres cluster: made, reached, broken and removed.

mod address;
mod options;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use address::{Address, LOGIN_ROLES, SUPERUSER};
pub use options::{Options, Original};

use crate::process::ProcessId;
use crate::run::Run;
use crate::server_user::ServerUser;
use crate::{local_dir, postgres, secrets};

/// The server's name in the ledger of its run.
const PROCESS_NAME: &str = "postgres";

/// A running server that exists nowhere else and is gone, data and all, when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    address: Address,
    run: Run,
    user: ServerUser,
    data_dir: PathBuf,
    options: Options,
}

impl Cluster {
    /// Makes a cluster with `initdb`, or as a copy, and starts it; returns when it accepts connections.
    pub fn start(mut options: Options) -> Result<Self> {
        let user = ServerUser::choose()?;
        let mut run = Run::begin(&options.name)?;

        // A socket's path must stay under 108 bytes, so it never goes below the checkout.
        let socket_dir = local_dir::fresh_directory_name(Path::new("/tmp"))?;
        run.add_directory(&socket_dir)?;
        user.create_private_directory(&socket_dir)?;

        let data_dir = local_dir::fresh_directory_name(&data_parent(&options.parent, user))?;
        run.add_directory(&data_dir)?;
        user.create_private_directory(&data_dir)?;
        let passwords = match options.original.take() {
            Some(original) => {
                server::copy(&original.data_dir, &data_dir)?;
                original.passwords
            }
            None => {
                server::initialise(&data_dir, user)?;
                random_passwords()?
            }
        };
        let mut cluster = Self {
            address: Address {
                bin_dir: postgres::installation()?.bin_dir,
                socket_dir,
                port: 0,
                passwords,
            },
            run,
            user,
            data_dir,
            options,
        };
        cluster.restart()?;
        Ok(cluster)
    }

    /// The address under which it is reached; can be written to a file for another process.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The ledger it is written down in, to start more things that end with it.
    pub fn run(&mut self) -> &mut Run {
        &mut self.run
    }

    /// Makes a database as a copy of another one.
    pub fn create_database_from_template(&self, name: &str, template: &str) -> Result<()> {
        self.address.create_database_from_template(name, template)
    }

    /// Kills the server and all its children with SIGKILL, as if the machine had lost power but kept
    /// its disk cache. [`Cluster::restart`] brings it back.
    pub fn crash(&mut self) -> Result<()> {
        let server = self.server()?.clone();
        let family: Vec<ProcessId> = std::iter::once(server.clone())
            .chain(server.children())
            .collect();
        for process in &family {
            process.signal(rustix::process::Signal::KILL);
        }
        for process in &family {
            process.wait_gone(std::time::Duration::from_secs(10));
        }
        Ok(())
    }

    /// Starts the server, after stopping it when it runs; the port stays the same if it is free.
    pub fn restart(&mut self) -> Result<()> {
        self.run.stop_process(PROCESS_NAME)?;
        self.address.port = server::start(&mut server::Start {
            run: &mut self.run,
            process_name: PROCESS_NAME,
            user: self.user,
            data_dir: &self.data_dir,
            socket_dir: &self.address.socket_dir,
            port: self.address.port,
            options: &self.options,
        })?;
        Ok(())
    }

    /// Copies the data into a new directory, and starts the server again.
    pub fn copy_data_to(&mut self, directory: &Path) -> Result<()> {
        self.run.stop_process(PROCESS_NAME)?;
        fs::create_dir(directory)
            .with_context(|| format!("cannot make the directory {}", directory.display()))?;
        server::copy(&self.data_dir, directory)?;
        self.restart()
    }

    /// Leaves the server running when this process ends.
    pub fn detach(self) -> Result<()> {
        self.run.detach()
    }

    /// Stops the server and everything else of its run, and removes its data.
    pub fn stop(self) {
        self.run.stop();
    }

    fn server(&self) -> Result<&ProcessId> {
        self.run
            .processes()
            .find_map(|(name, id)| (name == PROCESS_NAME).then_some(id))
            .context("the server was not started")
    }
}

fn random_passwords() -> Result<BTreeMap<String, String>> {
    let random = |role: &&str| Ok(((*role).to_owned(), secrets::random_hex(16)?));
    LOGIN_ROLES.iter().map(random).collect()
}

/// The wanted parent directory, or `/var/tmp` when the server's user cannot get there: a checkout
/// in root's home is closed to `postgres`.
fn data_parent(wanted: &Path, user: ServerUser) -> PathBuf {
    if user.can_enter(wanted) {
        wanted.to_owned()
    } else {
        PathBuf::from("/var/tmp")
    }
}
