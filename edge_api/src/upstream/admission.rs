//! The rule that decides which call may take a connection, so that no client and no stream takes them all.
//!
//! * A session holds at most a quarter of the connections; the rest of its calls waits for 200 ms.
//! * Some connections are kept for heartbeats: by them alone viewers stay counted and hosts stay live.
//! * When all are taken, calls wait in a bounded queue.
//! * A call whose client has gone leaves the queue. One that was begun is finished by a task, so that it is
//!   never half done and its connection is used again; of one user at most two are.
//!
//! Whatever is refused here was not begun, and is refused as `overloaded`.

mod abandoned;
mod shares;
mod slots;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;
use uuid::Uuid;

use self::abandoned::{Abandoned, UserPermit};
use self::shares::{Share, Shares};
use self::slots::{Slot, Slots};
use super::ping::SharedPing;
use super::{Call, DatabaseVersions, Pending, Upstream, UpstreamError};

/// A call waits this long for the share of its session or user.
pub const SHARE_WAIT: Duration = Duration::from_millis(200);

/// How many calls of one session may wait for its share.
const SHARE_QUEUE: usize = 256;

/// An upstream behind the rule; a clone is the same one.
#[derive(Clone)]
pub struct Admission {
    inner: Arc<dyn Upstream>,
    ping: Arc<SharedPing>,
    gates: Arc<Gates>,
}

/// Everything that a call passes before it is begun.
struct Gates {
    slots: Slots,
    sessions: Shares<Uuid>,
    /// The part of one session in the connections that are kept for heartbeats.
    session_heartbeats: Shares<Uuid>,
    abandoned: Abandoned,
}

/// Everything that a call which was begun holds.
struct Admitted {
    user: Option<UserPermit>,
    // Released in this order: whoever waits for the share finds a slot.
    places: (Slot, Option<Share<Uuid>>),
}

impl Admission {
    /// In front of an upstream that makes so many calls at the same time.
    pub fn new(inner: Arc<dyn Upstream>, connections: usize) -> Self {
        let slots = Slots::new(connections);
        let session_heartbeats = Shares::new((slots.kept_for_heartbeats() / 2).max(1), SHARE_QUEUE);
        Self {
            ping: Arc::new(SharedPing::new(inner.clone())),
            inner,
            gates: Arc::new(Gates {
                slots,
                sessions: Shares::new((connections / 4).max(1), SHARE_QUEUE),
                session_heartbeats,
                abandoned: Abandoned::default(),
            }),
        }
    }

    /// Returns when no abandoned call is under way.
    pub async fn finish_abandoned(&self) {
        self.gates.abandoned.finish().await;
    }
}

impl Upstream for Admission {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let (inner, gates) = (self.inner.clone(), self.gates.clone());
        Box::pin(async move {
            let admitted = gates.admit(&call).await?;
            Begun {
                work: Some(inner.call(call.clone())),
                admitted: Some(admitted),
                call,
                gates,
            }
            .await
        })
    }

    /// Asks as few times as can be, on no connection of the calls.
    fn ping(&self) -> Pending<DatabaseVersions> {
        self.ping.ask()
    }
}

impl Gates {
    async fn admit(&self, call: &Call) -> Result<Admitted, UpstreamError> {
        let share_by = call.deadline.min(Instant::now() + SHARE_WAIT);
        let user = match call.caller.user_id {
            Some(user) => self.abandoned.enter(user, share_by).await?,
            None => None,
        };
        let session = call.session();
        let is_heartbeat = call.operation.name.starts_with("heartbeat");
        let (share, slot) = if is_heartbeat && self.slots.kept_for_heartbeats() > 0 {
            // Whichever is free first; a stuck stream holds up its own heartbeats less than anything else.
            let mut general = pin!(self.general(session, share_by, call.deadline));
            let mut kept = pin!(self.kept(session, call.deadline));
            tokio::select! {
                biased;
                admitted = &mut general => match admitted {
                    Ok(admitted) => admitted,
                    Err(_) => kept.await?,
                },
                admitted = &mut kept => match admitted {
                    Ok(admitted) => admitted,
                    Err(_) => general.await?,
                },
            }
        } else {
            self.general(session, share_by, call.deadline).await?
        };
        Ok(Admitted {
            user,
            places: (slot, share),
        })
    }

    async fn general(
        &self,
        session: Option<Uuid>,
        share_by: Instant,
        deadline: Instant,
    ) -> Result<(Option<Share<Uuid>>, Slot), UpstreamError> {
        let share = match session {
            Some(session) => Some(self.sessions.enter(session, share_by).await?),
            None => None,
        };
        Ok((share, self.slots.take(deadline).await?))
    }

    async fn kept(
        &self,
        session: Option<Uuid>,
        deadline: Instant,
    ) -> Result<(Option<Share<Uuid>>, Slot), UpstreamError> {
        let by = deadline.min(Instant::now() + slots::WAIT);
        let share = match session {
            Some(session) => Some(self.session_heartbeats.enter(session, by).await?),
            None => None,
        };
        Ok((share, self.slots.take_kept(deadline).await?))
    }
}

/// A call that was begun. Dropped before it is over, it goes on without anybody who waits for its answer.
struct Begun {
    work: Option<Pending<Box<RawValue>>>,
    admitted: Option<Admitted>,
    call: Arc<Call>,
    gates: Arc<Gates>,
}

impl Future for Begun {
    type Output = Result<Box<RawValue>, UpstreamError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(work) = &mut this.work else {
            unreachable!("a future that is over is not polled again");
        };
        let answer = ready!(work.as_mut().poll(context));
        // The connection went back with the answer; only then the next call may ask for one.
        this.work = None;
        this.admitted = None;
        Poll::Ready(answer)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let (Some(work), Some(admitted)) = (self.work.take(), self.admitted.take()) {
            let Admitted { user, places } = admitted;
            self.gates
                .abandoned
                .finish_in_background(&self.call, work, user, places);
        }
    }
}
