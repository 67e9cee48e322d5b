//! Sockets that note when each frame reached them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use stream_tests::chat_socket::{ChatSocket, FrameNumbers, Received};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::world::World;

/// Sockets that join at the same time.
const JOINING: usize = 32;
const JOINED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A frame at one socket.
#[derive(Clone, Copy)]
pub struct Receipt {
    pub frame: FrameNumbers,
    pub at: Instant,
}

/// One socket, and what it received since the last [`Audience::forget`].
struct Member {
    session: Uuid,
    received: Mutex<Vec<Receipt>>,
}

/// The sockets, each read by a task of its own until this is dropped.
pub struct Audience {
    members: Vec<Arc<Member>>,
    tasks: JoinSet<Result<()>>,
}

impl Member {
    fn received(&self) -> MutexGuard<'_, Vec<Receipt>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audience {
    /// A socket for each pair of a session and a user, who have joined already.
    pub async fn join(world: &World<'_>, pairs: &[(Uuid, Uuid)]) -> Result<Self> {
        let places = Arc::new(Semaphore::new(JOINING));
        let mut joining = JoinSet::new();
        for &(session, user) in pairs {
            let (places, token) = (Arc::clone(&places), world.token(user));
            let (address, key) = (
                world.supabase.address.clone(),
                world.supabase.api_key.clone(),
            );
            joining.spawn(async move {
                let _place = places.acquire().await?;
                let joined = ChatSocket::join(&address, &key, &token, session);
                let socket = tokio::time::timeout(JOINED_WITHIN, joined).await;
                anyhow::Ok((session, socket.context("a socket could not join in time")??))
            });
        }
        let (mut members, mut tasks) = (Vec::with_capacity(pairs.len()), JoinSet::new());
        while let Some(joined) = joining.join_next().await {
            let (session, socket) = joined??;
            let member = Arc::new(Member {
                session,
                received: Mutex::default(),
            });
            members.push(Arc::clone(&member));
            tasks.spawn(listen(socket, member));
        }
        Ok(Self { members, tasks })
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Lets every socket begin with an empty list.
    pub fn forget(&self) {
        for member in &self.members {
            member.received().clear();
        }
    }

    /// Waits until every socket of the session has seen this number.
    pub async fn wait_for(&mut self, session: Uuid, seq: i64, within: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            let of_session = self.members.iter().filter(|of| of.session == session);
            let lacking = of_session
                .filter(|of| of.received().last().is_none_or(|it| it.frame.to_seq < seq))
                .count();
            if lacking == 0 {
                return Ok(());
            }
            if let Some(ended) = self.tasks.try_join_next() {
                ended??;
            }
            ensure!(
                begin.elapsed() < within,
                "{lacking} sockets did not see message {seq} of {session} within {within:?}"
            );
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// What each socket received, by session. Fails when one lacks a message from the first of its session on, was only told of
    /// it, or lost its channel.
    pub fn receipts(&mut self, first: &HashMap<Uuid, i64>) -> Result<Vec<(Uuid, Vec<Receipt>)>> {
        if let Some(ended) = self.tasks.try_join_next() {
            ended??;
        }
        let receipts: Vec<_> = self
            .members
            .iter()
            .map(|of| (of.session, of.received().clone()))
            .collect();
        for (session, received) in &receipts {
            let mut next = *first.get(session).context("a stream without a message")?;
            for receipt in received {
                let FrameNumbers {
                    from_seq,
                    to_seq,
                    digest,
                } = receipt.frame;
                ensure!(
                    from_seq <= next && !digest,
                    "a socket of {session} was not sent message {next}"
                );
                next = next.max(to_seq + 1);
            }
        }
        Ok(receipts)
    }
}

async fn listen(mut socket: ChatSocket, member: Arc<Member>) -> Result<()> {
    loop {
        match socket.next().await? {
            Received::Frame(frame) => member.received().push(Receipt {
                frame,
                at: Instant::now(),
            }),
            Received::ChannelClosed => anyhow::bail!("a channel of {} was closed", member.session),
        }
    }
}
