//! `cargo x bench --edition sql`: the calls of the SQL edition next to those of the native one, in turns in one run.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "../chat/baseline.rs"]
mod baseline;
mod calls;
mod inserts;
#[path = "../token/like_row.rs"]
mod like_row;
mod side;

use anyhow::Result;
use stream_tests::bench::{Report, Row};
use xtask::edition::Edition;

use calls::Call;
use inserts::Inserts;
use side::Side;

const ROUNDS: usize = 7;

/// What a call is compared with, and the least ratio that is right.
const TARGETS: &[(Call, Against, f64)] = &[
    (
        Call::Send,
        Against::Inserts("BEGIN, two inserts, COMMIT"),
        0.6,
    ),
    (
        Call::Token,
        Against::Inserts("insert of a like row in plpgsql"),
        0.25,
    ),
    (Call::Heartbeat, Against::Native, 0.3),
    (Call::Sync, Against::Native, 0.8),
    (Call::History, Against::Native, 0.8),
    (Call::Join, Against::Native, 0.8),
];

#[derive(Clone, Copy)]
enum Against {
    Native,
    Inserts(&'static str),
}

#[derive(Default)]
struct Rates {
    native: Vec<f64>,
    sql: Vec<f64>,
    inserts: Vec<f64>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let native = Side::create(Edition::Native).await?;
    let sql = Side::create(Edition::Sql).await?;
    let inserts = Inserts::create(&sql).await?;
    let mut report = Report::begin(&sql.database.owner).await?;
    for (conditions, fsync, calls) in [
        ("CPU-bound", "off", Call::ALL.as_slice()),
        ("durable", "on", [Call::Send].as_slice()),
    ] {
        set_fsync(&sql, fsync).await?;
        for call in calls {
            let rates = measure(*call, &native, &sql, &inserts).await?;
            add_rows(&mut report, *call, conditions, &rates);
        }
    }
    report.finish()
}

async fn set_fsync(side: &Side, value: &str) -> Result<()> {
    let superuser = side.database.superuser().await?;
    superuser
        .batch_execute(&format!("alter system set fsync = {value}"))
        .await?;
    superuser.batch_execute("select pg_reload_conf()").await?;
    stream_tests::waiting::wait_until(
        &side.database.owner,
        &format!("select current_setting('fsync') = '{value}'"),
    )
    .await
}

async fn measure(call: Call, native: &Side, sql: &Side, inserts: &Inserts) -> Result<Rates> {
    let mut rates = Rates::default();
    for round in 0..=ROUNDS {
        let of_native = native.per_second(call).await?;
        let of_sql = sql.per_second(call).await?;
        let of_inserts = match call {
            Call::Send | Call::Token => inserts.per_second(sql, call).await?,
            _ => 0.0,
        };
        // The first round warms caches and plans.
        if round > 0 {
            rates.native.push(of_native);
            rates.sql.push(of_sql);
            rates.inserts.push(of_inserts);
        }
    }
    Ok(rates)
}

/// Each call next to native; and next to what its target names, where that is something else.
fn add_rows(report: &mut Report, call: Call, conditions: &str, rates: &Rates) {
    let row = |baseline: &str, baselines: &[f64]| {
        let name = format!("{}, {conditions}", call.name());
        Row::in_rounds("editions", name, &rates.sql, "1/s", baseline, baselines)
    };
    let target = TARGETS.iter().find(|(of, _, _)| *of == call);
    match target {
        Some((_, Against::Inserts(what), least)) => {
            report.add(row("native", &rates.native));
            report.add(row(what, &rates.inserts).with_least_ratio(*least));
        }
        Some((_, Against::Native, least)) => {
            report.add(row("native", &rates.native).with_least_ratio(*least));
        }
        None => report.add(row("native", &rates.native)),
    }
}
