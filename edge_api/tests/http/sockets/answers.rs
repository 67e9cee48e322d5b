//! Answers that nobody reads: they end by themselves, and there is memory for so many of them.

use edge_api::answers::Answers;

use super::*;

/// More than the kernel buffers of both ends together hold.
const LARGE: usize = 16 << 20;

struct Fixture {
    server: Server,
    database: RecordingDatabase,
}

async fn fixture(memory: usize, write_timeout: Duration) -> Fixture {
    let database = RecordingDatabase::answering(&format!("\"{}\"", "x".repeat(LARGE)));
    let state = state(&database).with_answers(Answers::within(memory));
    let settings = ServerSettings {
        write_timeout,
        ..ServerSettings::default()
    };
    let server = Server::start(router(state, Vec::new()), settings).await;
    Fixture { server, database }
}

/// A client that reads the beginning of an answer and no more.
async fn unread(server: &Server) -> Wire {
    let mut wire = server.connect().await;
    wire.send(&get_state()).await;
    let mut status = [0; 12];
    within(wire.0.read_exact(&mut status))
        .await
        .expect("a head");
    assert_eq!(&status, b"HTTP/1.1 200");
    wire
}

/// Whether the answer of a new client begins with the status of success.
async fn is_begun(server: &Server) -> bool {
    let mut wire = server.connect().await;
    wire.send(&get_state()).await;
    let mut status = [0; 12];
    within(wire.0.read_exact(&mut status)).await.is_ok() && &status == b"HTTP/1.1 200"
}

#[tokio::test]
async fn answers_that_nobody_reads_take_so_much_memory_and_no_more() {
    let Fixture { server, .. } = fixture(3 * LARGE, Duration::from_secs(3600)).await;
    // Two fit into three quarters.
    let unread = [unread(&server).await, unread(&server).await];
    let mut wire = server.connect().await;
    let answer = wire.ask(&get_state()).await;
    assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    // A small one still passes, on the same connection.
    assert_eq!(wire.ask(&get("/v1/errors/muted")).await.status, 200);

    drop(unread);
    within(async {
        while wire.ask(&get_state()).await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_given_up() {
    let Fixture { server, .. } = fixture(2 * LARGE, Duration::from_millis(50)).await;
    let mut silent = unread(&server).await;
    // Its memory comes back although it stays: another answer of that size begins. On a busy machine that one may be
    // given up in its turn before it is read to its end.
    within(async {
        while !is_begun(&server).await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(silent.until_end().await.len() < LARGE);
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_begun_without_room_for_its_answer_and_the_process_is_alive() {
    let Fixture { server, database } = fixture(LARGE / 2, Duration::from_secs(3600)).await;
    // The answer to a change is never refused, however large.
    let mut sender = server.connect().await;
    sender.send(&post_messages("content-length: 15")).await;
    sender.send("{\"content\":\"x\"}").await;
    let mut status = [0; 12];
    within(sender.0.read_exact(&mut status))
        .await
        .expect("a head");
    assert_eq!(&status, b"HTTP/1.1 200");

    let asked = database.asked().len();
    let mut wire = server.connect().await;
    let answer = wire.ask(&get_state()).await;
    assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
    assert_eq!(database.asked().len(), asked);
    assert_eq!(wire.ask(HEALTH).await.status, 200);
    server.stop().await;
}
