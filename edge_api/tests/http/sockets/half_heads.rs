//! Heads that are sent in part, on many connections: memory for all of them is bounded, and whole heads need none of it.

use super::*;

const PART: &str = "GET /healthz HTTP/1.1\r\nhost: a.test\r\n";
const MIB: usize = 1 << 20;

/// Connections from one address that have each sent a part of a head, when so many of them are closed.
async fn half_heads(server: &Server, last: u8, count: usize, closed: usize) -> Vec<Wire> {
    let mut wires = Vec::new();
    for _ in 0..count {
        let mut wire = server.connect_from([127, 0, 0, last]).await;
        wire.send(PART).await;
        wires.push(wire);
    }
    within(async {
        while wires.iter().filter(|wire| is_closed(wire)).count() < closed {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    wires
}

fn is_closed(wire: &Wire) -> bool {
    let read = wire.0.try_read(&mut [0]);
    !matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Completes the heads; returns how many of them are answered.
async fn answered(wires: Vec<Wire>) -> usize {
    let mut answered = 0;
    for mut wire in wires {
        let _ = wire.0.write_all(b"\r\n").await;
        answered += usize::from(within(wire.read_answer()).await.is_some());
    }
    answered
}

#[tokio::test]
async fn one_client_holds_its_part_of_the_memory_and_all_together_hold_all_of_it() {
    let settings = ServerSettings {
        head_memory_bytes: 3 * MIB,
        ..ServerSettings::default()
    };
    let server = Server::of(&RecordingDatabase::answering("null"), settings).await;
    // A mebibyte for each client: 32 heads.
    let mut open = Vec::new();
    for (client, closed) in [(1, 8), (2, 8), (3, 8), (4, 40)] {
        open.push(half_heads(&server, client, 40, closed).await);
    }
    // A head in one piece is answered meanwhile.
    let mut whole = server.connect_from([127, 0, 0, 1]).await;
    assert_eq!(whole.ask(HEALTH).await.status, 200);
    let mut counts = Vec::new();
    for wires in open {
        counts.push(answered(wires).await);
    }
    assert_eq!(counts, [32, 32, 32, 0]);
    // And the memory is there again.
    let again = half_heads(&server, 1, 32, 0).await;
    assert_eq!(answered(again).await, 32);
    server.stop().await;
}
