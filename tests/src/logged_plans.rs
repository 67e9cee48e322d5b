//! Plans that a server of a test's own logs, with the rows that each node really read.

use anyhow::Result;
use tokio_postgres::Client;
use xtask::cluster::Options;

use crate::database::TestDatabase;
use crate::own_cluster::OwnCluster;

/// A database with realistic rows, all of whose statements are explained in the server's log.
pub struct LoggedPlans {
    // Dropped in this order: the server last.
    pub superuser: Client,
    pub database: TestDatabase,
    own: OwnCluster,
}

impl LoggedPlans {
    /// `fill` is run before the first plan is logged.
    pub async fn start(name: &str, fill: &str) -> Result<Self> {
        let settings = [
            "session_preload_libraries=auto_explain",
            "auto_explain.log_nested_statements=on",
            "auto_explain.log_analyze=on",
            "auto_explain.log_timing=off",
            "shared_buffers=512MB",
            "max_wal_size=8GB",
            "autovacuum=off",
        ]
        .map(str::to_owned);
        let mut options = Options::temporary(name)?;
        options.settings.extend(settings);
        let own = OwnCluster::start(options)?;
        let database = TestDatabase::create_in(own.make_template("")?).await?;
        let superuser = database.superuser().await?;
        superuser.batch_execute(fill).await?;
        let plans = Self {
            superuser,
            database,
            own,
        };
        plans
            .set_of_database("set auto_explain.log_min_duration = 0")
            .await?;
        Ok(plans)
    }

    /// For connections that are made from here on.
    pub async fn stop_logging(&self) -> Result<()> {
        self.set_of_database("reset auto_explain.log_min_duration")
            .await
    }

    /// The server's log; fails when it holds no more plans than this.
    pub fn log(&self, more_than: usize) -> Result<String> {
        let log = self.own.log()?;
        let plans = log.matches("Query Text:").count();
        anyhow::ensure!(plans > more_than, "only {plans} plans were logged");
        Ok(log)
    }

    async fn set_of_database(&self, change: &str) -> Result<()> {
        let name = self.database.name();
        let statement = format!("alter database \"{name}\" {change}");
        Ok(self.superuser.batch_execute(&statement).await?)
    }
}

/// What a node of a plan read of a table, all its loops together.
#[derive(Debug)]
pub struct Scan<'a> {
    pub line: &'a str,
    pub rows: f64,
    /// By a filter, or because a look at the row itself showed that it does not match.
    pub removed: f64,
}

impl Scan<'_> {
    pub fn is_of(&self, table: &str) -> bool {
        self.line.contains(&format!(" on {table} "))
    }

    pub fn is_of_any(&self, tables: &[&str]) -> bool {
        tables.iter().any(|table| self.is_of(table))
    }

    /// Without an index.
    pub fn is_of_the_whole_table(&self) -> bool {
        self.line.contains("Seq Scan")
    }
}

/// The scans of the logged plans that were really executed.
pub fn scans(log: &str) -> Vec<Scan<'_>> {
    let mut scans: Vec<Scan<'_>> = Vec::new();
    // Of the node that the lines below it speak of.
    let mut of_scan = None;
    for line in log.lines() {
        if line.contains("(cost=") {
            of_scan = None;
            if line.contains(" Scan ") && !line.contains("never executed") {
                let loops = number_after(line, "loops=");
                of_scan = Some(loops);
                scans.push(Scan {
                    line,
                    rows: number_after(line, "actual rows=") * loops,
                    removed: 0.0,
                });
            }
        } else if line.contains("Rows Removed by ")
            && let (Some(loops), Some(scan)) = (of_scan, scans.last_mut())
        {
            scan.removed += number_after(line, ": ") * loops;
        }
    }
    scans
}

/// Infinite when there is none, so that no bound holds.
fn number_after(line: &str, name: &str) -> f64 {
    let text = line.rsplit(name).next().unwrap_or_default();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    text[..digits.unwrap_or(text.len())]
        .parse()
        .unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_are_read_with_their_loops_and_what_they_threw_away() {
        let log = "  Nested Loop  (cost=1.00..2.00 rows=1 width=4) (actual rows=6 loops=1)
            ->  Index Scan using a_idx on a  (cost=0.00..1.00 rows=1 width=4) (actual rows=2 loops=3)
                  Filter: (x > 1)
                  Rows Removed by Filter: 5
            ->  Seq Scan on b  (cost=0.00..1.00 rows=1 width=4) (never executed)";
        let scans = scans(log);
        assert_eq!(scans.len(), 1);
        assert!(scans[0].is_of("a") && !scans[0].is_of_the_whole_table());
        assert!((scans[0].rows - 6.0).abs() < f64::EPSILON);
        assert!((scans[0].removed - 15.0).abs() < f64::EPSILON);
    }
}
