//! A plain TCP balancer: each new connection goes to the next target.
//!
//! It has a thread of its own, so that it goes on while a test blocks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Dropping it ends its connections and refuses new ones.
pub struct Balancer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Balancer {
    /// Listens on a free port of loopback.
    pub fn start(targets: Vec<SocketAddr>) -> Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("no runtime for the balancer")?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    ended = accept(listener, targets.into()) => {
                        eprintln!("the balancer ended by itself: {ended:?}");
                    }
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address that stands for all targets.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has said what was wrong.
            let _ = thread.join();
        }
    }
}

/// Owns the connections: they end with it.
async fn accept(listener: std::net::TcpListener, targets: Arc<[SocketAddr]>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    let mut next = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A client that gave up already.
                let Ok((client, _)) = accepted else { continue };
                let targets = targets.clone();
                connections.spawn(async move {
                    // The end of a connection is told to the other side by closing it.
                    let _ = relay(client, &targets, next).await;
                });
                next = next.wrapping_add(1);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// To the target whose turn it is; to the one behind it when that one is away.
async fn relay(mut client: TcpStream, targets: &[SocketAddr], turn: usize) -> io::Result<()> {
    client.set_nodelay(true)?;
    for place in 0..targets.len() {
        let target = targets[turn.wrapping_add(place) % targets.len()];
        if let Ok(mut target) = TcpStream::connect(target).await {
            target.set_nodelay(true)?;
            tokio::io::copy_bidirectional(&mut client, &mut target).await?;
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A target that says its name to whoever connects.
    async fn named(name: u8) -> Result<(SocketAddr, JoinSet<()>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let _ = client.write_all(&[name]).await;
            }
        });
        Ok((address, task))
    }

    async fn ask(balancer: &Balancer) -> Result<Vec<u8>> {
        let mut name = Vec::new();
        let mut connection = TcpStream::connect(balancer.address()).await?;
        connection.read_to_end(&mut name).await?;
        Ok(name)
    }

    #[tokio::test]
    async fn connections_go_to_the_targets_in_turn_and_past_one_that_is_away() -> Result<()> {
        let (first, _first) = named(b'a').await?;
        let (second, mut second_task) = named(b'b').await?;
        let balancer = Balancer::start(vec![first, second])?;
        let mut names = Vec::new();
        for _ in 0..4 {
            names.extend(ask(&balancer).await?);
        }
        assert_eq!(names, b"abab");
        second_task.shutdown().await;
        for _ in 0..4 {
            assert_eq!(ask(&balancer).await?, b"a");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_dropped_one_refuses_connections() -> Result<()> {
        let (target, _task) = named(b'a').await?;
        let balancer = Balancer::start(vec![target])?;
        let address = balancer.address();
        drop(balancer);
        let refused = TcpStream::connect(address)
            .await
            .map_err(|error| error.kind());
        assert_eq!(refused.err(), Some(io::ErrorKind::ConnectionRefused));
        Ok(())
    }
}
