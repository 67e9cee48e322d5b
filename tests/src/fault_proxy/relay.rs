//! One connection through the proxy: two pumps, and the end that a fault brings.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::chance::{Chance, Fate};
use super::shared::Shared;

/// Small, so that a large answer meets its fate several times.
const PIECE_BYTES: usize = 4096;

/// A connection of the proxy's, with its number in the order of arrival.
pub(super) struct Relay {
    pub number: u64,
    pub shared: Arc<Shared>,
}

/// The end of a connection before both sides have ended it themselves.
enum End {
    /// Both sides read an end of file.
    Orderly,
    /// Both sides read ECONNRESET.
    Reset,
}

/// A side that was reset resets the other one.
impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Reset
    }
}

impl Relay {
    pub(super) async fn run(self, mut client: TcpStream) {
        let mut reset = self.shared.reset.subscribe();
        let Ok(mut target) = self.shared.connect().await else {
            // As near to a refused connection as one can be that was accepted.
            let _ = client.set_zero_linger();
            return;
        };
        // Best effort: pieces that wait for each other would only be later.
        let _ = (client.set_nodelay(true), target.set_nodelay(true));
        let end = {
            let (from_client, to_client) = client.split();
            let (from_target, to_target) = target.split();
            let both = async {
                tokio::try_join!(
                    self.pump(from_client, to_target, 0),
                    self.pump(from_target, to_client, 1),
                )
            };
            tokio::select! {
                ended = both => ended.err().unwrap_or(End::Orderly),
                _ = reset.changed() => End::Reset,
            }
        };
        if matches!(end, End::Reset) {
            let _ = (client.set_zero_linger(), target.set_zero_linger());
        }
    }

    /// Passes bytes on until their source ends.
    async fn pump(
        &self,
        mut source: ReadHalf<'_>,
        mut sink: WriteHalf<'_>,
        direction: u64,
    ) -> Result<(), End> {
        let counts = &self.shared.counts;
        let mut chance = Chance::new(self.shared.seed, self.number, direction);
        let mut piece = [0; PIECE_BYTES];
        loop {
            let length = source.read(&mut piece).await?;
            self.until_released().await;
            if length == 0 {
                sink.shutdown().await?;
                return Ok(());
            }
            let odds = *self.shared.odds.lock().expect("no panic with the lock");
            match chance.fate(odds, length) {
                Fate::Pass => sink.write_all(&piece[..length]).await?,
                Fate::Delay(delay) => {
                    count(&counts.delayed);
                    tokio::time::sleep(delay).await;
                    sink.write_all(&piece[..length]).await?;
                }
                Fate::Truncate(kept) => {
                    count(&counts.truncated);
                    sink.write_all(&piece[..kept]).await?;
                    return Err(End::Orderly);
                }
                Fate::Cut => {
                    count(&counts.cut);
                    return Err(End::Orderly);
                }
                Fate::Reset => {
                    count(&counts.reset);
                    return Err(End::Reset);
                }
            }
        }
    }

    async fn until_released(&self) {
        let mut held = self.shared.held.subscribe();
        // The sender lives in `shared`.
        let _ = held.wait_for(|held| !held).await;
    }
}

fn count(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
