//! The rule that decides which call may take a connection, so that no client and no stream takes them all.
//!
//! * A session holds at most a quarter of the connections, and so does a user; the rest of their calls waits for 200 ms.
//! * Some connections are kept for heartbeats: by them alone viewers stay counted and hosts stay live.
//! * When all are taken, calls wait in a bounded queue.
//! * A call whose client has gone leaves the queue. One that was begun is finished by a task, so that it is
//!   never half done and its connection is used again; of one user at most two are, where a call can be cancelled.
//!
//! Whatever is refused here was not begun, and is refused as `overloaded`.

mod abandoned;
mod shares;
mod slots;

use std::hash::Hash;
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
use super::question::SharedQuestion;
use super::{Call, DatabaseVersions, Figure, Pending, Subject, Upstream, UpstreamError};

/// A call waits this long for the share of its session or user.
pub const SHARE_WAIT: Duration = Duration::from_millis(200);

/// Applies a notice of Agora's, which has no user who waits, and comes again only after a while: it waits for its share
/// as long as for a place.
const NOTICE: &str = "apply_webhook";

/// For so long the answer whether the database is ready counts.
const PING_FRESH_FOR: Duration = Duration::from_secs(1);

/// For so long figures count: less than the usual pause between two reads of the metrics, which is 15 s.
const FIGURES_FRESH_FOR: Duration = Duration::from_secs(10);

/// How many calls of one session or user may wait for their share.
const SHARE_QUEUE: usize = 256;

/// An upstream behind the rule; a clone is the same one.
#[derive(Clone)]
pub struct Admission {
    inner: Arc<dyn Upstream>,
    ping: Arc<SharedQuestion<DatabaseVersions>>,
    figures: Arc<SharedQuestion<Vec<Figure>>>,
    gates: Arc<Gates>,
}

/// Everything that a call passes before it is begun.
struct Gates {
    slots: Slots,
    sessions: Shares<Subject>,
    users: Shares<Uuid>,
    /// The parts of one session and of one user in the connections that are kept for heartbeats.
    session_heartbeats: Shares<Subject>,
    user_heartbeats: Shares<Uuid>,
    abandoned: Abandoned,
}

/// Everything that a call which was begun holds.
struct Admitted {
    user: Option<UserPermit>,
    place: Place,
}

/// A place of a call among the others, and its parts in the shares.
struct Place {
    // Released in this order: whoever waits for a share finds a slot.
    _slot: Slot,
    _session: Option<Share<Subject>>,
    _user: Option<Share<Uuid>>,
}

impl Admission {
    /// In front of an upstream that makes so many calls at the same time.
    pub fn new(inner: Arc<dyn Upstream>, connections: usize) -> Self {
        let slots = Slots::new(connections);
        let share = (connections / 4).max(1);
        let share_of_heartbeats = (slots.kept_for_heartbeats() / 2).max(1);
        let (pinged, counted) = (inner.clone(), inner.clone());
        Self {
            ping: Arc::new(SharedQuestion::new(PING_FRESH_FOR, move || pinged.ping())),
            figures: Arc::new(SharedQuestion::new(FIGURES_FRESH_FOR, move || {
                counted.figures()
            })),
            inner,
            gates: Arc::new(Gates {
                slots,
                sessions: Shares::new(share, SHARE_QUEUE),
                users: Shares::new(share, SHARE_QUEUE),
                session_heartbeats: Shares::new(share_of_heartbeats, SHARE_QUEUE),
                user_heartbeats: Shares::new(share_of_heartbeats, SHARE_QUEUE),
                abandoned: Abandoned::default(),
            }),
        }
    }

    /// How many calls of one session are under way at the same time.
    pub fn share_of_session(&self) -> usize {
        self.gates.sessions.size()
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
            let cancels = inner.cancels();
            Begun {
                work: Some(inner.call(call.clone())),
                admitted: Some(admitted),
                call,
                cancels,
                gates,
            }
            .await
        })
    }

    /// Asks as few times as can be, on no connection of the calls.
    fn ping(&self) -> Pending<DatabaseVersions> {
        self.ping.ask()
    }

    /// The same.
    fn figures(&self) -> Pending<Vec<Figure>> {
        self.figures.ask()
    }

    fn cancels(&self) -> bool {
        self.inner.cancels()
    }
}

impl Gates {
    async fn admit(&self, call: &Call) -> Result<Admitted, UpstreamError> {
        let share_wait = match call.operation.name {
            NOTICE => slots::WAIT,
            _ => SHARE_WAIT,
        };
        let share_by = call.deadline.min(Instant::now() + share_wait);
        let user = match call.caller.user_id {
            Some(user) => self.abandoned.enter(user, share_by).await?,
            None => None,
        };
        let is_heartbeat = call.operation.name.starts_with("heartbeat");
        let place = if is_heartbeat && self.slots.kept_for_heartbeats() > 0 {
            // Whichever is free first; a stuck stream holds up its own heartbeats less than anything else.
            let mut general = pin!(self.general(call, share_by));
            let mut kept = pin!(self.kept(call));
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
            self.general(call, share_by).await?
        };
        Ok(Admitted { user, place })
    }

    async fn general(&self, call: &Call, share_by: Instant) -> Result<Place, UpstreamError> {
        let user = enter(&self.users, call.caller.user_id, share_by).await?;
        let session = enter(&self.sessions, call.subject, share_by).await?;
        Ok(Place {
            _slot: self.slots.take(call.deadline).await?,
            _session: session,
            _user: user,
        })
    }

    async fn kept(&self, call: &Call) -> Result<Place, UpstreamError> {
        let by = call.deadline.min(Instant::now() + slots::WAIT);
        let user = enter(&self.user_heartbeats, call.caller.user_id, by).await?;
        let session = enter(&self.session_heartbeats, call.subject, by).await?;
        Ok(Place {
            _slot: self.slots.take_kept(call.deadline).await?,
            _session: session,
            _user: user,
        })
    }
}

/// A call without a key, like those of the service, has no share to wait for.
async fn enter<K: Copy + Eq + Hash>(
    shares: &Shares<K>,
    key: Option<K>,
    by: Instant,
) -> Result<Option<Share<K>>, UpstreamError> {
    match key {
        Some(key) => shares.enter(key, by).await.map(Some),
        None => Ok(None),
    }
}

/// A call that was begun. Dropped before it is over, it goes on without anybody who waits for its answer.
struct Begun {
    work: Option<Pending<Box<RawValue>>>,
    admitted: Option<Admitted>,
    call: Arc<Call>,
    cancels: bool,
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
            let Admitted { user, place } = admitted;
            self.gates
                .abandoned
                .finish_in_background(&self.call, work, user, place, self.cancels);
        }
    }
}
