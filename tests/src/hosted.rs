//! A server like those of hosted Supabase, as far as SQL can make one: role postgres and its rights are as there, and nothing of
//! the product is installed.

use std::fs;

use anyhow::{Context, Result};
use xtask::cluster::Options;
use xtask::edition::Edition;
use xtask::{database, postgres, workspace};

use crate::database::TestDatabase;
use crate::own_cluster::OwnCluster;

const ROLES_AND_RIGHTS: &str = "supabase/local/hosted.sql";

/// What the template of the tests holds besides Supabase's own schemas.
const NOTHING_OF_OURS: &str = "
    drop extension if exists pg_stream_ext cascade;
    drop schema if exists stream_ext cascade;
    drop schema stream cascade;
    drop schema stream_edge, stream_private cascade;
    drop table public.auction_bids, public.auctions, public.users cascade;
    drop function if exists public.list_auctions, public.bid_step, public.place_bid;
    delete from auth.users;
    delete from vault.secrets;";

/// The time that hosted Supabase gives any statement.
const STATEMENT_TIMEOUT: &str = "statement_timeout=2min";

/// A project: a database, and its server, which is the test's own.
pub struct Hosted {
    /// Dropped before its server.
    pub database: TestDatabase,
    pub own: OwnCluster,
}

impl Hosted {
    /// Before any migration.
    pub async fn start(name: &str) -> Result<Self> {
        let mut options = Options::temporary(name)?;
        options.settings.push(STATEMENT_TIMEOUT.to_owned());
        Self::start_with(options).await
    }

    /// The same, with the extensions that role postgres makes there and this server has; it tells whether it has pg_cron and
    /// plpgsql_check.
    pub async fn start_with_extensions(name: &str) -> Result<(Self, bool, bool)> {
        let (has_cron, has_check) = (
            postgres::ensure_pg_cron()?,
            postgres::ensure_plpgsql_check()?,
        );
        let mut options = Options::temporary(name)?;
        options.settings.push(STATEMENT_TIMEOUT.to_owned());
        if has_cron {
            // Else each job logs in over TCP and needs a password file.
            let settings = [
                "shared_preload_libraries=pg_cron",
                "cron.use_background_workers=on",
            ];
            options.settings.extend(settings.map(str::to_owned));
        }
        let mut hosted = Self::start_with(options).await?;
        if has_cron {
            hosted.install_pg_cron().await?;
        }
        if has_check {
            let superuser = hosted.database.superuser().await?;
            let statement = "create extension plpgsql_check with schema extensions";
            superuser.batch_execute(statement).await?;
        }
        Ok((hosted, has_cron, has_check))
    }

    async fn start_with(options: Options) -> Result<Self> {
        let own = OwnCluster::start(options)?;
        let file = workspace::root().join(ROLES_AND_RIGHTS);
        let rights =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let environment = own.make_template(&format!("{NOTHING_OF_OURS}\n{rights}"))?;
        let database = TestDatabase::copy_in(environment).await?;
        Ok(Self { database, own })
    }

    /// It looks for jobs in one database, which its server is told when it starts.
    async fn install_pg_cron(&mut self) -> Result<()> {
        let database = &mut self.database;
        let name = database.name().to_owned();
        let superuser = database.superuser().await?;
        superuser
            .batch_execute(&format!("alter system set cron.database_name = '{name}'"))
            .await?;
        self.own.cluster.restart()?;
        database.environment.cluster = self.own.cluster.address().clone();
        database.owner = database.connect(database::OWNER).await?;
        let superuser = database.superuser().await?;
        superuser
            .batch_execute("call extensions.hosted_cron()")
            .await?;
        Ok(())
    }

    /// With the SQL edition, the demo application and its people, all by role postgres.
    pub async fn installed(name: &str) -> Result<Self> {
        let hosted = Self::start(name).await?;
        let database = &hosted.database;
        let cluster = &database.environment.cluster;
        database::migrate(cluster, database.name(), Edition::Sql)?;
        hosted.close().await?;
        database::seed(cluster, database.name())?;
        let agora = &database.environment.agora;
        // The certificate is a parameter, and in no statement.
        let secret = "select vault.create_secret($1, 'agora_app_certificate')";
        database
            .owner
            .execute(secret, &[&agora.certificate])
            .await?;
        let app_id = "update stream.config set agora_app_id = $1 where id";
        database.owner.execute(app_id, &[&agora.app_id]).await?;
        database.lift_rates().await?;
        Ok(hosted)
    }

    /// Takes from role postgres the one thing that it has here for the migrations alone: what stands in for the library by which it
    /// makes policies on realtime.messages there.
    pub async fn close(&self) -> Result<()> {
        let superuser = self.database.superuser().await?;
        superuser
            .batch_execute("call extensions.hosted_done()")
            .await?;
        Ok(())
    }
}
