//! A connection whose session is as hostile as direct SQL allows, and a record of the code that ran in it, with
//! its role.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stream_tests::database::TestDatabase;
use stream_tests::identity::Identity;
use stream_tests::session::{Argument, literal};
use tokio::sync::mpsc;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use super::calls::{CallTargets, CalledFunction};
use super::traps;

const CANARIES: &str = "select 'text'::text; select * from pg_class; select lower('LOWER'); select 1 || 'text'::pg_catalog.text";

/// Who attacks.
pub struct Attacker {
    pub name: &'static str,
    /// Whom the connection is of.
    pub login: String,
    /// As whom it calls.
    pub identity: Identity,
    pub user: Option<uuid::Uuid>,
}

/// An open session of one attacker.
pub struct HostileSession<'a> {
    attacker: &'a Attacker,
    client: Client,
    warnings: mpsc::UnboundedReceiver<String>,
    /// Code of each call, by its statement: `ok` or a SQLSTATE.
    pub outcomes: BTreeMap<String, String>,
    /// Traps that ran as somebody else: the call and the warning.
    pub escapes: Vec<(String, String)>,
    /// Traps that ran as the caller.
    pub own: usize,
}

impl<'a> HostileSession<'a> {
    /// Connects; `traps` are the statements of [`traps::temporary`], none for a session to compare with.
    pub async fn open(
        database: &TestDatabase,
        attacker: &'a Attacker,
        traps: &str,
    ) -> Result<Self> {
        let address = &database.environment.cluster;
        // Over the socket, where no password is asked for.
        let (client, mut connection) = Config::new()
            .host_path(&address.socket_dir)
            .port(address.port)
            .user(&attacker.login)
            .dbname(database.name())
            .connect(NoTls)
            .await
            .with_context(|| format!("{} cannot connect", attacker.name))?;
        let (send, warnings) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notice(notice) = message
                    && notice.message().starts_with(traps::SIGN)
                {
                    let _ = send.send(notice.message().to_owned());
                }
            }
        });
        client
            .batch_execute("set statement_timeout = '60s'")
            .await?;
        client
            .batch_execute(traps)
            .await
            .context("cannot lay the traps")?;
        let mut session = Self {
            attacker,
            client,
            warnings,
            outcomes: BTreeMap::new(),
            escapes: Vec::new(),
            own: 0,
        };
        if !traps.is_empty() {
            session
                .client
                .batch_execute("set search_path = pg_temp, public, pg_catalog")
                .await?;
            // A type, a relation, a function and an operator, found by the session's own statements.
            session.client.batch_execute(CANARIES).await?;
            session.note("laying the traps");
            ensure!(session.own == 4, "{} traps work", session.own);
            ensure!(session.escapes.is_empty(), "{:?}", session.escapes);
        }
        Ok(session)
    }

    /// Lets a function be compiled under the session's path, where that is allowed.
    pub async fn compile(&mut self, function: &CalledFunction) -> Result<()> {
        self.begin().await?;
        let compile = format!(
            "select pg_catalog.plpgsql_validator('{}'::pg_catalog.oid)",
            function.oid
        );
        let _ = self.client.simple_query(&compile).await;
        self.client.batch_execute("rollback").await?;
        self.note(&compile);
        Ok(())
    }

    pub async fn call(&mut self, function: &CalledFunction, world: &CallTargets) -> Result<()> {
        let (statement, arguments) = function.call(world, self.attacker.user);
        self.run(&function.signature, &statement, &arguments).await
    }

    /// Runs a statement with its deferred triggers and takes everything back.
    pub async fn run(&mut self, name: &str, statement: &str, arguments: &[Value]) -> Result<()> {
        self.begin().await?;
        let arguments: Vec<Argument> = arguments.iter().map(Argument::new).collect();
        let bound: Vec<(&(dyn ToSql + Sync), Type)> = arguments
            .iter()
            .map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN))
            .collect();
        let outcome = match self.client.query_typed(statement, &bound).await {
            Ok(_) => {
                self.client
                    .batch_execute("set constraints all immediate")
                    .await
            }
            Err(error) => Err(error),
        };
        let outcome = match outcome {
            Ok(()) => "ok".to_owned(),
            Err(error) => {
                let refusal = error
                    .as_db_error()
                    .with_context(|| format!("{name}: {error}"))?;
                format!("{} {}", refusal.code().code(), refusal.message())
            }
        };
        self.client.batch_execute("rollback").await?;
        self.note(name);
        self.outcomes.insert(name.to_owned(), outcome);
        Ok(())
    }

    /// Lets the server count at once what ran in this session.
    pub async fn flush_statistics(&self) -> Result<()> {
        let flush = "select pg_catalog.pg_stat_force_next_flush()";
        self.client.batch_execute(flush).await?;
        Ok(self.client.batch_execute("select 1").await?)
    }

    async fn begin(&self) -> Result<()> {
        let identity = &self.attacker.identity;
        let role = match identity.role {
            "" => String::new(),
            role => format!(
                "select pg_catalog.set_config('role', {}, true);",
                literal(role)
            ),
        };
        let begin = format!(
            "begin; {role} select pg_catalog.set_config('request.jwt.claims', {}, true)",
            literal(&identity.claims_text())
        );
        Ok(self.client.batch_execute(&begin).await?)
    }

    /// Takes the warnings that came; all of a statement are there once it has been answered.
    fn note(&mut self, call: &str) {
        let caller = match self.attacker.identity.role {
            "" => self.attacker.login.as_str(),
            role => role,
        };
        while let Ok(warning) = self.warnings.try_recv() {
            if warning.ends_with(&format!(" ran as {caller}"))
                || warning.ends_with(&format!(" ran as {}", self.attacker.login))
            {
                self.own += 1;
            } else {
                self.escapes.push((call.to_owned(), warning));
            }
        }
    }
}
