//! The stack of upstreams that a process calls: the database, and the rules in front of it.

use std::sync::Arc;

use super::Upstream;
use super::admission::Admission;
use super::batching::{BatchOperations, Batching};
use super::breaker::{Breaker, Guarded};
use super::entrance::Entrance;
use super::measured::Measured;
#[cfg(feature = "postgrest")]
use super::postgrest::{PostgrestUpstream, Project, ProjectError};
use super::retry::Retrying;
use super::sql::{PoolSetupError, SqlSettings, SqlUpstream};
use crate::contract::Contract;

/// An upstream with every rule in front of it.
#[derive(Clone)]
pub struct Stack {
    pub upstream: Arc<dyn Upstream>,
    /// The breakers of this copy of the service, one for each dependency.
    pub breakers: Vec<Arc<Breaker>>,
    admission: Admission,
    /// None: each call goes out by itself.
    batching: Option<Batching>,
}

/// Makes the stack of the settings. It does not connect yet.
pub fn assemble(settings: SqlSettings) -> Result<Stack, PoolSetupError> {
    let connections = settings.connections;
    let database = SqlUpstream::new(settings)?;
    let stack = Stack::around("database", Arc::new(database), connections);
    // The login role is a member of the service's role.
    Ok(stack.batched())
}

/// The same through a project's PostgREST, with so many calls at the same time.
#[cfg(feature = "postgrest")]
pub fn assemble_postgrest(project: Project, calls: usize) -> Result<Stack, ProjectError> {
    let serves_itself = project.serves_itself();
    let project = PostgrestUpstream::new(project, calls)?;
    let stack = Stack::around("postgrest", Arc::new(project), calls);
    Ok(match serves_itself {
        true => stack.batched(),
        false => stack,
    })
}

impl Stack {
    /// The rules, from the inside out, around the upstream of a dependency that makes so many calls at
    /// the same time.
    pub fn around(
        dependency: &'static str,
        innermost: Arc<dyn Upstream>,
        connections: usize,
    ) -> Self {
        let measured = Measured::new(innermost);
        let breaker = Breaker::new(dependency);
        // Inside of admission, so that the breaker learns of calls whose caller has left.
        let guarded = Guarded::new(breaker.clone(), measured);
        let admission = Admission::new(Arc::new(guarded), connections);
        let entrance = Entrance::new(breaker.clone(), admission.clone());
        Self {
            upstream: Arc::new(Retrying::new(entrance)),
            breakers: vec![breaker],
            admission,
            batching: None,
        }
    }

    /// With calls that arrive together sent together, as the service: for an upstream that may call as it.
    pub fn batched(self) -> Self {
        let Some(operations) = BatchOperations::of(Contract::get()) else {
            return self;
        };
        let share = self.admission.share_of_session();
        let batching = Batching::new(self.upstream, operations, share);
        Self {
            upstream: Arc::new(batching.clone()),
            batching: Some(batching),
            ..self
        }
    }

    /// Returns when the calls that were begun and then abandoned are over, each within its deadline.
    pub async fn finish(&self) {
        // First: a flight that ends leaves calls to admission.
        if let Some(batching) = &self.batching {
            batching.finish().await;
        }
        self.admission.finish_abandoned().await;
    }
}
