//! The database of a test, which is its own and gone when the test ends.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;
use xtask::cluster::SUPERUSER;
use xtask::edition::Edition;
use xtask::test_environment::{TestEnvironment, WrongBroadcasts};

use crate::declared_events;
use crate::identity::Identity;
use crate::session::Session;

/// Tests write, move and moderate faster than people; those about a rate set their own.
const RATES_OF_TESTS: &str = "update stream.config set chat_interval_ms = 1, chat_burst = 1000,
    host_chat_interval_ms = 1, host_chat_burst = 1000,
    starts_per_minute = 1000000,
    state_moves_per_minute = 1000000, restrictions_per_minute = 1000000 where id";

/// A copy of the template, dropped with everybody who is still connected.
pub struct TestDatabase {
    pub environment: TestEnvironment,
    name: String,
    /// Connected as the role that owns the tables.
    pub owner: Client,
    /// Why its broadcasts are not compared with the contract.
    is_not_compared: Option<&'static str>,
}

impl TestDatabase {
    pub async fn create() -> Result<Self> {
        Self::create_in(TestEnvironment::load()?).await
    }

    /// In a cluster of the test's own.
    pub async fn create_in(environment: TestEnvironment) -> Result<Self> {
        let database = Self::copy_in(environment).await?;
        database.lift_rates().await?;
        Ok(database)
    }

    /// Whatever the template of a cluster of the test's own holds.
    pub async fn copy_in(environment: TestEnvironment) -> Result<Self> {
        let name = next_name();
        environment.create_database(&name)?;
        Self::open(environment, name).await
    }

    /// With one edition, in a database whose collation is that of `locale`, a part of CREATE DATABASE.
    pub async fn of_locale(edition: Edition, locale: &str) -> Result<Self> {
        let environment = TestEnvironment::load()?;
        let name = next_name();
        let cluster = &environment.cluster;
        cluster.create_empty_database_of_locale(&name, locale)?;
        xtask::database::prepare_beside(cluster, &name, edition, &environment.agora)?;
        let database = Self::open(environment, name).await?;
        database.lift_rates().await?;
        Ok(database)
    }

    async fn open(environment: TestEnvironment, name: String) -> Result<Self> {
        let owner = connect(&environment.cluster.url("postgres", &name)?).await?;
        Ok(Self {
            environment,
            name,
            owner,
            is_not_compared: None,
        })
    }

    /// With Supabase's schemas and nothing of the product.
    pub async fn without_product() -> Result<Self> {
        let database = Self::create().await?;
        database.drop_product().await?;
        Ok(database)
    }

    /// Takes the product away, of either edition.
    pub async fn drop_product(&self) -> Result<()> {
        let superuser = self.superuser().await?;
        superuser
            .batch_execute(
                "drop extension if exists pg_stream_ext cascade;
                 drop schema if exists stream_ext cascade;
                 drop schema stream cascade;
                 drop schema stream_edge, stream_private cascade",
            )
            .await?;
        Ok(())
    }

    /// With one edition, whichever the run of the tests has chosen.
    pub async fn of_edition(edition: Edition) -> Result<Self> {
        Self::of_edition_in(TestEnvironment::load()?, edition).await
    }

    /// In a cluster of the test's own.
    pub async fn of_edition_in(environment: TestEnvironment, edition: Edition) -> Result<Self> {
        let database = Self::create_in(environment).await?;
        if Edition::chosen()? == edition {
            return Ok(database);
        }
        database.drop_product().await?;
        let environment = &database.environment;
        xtask::database::install(&environment.cluster, &database.name, edition)?;
        database
            .change(&format!(
                "update stream.config set agora_app_id = '{}' where id",
                environment.agora.app_id
            ))
            .await?;
        database.lift_rates().await?;
        Ok(database)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets the rates of all tests but those about a rate.
    pub async fn lift_rates(&self) -> Result<()> {
        self.change(RATES_OF_TESTS).await
    }

    /// For a test that writes broadcasts of its own, or stops its server: they are not compared with
    /// `contract/events.json` when it ends.
    pub fn keep_broadcasts_uncompared(&mut self, why: &'static str) {
        self.is_not_compared = Some(why);
    }

    /// Notes what was broadcast and is not as declared; it fails `cargo x test`.
    fn compare_broadcasts(&self) -> Result<()> {
        if self.environment.broadcasts_file.is_none() || self.is_not_compared.is_some() {
            return Ok(());
        }
        let cluster = &self.environment.cluster;
        let violations = declared_events::violations_in(cluster, &self.name)
            .unwrap_or_else(|error| vec![format!("cannot be read: {error:#}")]);
        if violations.is_empty() {
            return Ok(());
        }
        self.environment.note_broadcasts(&WrongBroadcasts {
            // Tests run in threads of their names.
            test: std::thread::current().name().unwrap_or("?").to_owned(),
            violations,
        })
    }

    /// A connection of a role that logs in.
    pub async fn connect(&self, role: &str) -> Result<Client> {
        connect(&self.environment.cluster.url(role, &self.name)?).await
    }

    /// A connection of the superuser: only for what no role of the product can do.
    pub async fn superuser(&self) -> Result<Client> {
        self.connect(SUPERUSER).await
    }

    /// A connection of the API's login role, which acts as `identity`.
    pub async fn session(&self, identity: Identity) -> Result<Session> {
        Ok(Session::new(self.connect("authenticator").await?, identity))
    }

    pub async fn user(&self, id: Uuid) -> Result<Session> {
        self.session(Identity::user(id)).await
    }

    pub async fn service(&self) -> Result<Session> {
        self.session(Identity::service()).await
    }

    pub async fn anon(&self) -> Result<Session> {
        self.session(Identity::anon()).await
    }

    /// A user of the application, who has a public name.
    pub async fn add_user(&self, username: &str) -> Result<Uuid> {
        let id = self.add_stranger().await?;
        self.owner
            .execute(
                "insert into public.users (id, username) values ($1, $2)",
                &[&id, &username],
            )
            .await?;
        Ok(id)
    }

    /// Somebody who can sign in and has no profile: the demo application lets them view nothing.
    pub async fn add_stranger(&self) -> Result<Uuid> {
        let id = Uuid::new_v4();
        self.owner
            .execute(
                "insert into auth.users (
                     id, instance_id, aud, role, email, raw_user_meta_data, confirmation_token,
                     recovery_token, email_change_token_new, email_change, created_at, updated_at
                 )
                 values (
                     $1, '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', $2,
                     '{\"username\": \"seller\"}', '', '', '', '', now(), now()
                 )",
                &[&id, &format!("{id}@demo.test")],
            )
            .await?;
        Ok(id)
    }

    pub async fn add_auction(&self, seller: Uuid) -> Result<Uuid> {
        let row = self
            .owner
            .query_one(
                "insert into public.auctions (seller_id, title) values ($1, 'Auction') returning id",
                &[&seller],
            )
            .await?;
        Ok(row.get(0))
    }

    /// A single value that the table owner reads.
    pub async fn value<T>(&self, query: &str) -> Result<T>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let row = self
            .owner
            .query_one(query, &[])
            .await
            .with_context(|| format!("query failed: {query}"))?;
        Ok(row.try_get(0)?)
    }

    /// How many pages of shared buffers a query of the table owner touches, with all that it calls.
    pub async fn pages(&self, query: &str) -> Result<u64> {
        let explain = format!("explain (analyze, buffers, timing off, format json) {query}");
        let plan: Value = self.value(&explain).await?;
        let of = |kind: &str| plan[0]["Plan"][format!("Shared {kind} Blocks")].as_u64();
        let (hit, read) = of("Hit").zip(of("Read")).context("no buffers")?;
        Ok(hit + read)
    }

    /// A statement of the table owner that calls native functions, under the path that those demand.
    pub async fn native(&self, statement: &str) -> Result<()> {
        let statements = format!("set local search_path = pg_catalog, pg_temp; {statement}");
        self.change(&statements).await
    }

    /// Statements of the table owner.
    pub async fn change(&self, statements: &str) -> Result<()> {
        Ok(self.owner.batch_execute(statements).await?)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Err(error) = self.compare_broadcasts() {
            eprintln!("{error:#}");
        }
        // The cluster takes it away otherwise.
        if let Err(error) = self.environment.cluster.drop_database(&self.name) {
            eprintln!("{error:#}");
        }
    }
}

/// A name that no other database of the run has.
fn next_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test_{}_{number}", std::process::id())
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("cannot connect to the test's database")?;
    // Ends by itself when the client is dropped; an error reaches the client's calls too.
    tokio::spawn(connection);
    Ok(client)
}
