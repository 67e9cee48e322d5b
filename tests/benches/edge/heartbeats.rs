//! Viewers' heartbeats through the edge, each of a thousand viewers in turn.

use anyhow::Result;
use stream_tests::bench::{Report, Row};

use crate::compare::Comparison;
use crate::requests;
use crate::world::World;

/// The edge's own CPU for a request, in microseconds.
const TARGET_CPU_US: f64 = 40.0;

pub async fn measure(world: &World<'_>, report: &mut Report) -> Result<()> {
    let rounds = Comparison {
        name: "heartbeat",
        clients: 16,
        requests: 16_000,
        write: world.writing(|viewer, request| {
            requests::write_heartbeat(request, &viewer.token, viewer.session);
        }),
        statement: "select to_json(answer)::text from stream.heartbeat($1, user_id => $2) as answer",
        values: world.binding(|viewer| vec![Box::new(viewer.session), Box::new(viewer.user)]),
        target: 0.5,
    }
    .measure(world, report)
    .await?;
    let cpu = rounds.cpu_of_service_us();
    let row = Row::new(
        "edge",
        "heartbeat, the edge's own CPU for a request",
        cpu,
        "us",
    );
    report.add(row.with_most(TARGET_CPU_US));
    Ok(())
}
