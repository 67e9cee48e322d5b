//! Chat messages to a hundred streams through the edge, each from another viewer.

use anyhow::Result;
use stream_tests::bench::Report;
use uuid::Uuid;

use crate::compare::Comparison;
use crate::requests::{self, CONTENT};
use crate::world::World;

/// By the pooled loop.
pub const SEND: &str = "select to_json(answer)::text
    from stream.send_message($1, user_id => $2, content => $3, id => $4) as answer";

pub async fn measure(world: &World<'_>, report: &mut Report) -> Result<()> {
    Comparison {
        name: "send_message, 100 streams",
        clients: 16,
        requests: 6_000,
        write: world.writing(|viewer, request| {
            requests::write_message(request, &viewer.token, viewer.session);
        }),
        statement: SEND,
        values: world.binding(|viewer| {
            vec![
                Box::new(viewer.session),
                Box::new(viewer.user),
                Box::new(CONTENT),
                Box::new(Uuid::new_v4()),
            ]
        }),
        target: 0.6,
    }
    .measure(world, report)
    .await?;
    Ok(())
}
