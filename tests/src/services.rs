//! The product from outside: its services, started over a database that is the test's own, and stopped with
//! it.

pub mod access_token;
pub mod answer;
pub mod balancer;
pub mod conversation;
pub mod edge;
pub mod edge_function;
pub mod faults;
pub mod gateway;
pub mod phoenix;
pub mod request;
pub mod script;
pub mod signalling;
pub mod supabase;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use uuid::Uuid;
use xtask::cluster::SUPERUSER;
use xtask::run::Run;
use xtask::services::{Keys, SUPABASE};

use crate::database::TestDatabase;
use crate::secret;
use crate::services::access_token::{Signer, claims_of};
use crate::services::answer::Answer;
use crate::services::balancer::Balancer;
use crate::services::request::Request;
use crate::trace::Trace;

/// Two copies of the edge, so that no test passes by what one of them remembers.
const COPIES: [&str; 2] = ["edge_api_1", "edge_api_2"];
/// All requests of a test come from one address, and more of them than one app sends.
const NO_RATES: &[(&str, &str)] = &[
    ("RATE_LIMIT_PER_USER", "0"),
    ("RATE_LIMIT_PER_ADDRESS", "0"),
    ("RATE_LIMIT_FAILURES_PER_ADDRESS", "0"),
];

/// The real server's delays are seconds, which one test of each waits for.
const SHORT_DELAYS: &[(&str, &str)] = &[
    ("CHANNEL_ERROR_BACKOFF_MS", "100"),
    ("CONNECT_ERROR_BACKOFF_MS", "50"),
    ("REPLICATION_RETRY_MS", "200"),
];
const ANY_PORT: &str = "127.0.0.1:0";

const TICK_INTERVAL_MS: u32 = 100;

/// `supabase_local` and two copies of `edge_api` behind a balancer, and the database that they serve.
pub struct Services {
    pub supabase_url: String,
    /// The balancer's: each connection goes to the next copy.
    pub edge_url: String,
    /// Those of the copies themselves.
    pub copy_urls: [String; 2],
    pub keys: Keys,
    pub jwt_secret: String,
    /// Signs what the services take for tokens of the sign-in routes.
    pub signer: Signer,
    /// What Agora's notices are signed with.
    pub webhook_secret: String,
    /// None: the copies were killed.
    balancer: Option<Balancer>,
    /// Taken away before the database: a database is not dropped while its log is followed.
    run: Option<Run>,
    pub database: TestDatabase,
}

impl Services {
    /// Over a new copy of the template, with a gateway that has other settings than those of all tests.
    pub async fn start_with(variables: &[(&str, &str)]) -> Result<Self> {
        Self::launch(TestDatabase::create().await?, 0, None, variables)
    }

    /// Over a new copy of the template.
    pub async fn start() -> Result<Self> {
        Self::start_on(TestDatabase::create().await?)
    }

    /// The same, with an edge that counts and sweeps by itself.
    pub async fn start_ticking() -> Result<Self> {
        Self::start_ticking_on(TestDatabase::create().await?)
    }

    pub fn start_ticking_on(database: TestDatabase) -> Result<Self> {
        Self::launch(database, TICK_INTERVAL_MS, None, SHORT_DELAYS)
    }

    /// The same, with a gateway that has these settings too.
    pub async fn start_ticking_with(variables: &[(&str, &str)]) -> Result<Self> {
        let database = TestDatabase::create().await?;
        let all = [SHORT_DELAYS, variables].concat();
        Self::launch(database, TICK_INTERVAL_MS, None, &all)
    }

    pub fn start_on(database: TestDatabase) -> Result<Self> {
        Self::launch(database, 0, None, SHORT_DELAYS)
    }

    /// With services that log all they can.
    pub fn start_talkative_on(database: TestDatabase) -> Result<Self> {
        Self::launch(database, 0, Some("trace"), SHORT_DELAYS)
    }

    fn launch(
        database: TestDatabase,
        tick_interval_ms: u32,
        log_levels: Option<&str>,
        gateway: &[(&str, &str)],
    ) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let jwt_secret = secret::random("a JWT secret", 32)?;
        let webhook_secret = secret::random("a webhook secret", 16)?;
        let mut run = Run::begin(&format!("services-{}-{number}", std::process::id()))?;
        let environment = &database.environment;
        let services = xtask::services::Services {
            bin_dir: &environment.bin_dir,
            address: &environment.cluster,
            database: database.name(),
            jwt_secret: &jwt_secret,
            webhook_secret: Some(&webhook_secret),
            log_dir: &environment.log_dir,
            log_levels,
            tick_interval_ms,
        };
        let keys = services.keys()?;
        secret::note("a service key", &keys.service_role_key)?;
        let supabase_url = services.start_supabase_at(ANY_PORT, gateway, &mut run)?;
        let [first, second] = COPIES;
        let copy_urls = [
            services.start_edge_as(first, NO_RATES, &mut run)?,
            services.start_edge_as(second, NO_RATES, &mut run)?,
        ];
        let targets = copy_urls.iter().map(|url| address_of(url));
        let balancer = Balancer::start(targets.collect::<Result<_>>()?)?;
        Ok(Self {
            supabase_url,
            edge_url: format!("http://{}", balancer.address()),
            copy_urls,
            balancer: Some(balancer),
            keys,
            signer: Signer::new(&jwt_secret),
            webhook_secret,
            jwt_secret,
            run: Some(run),
            database,
        })
    }

    /// Starts a second edge over the same database, whose calls go through PostgREST; returns its URL.
    pub fn start_edge_through_postgrest(&mut self) -> Result<String> {
        self.start_second_edge(0)
    }

    /// The same, with an edge that counts and sweeps by itself.
    pub fn start_ticking_edge_through_postgrest(&mut self) -> Result<String> {
        self.start_second_edge(TICK_INTERVAL_MS)
    }

    fn start_second_edge(&mut self, tick_interval_ms: u32) -> Result<String> {
        let Self {
            supabase_url, keys, ..
        } = self;
        let (supabase_url, keys) = (supabase_url.clone(), keys.clone());
        self.start_another(tick_interval_ms, |services, run| {
            services.start_edge_through_postgrest(run, &supabase_url, &keys)
        })
    }

    /// Ends the gateway as a crash would: its address refuses connections from here on.
    pub fn kill_gateway(&mut self) -> Result<()> {
        self.kill(SUPABASE)
    }

    /// Starts a killed gateway again, at the same address.
    pub fn start_gateway_again(&mut self) -> Result<()> {
        let address = address_of(&self.supabase_url)?.to_string();
        let mut attempts_left = 40;
        // While it is away, a connection of anybody may have been given its port, as one of the ephemeral ones.
        let started = loop {
            let started = self.start_another(0, |services, run| {
                services.start_supabase_at(&address, SHORT_DELAYS, run)
            });
            match started {
                Err(error) if attempts_left > 0 && error.to_string().contains("in use") => {
                    attempts_left -= 1;
                    let run = self.run.as_mut().context("the services were stopped")?;
                    run.stop_process(SUPABASE)?;
                    std::thread::sleep(std::time::Duration::from_millis(250));
                }
                started => break started?,
            }
        };
        ensure!(started == self.supabase_url, "the gateway is at {started}");
        Ok(())
    }

    fn start_another(
        &mut self,
        tick_interval_ms: u32,
        start: impl FnOnce(&xtask::services::Services<'_>, &mut Run) -> Result<String>,
    ) -> Result<String> {
        let environment = &self.database.environment;
        let services = xtask::services::Services {
            bin_dir: &environment.bin_dir,
            address: &environment.cluster,
            database: self.database.name(),
            jwt_secret: &self.jwt_secret,
            webhook_secret: Some(&self.webhook_secret),
            log_dir: &environment.log_dir,
            log_levels: None,
            tick_interval_ms,
        };
        let run = self.run.as_mut().context("the services were stopped")?;
        start(&services, run)
    }

    /// Starts another copy of the edge, with settings of its own; returns its URL.
    pub fn start_edge_with(&mut self, name: &str, variables: &[(&str, &str)]) -> Result<String> {
        self.start_another(0, |services, run| {
            services.start_edge_as(name, variables, run)
        })
    }

    /// An access token of any user, as the sign-in routes would give it.
    pub fn token_of(&self, user: Uuid) -> String {
        self.signer.sign(&claims_of(user))
    }

    /// Ends both copies of the edge as a crash would: its address refuses connections from here on.
    pub fn kill_edge(&mut self) -> Result<()> {
        self.balancer = None;
        (0..COPIES.len()).try_for_each(|copy| self.kill_copy(copy))
    }

    /// Ends one copy of the edge as a crash would.
    pub fn kill_copy(&mut self, copy: usize) -> Result<()> {
        self.kill(COPIES[copy])
    }

    fn kill(&mut self, process: &str) -> Result<()> {
        let run = self.run.as_mut().context("the services were stopped")?;
        let id = run
            .processes()
            .find_map(|(name, id)| (name == process).then(|| id.clone()))
            .with_context(|| format!("{process} was not started"))?;
        id.signal(Signal::KILL);
        run.stop_process(process)
    }

    /// Whether all processes still run.
    pub fn are_alive(&self) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| run.first_dead().is_none())
    }

    /// Sends a request and fails if anything was written.
    pub async fn send_without_trace(&self, base_url: &str, request: Request) -> Result<Answer> {
        let before = Trace::take(&self.database.owner).await?;
        let answer = request.send(base_url).await?;
        let after = Trace::take(&self.database.owner).await?;
        let changed = after.changed_since(&before);
        ensure!(
            changed.is_empty(),
            "{changed:?} changed by a request that was answered with {answer:?}"
        );
        Ok(answer)
    }
}

fn address_of(url: &str) -> Result<SocketAddr> {
    let address = url.strip_prefix("http://");
    Ok(address.context("a copy has no address")?.parse()?)
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            run.stop();
        }
        // Of a gateway that was killed the server takes notice a moment later; this waits until then.
        let statement = format!(
            "select pg_terminate_backend(active_pid, 10000) from pg_replication_slots
             where database = '{}' and active;",
            self.database.name()
        );
        let cluster = &self.database.environment.cluster;
        if let Err(error) = cluster.psql(SUPERUSER, "template1").run(&statement) {
            eprintln!("{error:#}");
        }
    }
}
