//! The figures of rounds: requests, time, and the CPU of each process that took part.

use std::time::{Duration, Instant};

use anyhow::Result;
use stream_tests::bench::{Report, Row};
use tokio::task::JoinSet;

use crate::cpu::Processes;

/// The figures of one round.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    pub requests: usize,
    pub elapsed: Duration,
    /// CPU of the service under test; nothing when there was none.
    pub service: Duration,
    /// CPU of all processes of the Postgres server.
    pub server: Duration,
    /// CPU of the load driver, which in a loop without a service is the client of the database too.
    pub driver: Duration,
}

impl Round {
    pub fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
        let requests = self.requests as f64;
        requests / self.elapsed.as_secs_f64()
    }
}

/// The processes whose CPU is noted while something runs.
#[derive(Clone, Copy)]
pub struct Watched {
    pub service: Option<u32>,
    pub postmaster: u32,
}

impl Watched {
    /// Plays one round; each client resolves to the number of requests that it made.
    pub async fn round(self, mut clients: JoinSet<Result<usize>>) -> Result<Round> {
        let begin = self.begin()?;
        let mut requests = 0;
        while let Some(done) = clients.join_next().await {
            requests += done??;
        }
        begin.end(requests)
    }

    pub fn begin(self) -> Result<Begin> {
        // The time begins behind the look, which takes milliseconds, and ends before the next one.
        let cpu = self.cpu()?;
        Ok(Begin {
            watched: self,
            cpu,
            at: Instant::now(),
        })
    }

    fn cpu(self) -> Result<[Duration; 3]> {
        let processes = Processes::look()?;
        let service = self.service.map(|service| processes.of_tree(service));
        Ok([
            service.unwrap_or_default(),
            processes.of_tree(self.postmaster),
            processes.of(std::process::id()),
        ])
    }
}

/// The begin of a round.
pub struct Begin {
    watched: Watched,
    cpu: [Duration; 3],
    at: Instant,
}

impl Begin {
    pub fn end(self, requests: usize) -> Result<Round> {
        let elapsed = self.at.elapsed();
        let after = self.watched.cpu()?;
        let [service, server, driver] =
            std::array::from_fn(|part| after[part].saturating_sub(self.cpu[part]));
        Ok(Round {
            requests,
            elapsed,
            service,
            server,
            driver,
        })
    }
}

/// The rounds of one contender.
#[derive(Default)]
pub struct Rounds(Vec<Round>);

impl Rounds {
    pub fn add(&mut self, round: Round) {
        self.0.push(round);
    }

    pub fn rates(&self) -> Vec<f64> {
        self.0.iter().map(Round::per_second).collect()
    }

    /// CPU of the service for a request, in microseconds.
    pub fn cpu_of_service_us(&self) -> f64 {
        self.cpu_us(|round| round.service)
    }

    /// Adds a row for each process that took part.
    pub fn report_cpu(&self, name: &str, report: &mut Report) {
        for (part, cpu) in [
            ("service", self.cpu_us(|round| round.service)),
            ("server", self.cpu_us(|round| round.server)),
            ("driver", self.cpu_us(|round| round.driver)),
        ] {
            if cpu > 0.0 {
                let name = format!("{name}: CPU of the {part}");
                report.add(Row::new("edge", name, cpu, "us"));
            }
        }
    }

    /// How many times these rounds' throughput a service could reach that takes no CPU itself, on the same cores and
    /// with the server's and the driver's CPU of `other`.
    pub fn bound_of_free_service(&self, other: &Self) -> f64 {
        let all = self.cpu_us(|round| round.service + round.server + round.driver);
        all / other.cpu_us(|round| round.server + round.driver)
    }

    fn cpu_us(&self, of_round: fn(&Round) -> Duration) -> f64 {
        let requests: usize = self.0.iter().map(|round| round.requests).sum();
        let cpu: Duration = self.0.iter().map(of_round).sum();
        #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
        let requests = requests as f64;
        cpu.as_secs_f64() * 1e6 / requests
    }
}
