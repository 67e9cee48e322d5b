//! One kind of request through the edge, next to the same function called without it and to the Node service.

use anyhow::Result;
use stream_tests::bench::{Report, Row};

use crate::closed_loop::{Limit, WriteRequest};
use crate::pooled::{CONNECTIONS, Form, Pool, ValuesOf};
use crate::rounds::Rounds;
use crate::world::World;

pub const ROUNDS: usize = 7;

/// At least so many times the speed of the Node service.
pub const TARGET_NODE: f64 = 3.0;

/// The rounds of one kind of request.
pub struct Comparison {
    pub name: &'static str,
    /// Keep-alive connections, and workers of the pooled loop.
    pub clients: usize,
    /// The requests of a round.
    pub requests: usize,
    /// Over HTTP.
    pub write: WriteRequest,
    /// By the pooled loop, of which this is the whole transaction, as `service_role`.
    pub statement: &'static str,
    pub values: ValuesOf,
    /// At least this share of the speed of the pooled loop.
    pub target: f64,
}

impl Comparison {
    /// Returns the rounds of the edge.
    pub async fn measure(self, world: &World<'_>, report: &mut Report) -> Result<Rounds> {
        world.keep_alive().await?;
        let (database, limit) = (world.streams.database, Limit::of(self.requests));
        let mut edge = world.driver(&world.edge, self.clients);
        let mut node = world.driver(&world.node, self.clients);
        let mut pools = Vec::new();
        for form in [Form::Plain, Form::Transaction] {
            pools.push(Pool::connect(database, form, self.statement, CONNECTIONS).await?);
        }
        let mut rounds: [Rounds; 4] = Default::default();
        for round in 0..=ROUNDS {
            let mut played = vec![edge.round(limit, &self.write).await?];
            for pool in &pools {
                let watched = world.server_alone();
                played.push(
                    pool.round(watched, self.clients, limit, &self.values)
                        .await?,
                );
            }
            played.push(node.round(limit, &self.write).await?);
            // The first round warms caches and plans.
            if round > 0 {
                for (rounds, round) in rounds.iter_mut().zip(played) {
                    rounds.add(round);
                }
            }
        }
        self.report(&rounds, report);
        let [edge, ..] = rounds;
        Ok(edge)
    }

    fn report(&self, rounds: &[Rounds; 4], report: &mut Report) {
        let [edge, plain, transaction, node] = rounds;
        let row = |name: String, baseline: &str, baselines: &Rounds| {
            let (rates, baselines) = (edge.rates(), baselines.rates());
            Row::in_rounds("edge", name, &rates, "1/s", baseline, &baselines)
        };
        let (name, target) = (self.name, self.target);
        report.add(
            row(
                format!("{name}, {} connections", self.clients),
                "pooled loop",
                plain,
            )
            .with_least_ratio(target),
        );
        report.add(row(
            format!("{name}, next to its transaction"),
            "pooled loop with BEGIN, role and claims, COMMIT",
            transaction,
        ));
        report.add(
            row(format!("{name}, next to Node"), "Express and pg", node)
                .with_least_ratio(TARGET_NODE),
        );
        report.add(Row::new(
            "edge",
            format!("{name}, next to Node, bound for a service without CPU of its own"),
            node.bound_of_free_service(edge),
            "times",
        ));
        for (of, rounds) in [
            ("edge", edge),
            ("pooled loop", plain),
            ("pooled loop, transaction", transaction),
            ("Node", node),
        ] {
            rounds.report_cpu(&format!("{name}, {of}"), report);
        }
    }
}
