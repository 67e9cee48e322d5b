//! The end of the process, which waits for flights whose callers have all left.

use std::sync::Arc;

use tokio::time::sleep;

use super::database::PlayedDatabase;
use super::{begin, id, message, ms};
use crate::upstream::Stack;

#[tokio::test(start_paused = true)]
async fn a_batch_whose_callers_have_left_is_finished_and_what_only_waited_is_not_begun() {
    let database = PlayedDatabase::taking(&[10, 1000, 1]);
    let stack = Stack::around("database", Arc::new(database.clone()), 10).batched();
    let send = |number: u128| {
        let content = format!("{number}:stored");
        begin(&*stack.upstream, message(1, number, &content))
    };
    let mut callers = Vec::from([0, 1, 2].map(send));
    sleep(ms(20)).await;
    callers.push(send(3));
    sleep(ms(20)).await;
    for caller in callers {
        caller.abort();
    }
    assert_eq!(database.made(id(1)), [0]);
    stack.finish().await;
    assert_eq!(database.made(id(1)), [0, 1, 2]);
    assert_eq!(
        database.flights(),
        [("send_message", 1), ("send_messages", 2)]
    );
}
