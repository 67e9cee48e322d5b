//! Calls that were begun and whose client has gone: finished by tasks, few of each user at a time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metrics::gauge;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::super::under_way::{Counted, UnderWay};
use super::super::{Call, Pending, UpstreamError};
use super::slots::Waiting;
use crate::lock::Lock;
use crate::metrics::ABANDONED_CALLS;

/// So many abandoned calls of one user hold a connection at a time.
const PER_USER: usize = 2;

/// So many calls of a user who has abandoned some may wait.
const QUEUE_PER_USER: usize = 64;

/// An abandoned call beyond [`PER_USER`] is cancelled after this time, in which nearly every call is over by itself.
const EXCESS_GRACE: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct Abandoned {
    users: Arc<Lock<HashMap<Uuid, Arc<User>>>>,
    under_way: UnderWay,
}

/// A user with abandoned calls under way.
struct User {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    abandoned: AtomicUsize,
}

/// One of the calls of a user who has abandoned some.
pub(super) struct UserPermit {
    // Before the visit, which forgets a user without calls.
    _permit: OwnedSemaphorePermit,
    visit: Visit,
}

struct Visit {
    id: Uuid,
    user: Arc<User>,
    users: Arc<Lock<HashMap<Uuid, Arc<User>>>>,
}

impl Abandoned {
    /// Lets a user with abandoned calls begin no more than [`PER_USER`], those included. Anybody else passes.
    pub(super) async fn enter(
        &self,
        id: Uuid,
        by: Instant,
    ) -> Result<Option<UserPermit>, UpstreamError> {
        let Some(visit) = self.known(id) else {
            return Ok(None);
        };
        let permit = {
            let _waiting = Waiting::begin(&visit.user.waiting, QUEUE_PER_USER)?;
            timeout_at(by, visit.user.places.clone().acquire_owned()).await
        };
        match permit {
            Ok(Ok(permit)) => Ok(Some(UserPermit {
                _permit: permit,
                visit,
            })),
            // Closed it never is.
            Ok(Err(_)) | Err(_) => Err(UpstreamError::OVERLOADED),
        }
    }

    /// Lets a call go on until it is over, in a task, and `held` with it. The work ends by itself soon after its
    /// deadline; what cannot be cancelled is never dropped before.
    pub(super) fn finish_in_background(
        &self,
        call: &Call,
        work: Pending<Box<RawValue>>,
        user: Option<UserPermit>,
        held: impl Send + 'static,
        cancels: bool,
    ) {
        // Without a runtime the process ends, and its connections with it.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut cut_off = None;
        let permitted = user;
        let user = call.caller.user_id.map(|id| {
            if let Some(UserPermit { _permit, visit }) = permitted {
                return AbandonedCall::new(visit, Some(_permit));
            }
            let visit = self.visit(id);
            let permit = visit.user.places.clone().try_acquire_owned().ok();
            if permit.is_none() && cancels {
                cut_off = Some(Instant::now() + EXCESS_GRACE);
            }
            AbandonedCall::new(visit, permit)
        });
        let counted = Shown::begin(&self.under_way);
        runtime.spawn(async move {
            // Nobody waits for the answer. Dropped, the call is cancelled.
            match cut_off {
                Some(by) => drop(timeout_at(by, work).await),
                None => drop(work.await),
            }
            drop((held, user, counted));
        });
    }

    /// Returns when none is under way.
    pub(super) async fn finish(&self) {
        self.under_way.finish().await;
    }

    fn known(&self, id: Uuid) -> Option<Visit> {
        let users = self.users.lock();
        // Nearly always there is none.
        let user = users.get(&id)?;
        let has_abandoned = user.abandoned.load(Ordering::Relaxed) > 0;
        has_abandoned.then(|| self.visit_of(id, user))
    }

    fn visit(&self, id: Uuid) -> Visit {
        let mut users = self.users.lock();
        let user = users.entry(id).or_insert_with(|| {
            Arc::new(User {
                places: Arc::new(Semaphore::new(PER_USER)),
                waiting: AtomicUsize::new(0),
                abandoned: AtomicUsize::new(0),
            })
        });
        self.visit_of(id, user)
    }

    fn visit_of(&self, id: Uuid, user: &Arc<User>) -> Visit {
        Visit {
            id,
            user: user.clone(),
            users: self.users.clone(),
        }
    }
}

/// One abandoned call of a user, while it is under way.
struct AbandonedCall {
    visit: Visit,
    permit: Option<OwnedSemaphorePermit>,
}

impl AbandonedCall {
    fn new(visit: Visit, permit: Option<OwnedSemaphorePermit>) -> Self {
        visit.user.abandoned.fetch_add(1, Ordering::Relaxed);
        Self { visit, permit }
    }
}

impl Drop for AbandonedCall {
    fn drop(&mut self) {
        self.visit.user.abandoned.fetch_sub(1, Ordering::Relaxed);
        drop(self.permit.take());
    }
}

/// An abandoned call in the metrics too.
struct Shown {
    _counted: Counted,
}

impl Shown {
    fn begin(under_way: &UnderWay) -> Self {
        gauge!(ABANDONED_CALLS).increment(1);
        Self {
            _counted: under_way.begin(),
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        gauge!(ABANDONED_CALLS).decrement(1);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        // Clones are made under the lock alone: two are the map's and this one.
        if let Entry::Occupied(user) = self.users.lock().entry(self.id)
            && Arc::strong_count(user.get()) == 2
        {
            user.remove();
        }
    }
}
