//! The local stack: its start, and the file in which a running one names its address.

mod lock;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub use lock::Lock;

use crate::cluster::{Address, Cluster, Options};
use crate::database::{self, AgoraSettings};
use crate::demo_app::DemoApp;
use crate::edition::Edition;
use crate::local_network::LocalNetwork;
use crate::run::Run;
use crate::services::{ANY_PORT, Services, WEBHOOK_SECRET};
use crate::{bundle, console, extension, interrupt, local_dir, postgres, secrets};

/// The run that `cargo x up` makes.
pub const UP: &str = "up";

/// The database of the stack, named as on Supabase.
const DATABASE: &str = "postgres";

/// The addresses of a running stack and the keys to it: `.local/stack.json`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Stack {
    /// That of its Postgres.
    pub pg_config: PathBuf,
    /// That of its database at the start.
    #[serde(default)]
    pub edition: Edition,
    pub supabase_url: String,
    pub edge_url: String,
    pub anon_key: String,
    pub service_role_key: String,
    /// The URL for the role that owns the product's tables.
    pub database_url: String,
    pub app_id: String,
    /// Whether the App ID is that of a project; else it is made up, and Agora knows nothing of it.
    #[serde(default)]
    pub has_agora_project: bool,
    pub cluster: Address,
    pub database: String,
    pub log_dir: PathBuf,
    pub pids: BTreeMap<String, u32>,
    /// The stand-in's addresses in the local network; none without `--host`.
    #[serde(default)]
    pub local_network: Option<NetworkUrls>,
}

/// Where devices of the local network reach the stand-in, without TLS and with it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkUrls {
    pub plain: String,
    pub tls: String,
}

/// A stack together with what keeps it alive; all of it ends when this is dropped.
pub struct Running {
    pub stack: Stack,
    pub cluster: Cluster,
}

impl Running {
    /// Installs what is missing, builds, and starts everything with fresh data, for this machine alone or for devices of
    /// the local network too; the demo app is served where there is one.
    pub fn start(
        name: &str,
        demo: Option<DemoApp>,
        network: Option<&LocalNetwork>,
    ) -> Result<Self> {
        let edition = Edition::chosen()?;
        postgres::ensure()?;
        interrupt::check()?;
        bundle::write_before_run()?;
        let bin_dir = match edition {
            Edition::Native => {
                let built = extension::build()?;
                extension::install(&built)?;
                built.bin_dir
            }
            Edition::Sql => extension::build_services()?,
        };
        interrupt::check()?;

        console::step("making a throw-away Postgres cluster");
        let log_dir = local_dir::directory("log")?;
        let mut cluster = Cluster::start(Options {
            name: name.to_owned(),
            parent: local_dir::directory("")?,
            is_durable: true,
            settings: match edition {
                // For the background worker, which counts viewers and sweeps.
                Edition::Native => vec!["shared_preload_libraries=pg_stream_ext".to_owned()],
                Edition::Sql => Vec::new(),
            },
            environment: Vec::new(),
            log_file: empty_log(&log_dir, "postgres")?,
            original: None,
        })?;
        interrupt::check()?;

        console::step("applying the migrations and the demo data");
        let named = AgoraSettings::from_environment()?;
        let demo =
            demo.map(|demo| demo.over_agora(named.as_ref().map(|agora| agora.app_id.clone())));
        let has_agora_project = named.is_some();
        let agora = named.map_or_else(AgoraSettings::random, Ok)?;
        database::prepare(cluster.address(), DATABASE, &agora)?;
        interrupt::check()?;

        console::step("starting supabase_local and edge_api");
        let address = cluster.address().clone();
        let jwt_secret = secrets::random_hex(32)?;
        let webhook_secret = std::env::var(WEBHOOK_SECRET).ok();
        for service in ["supabase_local", "edge_api"] {
            empty_log(&log_dir, service)?;
        }
        let services = Services {
            bin_dir: &bin_dir,
            address: &address,
            database: DATABASE,
            jwt_secret: &jwt_secret,
            webhook_secret: webhook_secret.as_deref(),
            log_dir: &log_dir,
            log_levels: None,
            tick_interval_ms: match edition {
                Edition::Native => 0,
                // In the place of the background worker.
                Edition::Sql => 50,
            },
        };
        let keys = services.keys()?;
        let network_variables: Vec<(&str, String)> = network
            .into_iter()
            .flat_map(LocalNetwork::variables)
            .collect();
        let variables = demo.as_ref().map(DemoApp::variables).transpose()?;
        let mut variables = variables.unwrap_or_default();
        variables.extend(
            network_variables
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        let supabase_url = services.start_supabase_at(ANY_PORT, &variables, cluster.run())?;
        let edge_url = services.start_edge(cluster.run())?;
        let stack = Stack {
            pg_config: postgres::pg_config()?,
            edition,
            supabase_url,
            edge_url,
            anon_key: keys.anon_key,
            service_role_key: keys.service_role_key,
            database_url: address.url(database::OWNER, DATABASE)?,
            app_id: agora.app_id,
            has_agora_project,
            pids: cluster
                .run()
                .processes()
                .map(|(name, id)| (name.to_owned(), id.pid))
                .collect(),
            cluster: address,
            database: DATABASE.to_owned(),
            log_dir,
            local_network: network.map(|network| NetworkUrls {
                plain: format!("http://{}", network.plain),
                tls: format!("https://{}", network.tls),
            }),
        };
        Ok(Self { stack, cluster })
    }
}

impl Stack {
    /// The stack that runs now, if all of it does.
    pub fn find() -> Result<Option<Self>> {
        let Some(run) = Run::find(UP)? else {
            return Ok(None);
        };
        if !run.is_healthy() {
            return Ok(None);
        }
        let Ok(text) = fs::read(file()?) else {
            return Ok(None);
        };
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Like [`Stack::find`], for commands that cannot do without one.
    pub fn require() -> Result<Self> {
        Self::find()?.context("no stack is running here; start one with `cargo x up`")
    }

    /// Fails when `--pg` or `--edition` asks for another than the one that runs.
    pub fn expect_chosen(&self) -> Result<()> {
        expect_edition(self.edition, Edition::named()?)?;
        if postgres::is_default()? || postgres::is_same(&self.pg_config, &postgres::pg_config()?) {
            return Ok(());
        }
        bail!(
            "the stack that runs here is of another Postgres, {}; `cargo x down` stops it",
            self.pg_config.display()
        )
    }

    /// Says to other commands that this stack is there.
    pub fn publish(&self) -> Result<()> {
        local_dir::write_private_json(&file()?, self)
    }

    /// Takes back what [`Stack::publish`] said.
    pub fn withdraw() -> Result<()> {
        match fs::remove_file(file()?) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Without a name any edition will do, as the one that runs does.
fn expect_edition(running: Edition, named: Option<Edition>) -> Result<()> {
    if named.is_none_or(|named| named == running) {
        return Ok(());
    }
    bail!(
        "the stack that runs here is of the {} edition; `cargo x down` stops it",
        running.as_str()
    )
}

fn file() -> Result<PathBuf> {
    Ok(local_dir::directory("")?.join("stack.json"))
}

fn empty_log(log_dir: &Path, name: &str) -> Result<PathBuf> {
    let path = log_dir.join(format!("{name}.log"));
    File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_of_another_edition_is_not_taken_for_the_named_one() {
        for running in Edition::ALL {
            for named in Edition::ALL {
                let expected = expect_edition(running, Some(named));
                assert_eq!(expected.is_ok(), named == running, "{named:?}");
            }
            assert!(expect_edition(running, None).is_ok(), "{running:?}");
        }
    }
}
