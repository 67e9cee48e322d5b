//! One of the two databases, with a connection for each caller.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::session::Session;
use tokio_postgres::Client;
use xtask::edition::Edition;

use super::caller::Caller;
use super::normal_form::NormalForm;
use super::operations::{Call, Known, OWNER};
use super::spans;

/// Tables whose rows depend on when, and for how long, the regular work ran.
const NOT_COMPARED: [&str; 3] = ["chat_tail_reads", "figures", "rule_figures"];

/// Columns of other tables that are left out: a transaction's number, and the salt of a new epoch.
const LEFT_OUT: [&str; 2] = ["xid", "epoch_salt"];

/// The entries of frames, and all other broadcasts whose number does not depend on the time.
const FRAMES: &str = "
select coalesce(array_agg(f.frame), '{}') from (
    -- What a frame holds depends on when the one before was sent; that every entry is in one does not.
    select concat_ws(' ', m.topic, e.entry) as frame
    from realtime.messages as m cross join jsonb_array_elements(m.payload -> 'messages') as e (entry)
    where m.event = 'messages'
    union all
    select concat_ws(' ', m.topic, m.event, m.payload) from realtime.messages as m
    where m.event not in ('messages', 'viewer_count', 'reactions', 'canary')
) as f";

/// What a caller was told, in its normal form.
#[derive(Debug, Default)]
pub struct Answer {
    pub text: String,
    pub is_success: bool,
    /// The spans of time in it.
    pub spans_ms: Vec<i64>,
}

impl Answer {
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.text == other.text
            && self.is_success == other.is_success
            && spans::agree(&self.spans_ms, &other.spans_ms)
    }
}

/// The rows of a call. Which of a user's streams is forgotten first is not said, so all calls that it takes count as one: their
/// number and sum.
async fn answer(
    session: &Session,
    operation: &str,
    arguments: Value,
) -> Result<Vec<Value>, tokio_postgres::Error> {
    if operation != "forget_user" {
        return session.rpc_rows(operation, arguments).await;
    }
    let (mut calls, mut changed) = (0, 0);
    loop {
        let rows = session.rpc_rows(operation, arguments.clone()).await?;
        calls += 1;
        changed += rows[0]["changed"].as_i64().unwrap_or_default();
        if rows[0]["has_more"] != true {
            return Ok(vec![json!({"calls": calls, "changed": changed})]);
        }
    }
}

pub struct Side {
    database: TestDatabase,
    superuser: Client,
    callers: Vec<(Caller, Session)>,
    tables: Vec<String>,
    /// The hook as the application made it.
    hook: String,
    normal: NormalForm,
    known: Known,
}

impl Side {
    pub async fn new(edition: Edition) -> Result<Self> {
        let mut database = TestDatabase::of_edition(edition).await?;
        database.keep_broadcasts_uncompared("they are deleted before each case");
        database
            .change(
                "update stream.config set token_rate_per_minute = 1000000, reports_per_minute = 1000000,
                     reaction_interval_ms = 1, reaction_burst = 1000 where id",
            )
            .await?;
        let mut callers = Vec::new();
        for caller in Caller::ALL {
            let session = match caller {
                Caller::Service => database.service().await?,
                Caller::Anonymous => database.anon().await?,
                _ => {
                    let user = caller.user().context("signed in")?;
                    database.user(user).await?
                }
            };
            callers.push((caller, session));
        }
        let tables: Vec<String> = database
            .value(
                "select array_agg(c.relname::text order by 1) from pg_catalog.pg_class as c
                 where c.relkind = 'r' and c.relnamespace = 'stream'::regnamespace",
            )
            .await?;
        for table in NOT_COMPARED {
            ensure!(tables.iter().any(|name| name == table), "no table {table}");
        }
        let hook = database
            .value("select pg_get_functiondef('stream.hook_can_chat(uuid, uuid)'::regprocedure)")
            .await?;
        Ok(Self {
            hook,
            superuser: database.superuser().await?,
            database,
            callers,
            tables,
            normal: NormalForm::default(),
            known: Known::default(),
        })
    }

    /// Empties the tables, and takes away what the owner has added. Plans and caches of the connections stay: they are a cheap case's.
    pub async fn begin(&mut self) -> Result<()> {
        self.normal = NormalForm::default();
        self.known = Known::default();
        let kept = ["canary", "chat_tail_reads", "config", "figures", "ticker"];
        let emptied = self
            .tables
            .iter()
            .filter(|name| !kept.contains(&name.as_str()));
        let deletes: String = emptied
            .map(|name| format!("delete from stream.{name};"))
            .collect();
        let hook = &self.hook;
        self.superuser
            .batch_execute(&format!(
                "begin;
                 drop trigger if exists fail on stream.stream_viewers;
                 {hook};
                 set local session_replication_role = replica;
                 {deletes}
                 delete from realtime.messages;
                 update stream.config set epoch_salt = 'differential' where id;
                 commit"
            ))
            .await?;
        Ok(())
    }

    /// Makes a call and returns its normal form.
    pub async fn make(&mut self, call: &Call) -> Result<Answer> {
        let (_, session) = self
            .callers
            .iter()
            .find(|(caller, _)| *caller == call.caller)
            .context("every caller is there")?;
        if call.operation == OWNER {
            let statement = call.arguments.as_str().context("is a statement")?;
            self.database.change(&self.known.filled(statement)).await?;
            return Ok(Answer {
                is_success: true,
                ..Answer::default()
            });
        }
        let arguments = self.known.filled(&call.arguments.to_string());
        let arguments = serde_json::from_str(&arguments)?;
        let outcome = answer(session, call.operation, arguments).await;
        let is_success = outcome.is_ok();
        let text = match outcome {
            Ok(rows) => {
                self.known.learn(call.operation, &rows);
                Value::Array(rows).to_string()
            }
            Err(error) => {
                let error = error.as_db_error().context("is of the database")?;
                json!([
                    error.code().code(),
                    error.message(),
                    error.detail(),
                    error.hint()
                ])
                .to_string()
            }
        };
        Ok(Answer {
            text: self.normal.of(&text),
            is_success,
            spans_ms: spans::told(&text),
        })
    }

    /// All rows at the end, and what was broadcast.
    pub async fn rows(&mut self) -> Result<Vec<String>> {
        spans::ensure_order(&self.database).await?;
        spans::ensure_nothing_is_lost(&self.database).await?;
        let mut all = spans::of_rows(&self.database).await?;
        let compared = self.tables.iter();
        for table in compared.filter(|name| !NOT_COMPARED.contains(&name.as_str())) {
            let rows: Vec<String> = self
                .database
                .value(&format!(
                    "select coalesce(array_agg((to_jsonb(t) - '{{{}}}'::text[])::text), '{{}}') from stream.{table} as t",
                    LEFT_OUT.join(",")
                ))
                .await?;
            all.extend(
                rows.iter()
                    .map(|row| format!("{table} {}", self.normal.of_known(row))),
            );
        }
        let frames: Vec<String> = self.database.value(FRAMES).await?;
        all.extend(
            frames
                .iter()
                .map(|frame| format!("frame {}", self.normal.of_known(frame))),
        );
        all.sort();
        Ok(all)
    }
}
