//! `cargo x bench moving`: the longest call while a database with a live stream moves between the editions.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use stream_tests::bench::{Report, Row};
use stream_tests::database::TestDatabase;
use stream_tests::load_over_moves::Load;
use xtask::edition::Edition;

/// Moves in each direction.
const MOVES: usize = 7;

/// The longest pause that a caller may notice.
const TARGET_MS: f64 = 2000.0;

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Native).await?;
    let mut report = Report::begin(&database.owner).await?;
    let load = Load::start(&database).await?;
    load.goes_on().await?;
    let mut longest = [Duration::ZERO; 2];
    let mut moves = [Duration::ZERO; 2];
    for _ in 0..MOVES {
        for (place, edition) in [Edition::Sql, Edition::Native].into_iter().enumerate() {
            load.take_longest();
            let begun = Instant::now();
            let address = database.environment.cluster.clone();
            let name = database.name().to_owned();
            tokio::task::spawn_blocking(move || xtask::database::move_to(&address, &name, edition))
                .await??;
            moves[place] = moves[place].max(begun.elapsed());
            load.goes_on().await?;
            longest[place] = longest[place].max(load.take_longest());
        }
    }
    let told = load.end().await?;
    ensure!(told.faults.is_empty(), "{:#?}", told.faults);
    for (place, edition) in ["sql", "native"].into_iter().enumerate() {
        let call = format!("longest call over {MOVES} moves to {edition}");
        let row = Row::new("moving", call, milliseconds(longest[place]), "ms");
        report.add(row.with_most(TARGET_MS));
        let whole = format!("longest of {MOVES} moves to {edition}, to the end of its file");
        report.add(Row::new("moving", whole, milliseconds(moves[place]), "ms"));
    }
    report.finish()
}
