//! The streams, users and services that the measurements work with.

use std::sync::Arc;

use anyhow::Result;
use stream_tests::database::TestDatabase;
use stream_tests::secret;
use stream_tests::services::access_token::{Signer, claims_of};
use uuid::Uuid;

use crate::closed_loop::{Driver, WriteRequest};
use crate::cpu::Processes;
use crate::pooled::{Values, ValuesOf};
use crate::population::{BenchedStreams, JOIN};
use crate::rounds::Watched;
use crate::service::Service;

/// Settings of the product for a run of minutes in which apps send no heartbeats of their own; rates are checked, and
/// never reached.
const CONFIG: &str =
    "update stream.config set host_timeout_s = 300, reconnect_window_s = 1800, lease_s = 600,
    token_rate_per_minute = 1000000 where id";

/// One viewer of a stream and the access token of the requests.
pub struct Viewer {
    pub session: Uuid,
    pub user: Uuid,
    pub token: String,
}

pub struct World<'a> {
    pub streams: BenchedStreams<'a>,
    /// A thousand, ten in each stream.
    pub viewers: Arc<Vec<Viewer>>,
    pub edge: Service,
    pub node: Service,
    pub jwt_secret: String,
    postmaster: u32,
}

impl<'a> World<'a> {
    pub async fn create(database: &'a TestDatabase) -> Result<Self> {
        database.change(CONFIG).await?;
        let streams = BenchedStreams::create(database).await?;
        let jwt_secret = secret::random("a JWT secret", 32)?;
        let signer = Signer::new(&jwt_secret);
        let sessions = Arc::clone(&streams.sessions);
        let viewers = streams.users.iter().zip(sessions.iter().cycle());
        let viewers: Vec<_> = viewers
            .map(|(&user, &session)| Viewer {
                session,
                user,
                token: signer.sign(&claims_of(user)),
            })
            .collect();
        let pairs = viewers.iter().map(|viewer| (viewer.session, viewer.user));
        streams.call_for_all(JOIN, pairs.collect()).await?;

        let backend: i32 = database.value("select pg_backend_pid()").await?;
        Ok(Self {
            viewers: Arc::new(viewers),
            edge: Service::start_edge(database, &jwt_secret)?,
            node: Service::start_node(database, &jwt_secret)?,
            postmaster: Processes::look()?.parent_of(u32::try_from(backend)?)?,
            streams,
            jwt_secret,
        })
    }

    /// The hosts' heartbeat, due every few minutes with these settings.
    pub async fn keep_alive(&self) -> Result<()> {
        self.streams
            .database
            .change(
                "select stream.heartbeat(s.id, user_id => s.seller_id) from stream.stream_sessions as s
                 where s.id in (select v.session_id from stream.stream_viewers as v)",
            )
            .await
    }

    /// The requests of each viewer in turn.
    pub fn writing(
        &self,
        write: impl Fn(&Viewer, &mut Vec<u8>) + Send + Sync + 'static,
    ) -> WriteRequest {
        self.writing_as(self.viewers.len(), write)
    }

    /// The same of the first viewers alone.
    pub fn writing_as(
        &self,
        count: usize,
        write: impl Fn(&Viewer, &mut Vec<u8>) + Send + Sync + 'static,
    ) -> WriteRequest {
        let viewers = Arc::clone(&self.viewers);
        Arc::new(move |place, request| write(&viewers[place % count], request))
    }

    /// The values of each viewer's calls in turn.
    pub fn binding(&self, values: impl Fn(&Viewer) -> Values + Send + Sync + 'static) -> ValuesOf {
        self.binding_as(self.viewers.len(), values)
    }

    /// The same of the first viewers alone.
    pub fn binding_as(
        &self,
        count: usize,
        values: impl Fn(&Viewer) -> Values + Send + Sync + 'static,
    ) -> ValuesOf {
        let viewers = Arc::clone(&self.viewers);
        Arc::new(move |place| values(&viewers[place % count]))
    }

    /// For the rounds of a loop without a service.
    pub fn server_alone(&self) -> Watched {
        Watched {
            service: None,
            postmaster: self.postmaster,
        }
    }

    pub fn driver(&self, service: &Service, connections: usize) -> Driver {
        let watched = Watched {
            service: Some(service.pid),
            postmaster: self.postmaster,
        };
        Driver::new(&service.address, watched, connections)
    }
}
