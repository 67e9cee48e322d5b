//! Batching in front of the rule of admission: calls that take long leave a part of their session's share to the others.

use std::sync::Arc;

use tokio::time::sleep;

use super::super::STALL;
use super::database::PlayedDatabase;
use super::{begin, id, message, ms};
use crate::upstream::Stack;

/// Less than the others wait for the flight before them.
const SLOW_MS: u64 = 700;

fn stack(database: &PlayedDatabase, connections: usize) -> Stack {
    Stack::around("database", Arc::new(database.clone()), connections).batched()
}

#[tokio::test(start_paused = true)]
async fn behind_slow_messages_nobody_is_refused_for_want_of_the_streams_connections() {
    // Of the connections a stream holds a quarter, at least one, and all of it but one part is overtaken.
    for (connections, overtaken) in [(4, 0_u8), (10, 1), (12, 2)] {
        let slow = usize::from(overtaken) + 1;
        let database = PlayedDatabase::taking(&[vec![SLOW_MS; slow], vec![1]].concat());
        let stack = stack(&database, connections);
        let upstream = &*stack.upstream;
        let mut calls = Vec::new();
        for number in 0..=overtaken {
            let content = format!("{number}:stored");
            calls.push(begin(upstream, message(1, number.into(), &content)));
            sleep(STALL + ms(1)).await;
        }
        assert_eq!(database.flights().len(), slow, "{connections}");
        let others: Vec<_> = (10..14)
            .map(|number| begin(upstream, message(1, number, &format!("{number}:stored"))))
            .collect();
        for call in calls.into_iter().chain(others) {
            call.await.expect("a task").expect("an answer");
        }
        // They waited for the last of the slow ones, and went together.
        let sizes: Vec<_> = database.flights().iter().map(|(_, size)| *size).collect();
        let expected = [vec![1; slow], vec![4]].concat();
        assert_eq!(sizes, expected, "{connections}");
        assert_eq!(database.made(id(1)).len(), slow + 4);
    }
}
