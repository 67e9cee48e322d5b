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

/// The memory in which one client has room for one such answer, and three clients fill three quarters.
const MEMORY: usize = 5 * LARGE;

/// A client at 127.0.0.`source` that reads the beginning of an answer and no more.
async fn unread(server: &Server, source: u8) -> Wire {
    unread_answer(server, source, &get_state()).await
}

async fn unread_answer(server: &Server, source: u8, request: &str) -> Wire {
    let mut wire = server.connect_from([127, 0, 0, source]).await;
    wire.send(request).await;
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
    let Fixture { server, .. } = fixture(MEMORY, Duration::from_secs(3600)).await;
    // Three fit into three quarters.
    let unread = [
        unread(&server, 1).await,
        unread(&server, 2).await,
        unread(&server, 3).await,
    ];
    let mut wire = server.connect_from([127, 0, 0, 4]).await;
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
    let Fixture { server, .. } = fixture(MEMORY, Duration::from_millis(50)).await;
    let mut silent = unread(&server, 1).await;
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

/// A call that changes something, whose answer is as large.
fn send_message() -> String {
    post_messages("content-length: 15") + "{\"content\":\"x\"}"
}

#[tokio::test]
async fn one_address_leaves_a_quarter_of_the_memory_unread_and_others_are_served() {
    let Fixture { server, database } = fixture(MEMORY, Duration::from_secs(3600)).await;
    let first = unread(&server, 1).await;
    let mut wire = server.connect().await;
    let answer = wire.ask(&get_state()).await;
    assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
    let _other = unread(&server, 2).await;

    // The answer to a change is given beyond the quarter, and then nothing of this client is begun.
    let _change = unread_answer(&server, 1, &send_message()).await;
    let asked = database.asked().len();
    for request in [get_state(), send_message()] {
        let mut wire = server.connect().await;
        let answer = wire.ask(&request).await;
        assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
    }
    assert_eq!(database.asked().len(), asked);
    drop(first);
    server.stop().await;
}

/// However many addresses do not read: each would be within its own part.
#[tokio::test]
async fn when_all_memory_is_taken_nothing_is_begun_but_questions_of_health() {
    let Fixture { server, database } = fixture(LARGE / 2, Duration::from_secs(3600)).await;
    // The answer to a change that was begun is never refused, however large.
    let sender = unread_answer(&server, 1, &send_message()).await;

    let asked = database.asked().len();
    for source in [1, 2] {
        let connect = || server.connect_from([127, 0, 0, source]);
        for request in [get_state(), send_message()] {
            let answer = connect().await.ask(&request).await;
            assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
            assert_eq!(answer.header("retry-after"), "1");
        }
        let mut wire = connect().await;
        assert_eq!(wire.ask(HEALTH).await.status, 200);
        let ready = HEALTH.replace("healthz", "readyz");
        assert_eq!(wire.ask(&ready).await.status, 200);
    }
    assert_eq!(database.asked().len(), asked);
    drop(sender);
    within(async {
        while server.connect().await.ask(&send_message()).await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn the_last_eighth_of_the_memory_is_left_for_changes() {
    // One such answer takes more than seven eighths, and not all.
    let memory = LARGE / 15 * 16;
    let Fixture { server, database } = fixture(memory, Duration::from_secs(3600)).await;
    let _first = unread_answer(&server, 1, &send_message()).await;
    let mut wire = server.connect_from([127, 0, 0, 2]).await;
    let answer = wire.ask(&get_state()).await;
    assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
    assert_eq!(database.asked().len(), 1);
    let _second = unread_answer(&server, 2, &send_message()).await;
    server.stop().await;
}
