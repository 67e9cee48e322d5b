//! Places of connections: one address does not take them all, and who gets none is told.

use edge_api::client::TrustedProxies;

use super::*;

fn settings(max_connections: usize, per_address: usize) -> ServerSettings {
    ServerSettings {
        max_connections,
        max_connections_per_address: per_address,
        ..ServerSettings::default()
    }
}

async fn server(settings: ServerSettings) -> Server {
    Server::of(&RecordingDatabase::answering("null"), settings).await
}

/// Asks on new connections until one has a place.
async fn until_served(server: &Server, source: [u8; 4]) -> Wire {
    within(async {
        loop {
            let mut wire = server.connect_from(source).await;
            wire.send(HEALTH).await;
            match wire.read_answer().await {
                Some(answer) if answer.status == 200 => return wire,
                _ => wire.until_end().await,
            };
        }
    })
    .await
}

async fn assert_refused(mut wire: Wire) {
    let answer = wire.ask(HEALTH).await;
    assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
    assert_eq!(answer.json()["retry_after_ms"], 1000);
    assert!(wire.until_end().await.is_empty());
}

#[tokio::test]
async fn silent_connections_of_one_address_leave_places_for_others() {
    let server = server(settings(10, 2)).await;
    let [first, _second] = [server.connect().await, server.connect().await];
    assert_refused(server.connect().await).await;
    let mut other = server.connect_from([127, 0, 0, 2]).await;
    assert_eq!(other.ask(HEALTH).await.status, 200);
    drop(first);
    until_served(&server, [127, 0, 0, 1]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_full_server_refuses_early_and_serves_again_later() {
    let server = server(settings(2, 2)).await;
    let [first, mut second] = [server.connect().await, server.connect().await];
    assert_eq!(second.ask(HEALTH).await.status, 200);
    for source in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        assert_refused(server.connect_from(source).await).await;
    }
    assert_eq!(second.ask(HEALTH).await.status, 200);
    drop(first);
    until_served(&server, [127, 0, 0, 3]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_trusted_proxy_has_as_many_places_as_there_are() {
    let proxies = TrustedProxies::new(["127.0.0.1/32".parse().expect("a network")]);
    let server = server(ServerSettings {
        trusted_proxies: proxies,
        ..settings(3, 1)
    })
    .await;
    let mut wires = [server.connect().await, server.connect().await];
    for wire in &mut wires {
        assert_eq!(wire.ask(HEALTH).await.status, 200);
    }
    let mut direct = server.connect_from([127, 0, 0, 2]).await;
    assert_eq!(direct.ask(HEALTH).await.status, 200);
    assert_refused(server.connect().await).await;
    server.stop().await;
}
