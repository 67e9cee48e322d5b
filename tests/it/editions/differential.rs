//! The same random operations in both editions, in two databases of one cluster: results, refusals, rows and frames agree.
//!
//! Ids that a server makes, times and tokens are compared by where they appear: see `normal_form`.

mod normal_form;
mod operations;

use anyhow::{Context, Result, ensure};
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng};
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::property_seed;
use stream_tests::session::Session;
use xtask::edition::Edition;

use normal_form::NormalForm;
use operations::{Call, Caller, Known, OWNER};

/// Operations of one case.
const OPERATIONS: usize = 200;

/// Cases without `PROPTEST_CASES`; the whole property is 256.
const CASES: u32 = 4;

/// Rows of the regular work depend on the time at which it ran, and queues on who was first.
const TABLES: &str = "
select c.oid::regclass::text from pg_catalog.pg_class as c
where c.relkind = 'r' and c.relnamespace = 'stream'::regnamespace
    and c.relname not in ('chat_tails', 'chat_tail_reads', 'ticker', 'figures', 'realtime_sends', 'realtime_spending', 'governor',
        'viewer_changes', 'config', 'rule_figures', 'chat_relay', 'canary', 'live_change_totals')
order by 1";

/// One of the two databases, with a connection for each caller.
struct Side {
    edition: Edition,
    database: TestDatabase,
    callers: Vec<(Caller, Session)>,
    normal: NormalForm,
    known: Known,
}

impl Side {
    async fn new(edition: Edition) -> Result<Self> {
        let database = TestDatabase::of_edition(edition).await?;
        database
            .change(
                "update stream.config set token_rate_per_minute = 1000000, reports_per_minute = 1000000,
                     reaction_interval_ms = 1, reaction_burst = 1000, epoch_salt = 'differential' where id",
            )
            .await?;
        let mut callers = Vec::new();
        for caller in Caller::ALL {
            let session = match caller.user() {
                Some(user) => database.user(user).await?,
                None => database.service().await?,
            };
            callers.push((caller, session));
        }
        Ok(Self {
            edition,
            database,
            callers,
            normal: NormalForm::default(),
            known: Known::default(),
        })
    }

    /// Makes a call and returns its normal form.
    async fn make(&mut self, call: &Call) -> Result<String> {
        let (_, session) = self
            .callers
            .iter()
            .find(|(caller, _)| *caller == call.caller)
            .context("every caller is there")?;
        let arguments = self.known.filled(&call.arguments);
        if call.operation == OWNER {
            let statement = arguments.as_str().context("is a statement")?;
            self.database.change(statement).await?;
            return Ok(String::new());
        }
        let outcome = match session.rpc_rows(call.operation, arguments).await {
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
        Ok(self.normal.of(&outcome))
    }

    /// All rows at the end, and what was broadcast.
    async fn rows(&mut self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for table in self.database.owner.query(TABLES, &[]).await? {
            let table: String = table.get(0);
            let rows: Vec<String> = self
                .database
                .value(&format!(
                    "select coalesce(array_agg(to_jsonb(t)::text), '{{}}') from {table} as t"
                ))
                .await?;
            let mut rows: Vec<String> = rows
                .iter()
                .map(|row| format!("{table} {}", self.normal.of_known(row)))
                .collect();
            rows.sort();
            all.extend(rows);
        }
        let frames: Vec<String> = self
            .database
            .value(
                "select coalesce(array_agg(f.frame), '{}') from (
                     -- What a frame holds depends on when the one before was sent; that every entry is in one does not.
                     select concat_ws(' ', m.topic, e.entry) as frame
                     from realtime.messages as m cross join jsonb_array_elements(m.payload -> 'messages') as e (entry)
                     where m.event = 'messages'
                     union all
                     select concat_ws(' ', m.topic, m.event, m.payload) from realtime.messages as m
                     where m.event not in ('messages', 'viewer_count', 'reactions', 'canary')
                 ) as f",
            )
            .await?;
        let mut frames: Vec<String> = frames
            .iter()
            .map(|frame| format!("frame {}", self.normal.of_known(frame)))
            .collect();
        frames.sort();
        all.extend(frames);
        Ok(all)
    }
}

#[tokio::test]
async fn both_editions_do_the_same() -> Result<()> {
    let Config {
        cases, rng_seed, ..
    } = property_seed::config(CASES);
    let RngSeed::Fixed(seed) = rng_seed else {
        panic!("a seed is printed");
    };
    for case in 0..cases {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&case.to_le_bytes());
        play(case, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)).await?;
    }
    Ok(())
}

async fn play(case: u32, mut random: TestRng) -> Result<()> {
    let mut native = Side::new(Edition::Native).await?;
    let mut sql = Side::new(Edition::Sql).await?;
    let mut made: Vec<Call> = Vec::new();
    for number in 0..OPERATIONS {
        let call = Call::random(&mut random, number);
        let wanted = native.make(&call).await?;
        let answer = sql.make(&call).await?;
        made.push(call);
        ensure!(
            answer == wanted,
            "case {case}, operation {number}\nnative {wanted}\nsql    {answer}\nafter {:#?}",
            &made[made.len().saturating_sub(6)..]
        );
    }
    let (wanted, rows) = (native.rows().await?, sql.rows().await?);
    let missing: Vec<_> = wanted
        .iter()
        .filter(|row| !rows.contains(row))
        .take(6)
        .collect();
    let strange: Vec<_> = rows
        .iter()
        .filter(|row| !wanted.contains(row))
        .take(6)
        .collect();
    ensure!(
        wanted == rows,
        "case {case}: in {} alone {missing:#?}\nin {} alone {strange:#?}",
        native.edition.as_str(),
        sql.edition.as_str()
    );
    ensure!(wanted.len() > 20, "case {case} wrote {} rows", wanted.len());
    Ok(())
}
