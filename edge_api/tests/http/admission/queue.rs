//! The queues for connections: one for all calls, and one for those that are kept for heartbeats.

use tokio::time::Instant;

use super::{Calls, call, id, is_pending, overloaded};

#[tokio::test(start_paused = true)]
async fn a_heartbeat_waits_for_its_own_connections_although_the_queue_for_the_others_is_full() {
    let calls = Calls::hanging(8);
    // Each of another user and another stream.
    let mut users = (0..).map(id);
    let mut next = |operation| {
        let user = users.next().expect("there are enough");
        calls.stack.upstream.call(call(operation, user, user))
    };
    let mut stuck = Vec::new();
    for operation in [["sync"; 6].as_slice(), &["heartbeat"; 2]].concat() {
        let mut begun = next(operation);
        assert!(is_pending(begun.as_mut()).await);
        stuck.push(begun);
    }
    assert_eq!(calls.database.under_way(), 8);
    let refused = loop {
        let mut waiting = next("sync");
        if !is_pending(waiting.as_mut()).await {
            break waiting;
        }
        stuck.push(waiting);
        assert!(stuck.len() < 1000, "the queue has an end");
    };
    drop(refused);

    let begun = Instant::now();
    let refused = next("heartbeat").await.expect_err("no room");
    assert_eq!(refused, overloaded());
    assert_eq!(begun.elapsed().as_secs(), 2, "it waited for a place");
}
