//! Each fault is seen from both sides, and the same seed brings the same faults.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::chance::{Chance, Fate};
use super::*;

/// Both ends of a connection through a proxy.
struct Ends {
    proxy: FaultProxy,
    client: TcpStream,
    target: TcpStream,
}

async fn ends(seed: u64) -> Result<Ends> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let proxy = FaultProxy::start(listener.local_addr()?, seed).await?;
    let client = TcpStream::connect(proxy.address()).await?;
    let (target, _) = listener.accept().await?;
    Ok(Ends {
        proxy,
        client,
        target,
    })
}

fn always(fault: impl FnOnce(&mut Odds)) -> Odds {
    let mut odds = Odds::default();
    fault(&mut odds);
    odds
}

#[tokio::test]
async fn without_odds_it_passes_everything_on_and_the_end_too() -> Result<()> {
    let mut ends = ends(1).await?;
    let sent = vec![7; 3 * 4096 + 1];
    ends.client.write_all(&sent).await?;
    ends.client.shutdown().await?;
    let mut received = Vec::new();
    ends.target.read_to_end(&mut received).await?;
    assert_eq!(received, sent);
    ends.target.write_all(b"answer").await?;
    drop(ends.target);
    let mut answer = String::new();
    ends.client.read_to_string(&mut answer).await?;
    assert_eq!(answer, "answer");
    Ok(())
}

#[tokio::test]
async fn a_cut_loses_the_piece_and_ends_both_sides_in_order() -> Result<()> {
    let mut ends = ends(1).await?;
    ends.proxy.set_odds(always(|odds| odds.cut = 1000));
    ends.client.write_all(b"lost").await?;
    let mut received = Vec::new();
    ends.target.read_to_end(&mut received).await?;
    ends.client.read_to_end(&mut received).await?;
    assert!(received.is_empty());
    assert_eq!(ends.proxy.struck().cut, 1);
    Ok(())
}

#[tokio::test]
async fn a_truncated_piece_arrives_in_part() -> Result<()> {
    let mut ends = ends(1).await?;
    ends.proxy.set_odds(always(|odds| odds.truncate = 1000));
    let sent = vec![7; 4096];
    ends.client.write_all(&sent).await?;
    let mut received = Vec::new();
    ends.target.read_to_end(&mut received).await?;
    assert!(received.len() < sent.len());
    assert_eq!(ends.proxy.struck().truncated, 1);
    Ok(())
}

#[tokio::test]
async fn a_reset_is_one_on_both_sides() -> Result<()> {
    let mut by_chance = ends(1).await?;
    by_chance.proxy.set_odds(always(|odds| odds.reset = 1000));
    by_chance.client.write_all(b"lost").await?;
    let mut by_order = ends(1).await?;
    // Something must have passed, or the reset may come before the proxy knows the connection.
    by_order.client.write_all(b"x").await?;
    by_order.target.read_exact(&mut [0]).await?;
    by_order.proxy.reset_all();
    for mut ends in [by_chance, by_order] {
        for side in [&mut ends.client, &mut ends.target] {
            let error = side.read(&mut [0]).await.expect_err("no orderly end");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_held_proxy_keeps_bytes_until_it_is_released() -> Result<()> {
    let mut ends = ends(1).await?;
    ends.proxy.hold();
    ends.client.write_all(b"x").await?;
    tokio::select! {
        biased;
        read = ends.target.read_u8() => panic!("it passed {read:?}"),
        () = tokio::time::sleep(Duration::from_millis(50)) => {}
    }
    ends.proxy.release();
    assert_eq!(ends.target.read_u8().await?, b'x');
    Ok(())
}

#[test]
fn a_seed_repeats_the_fates_and_each_of_them_occurs() {
    let fates = |seed| -> Vec<Fate> {
        let mut chance = Chance::new(seed, 3, 1);
        (0..2000).map(|_| chance.fate(Odds::ROUGH, 100)).collect()
    };
    assert_eq!(fates(5), fates(5));
    assert_ne!(fates(5), fates(6));
    let drawn = fates(5);
    for is_fate in [
        (|fate| matches!(fate, Fate::Pass)) as fn(&Fate) -> bool,
        |fate| matches!(fate, Fate::Delay(_)),
        |fate| matches!(fate, Fate::Truncate(_)),
        |fate| matches!(fate, Fate::Cut),
        |fate| matches!(fate, Fate::Reset),
    ] {
        assert!(drawn.iter().any(is_fate));
    }
}
