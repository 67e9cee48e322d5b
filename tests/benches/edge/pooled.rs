//! The loop without a service: workers that call the database through a pool of tokio-postgres connections.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use stream_tests::database::TestDatabase;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use crate::closed_loop::{Limit, Places};
use crate::rounds::{Round, Watched};

/// The edge's default, PostgREST's too.
pub const CONNECTIONS: usize = 10;

/// Role and claims of one transaction, as PostgREST sets them.
const SETTINGS: &str = "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true), \
    set_config('request.method', $3, true), set_config('request.path', $4, true), \
    set_config('statement_timeout', $5, true)";

/// The work of one place: the values of the statement's parameters.
pub type Values = Vec<Box<dyn ToSql + Sync + Send>>;
pub type ValuesOf = Arc<dyn Fn(usize) -> Values + Send + Sync>;

/// The number of statements in which a call is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The call alone; role and claims of the service were set when the connection was made.
    Plain,
    /// BEGIN, role and claims, call, COMMIT in one round trip.
    Transaction,
}

/// Connections of the API's login role with one statement prepared, waited for in turn.
pub struct Pool {
    form: Form,
    free: Semaphore,
    idle: Mutex<Vec<Connected>>,
}

struct Connected {
    client: Client,
    call: Statement,
    settings: Statement,
}

impl Pool {
    pub async fn connect(
        database: &TestDatabase,
        form: Form,
        statement: &str,
        connections: usize,
    ) -> Result<Arc<Self>> {
        let mut idle = Vec::new();
        for _ in 0..connections {
            let client = database.connect("authenticator").await?;
            // In the role that may call, as for the settings of a transaction.
            client
                .batch_execute(
                    "set role service_role; set request.jwt.claims = '{\"role\":\"service_role\"}'",
                )
                .await?;
            let call = client.prepare(statement).await?;
            let settings = client.prepare(SETTINGS).await?;
            idle.push(Connected {
                client,
                call,
                settings,
            });
        }
        Ok(Arc::new(Self {
            form,
            free: Semaphore::new(connections),
            idle: Mutex::new(idle),
        }))
    }

    /// One round of as many workers as the driver of a service has connections.
    pub async fn round(
        self: &Arc<Self>,
        watched: Watched,
        workers: usize,
        limit: Limit,
        values: &ValuesOf,
    ) -> Result<Round> {
        let places = Places::of(limit);
        let mut clients = JoinSet::new();
        for _ in 0..workers {
            let (pool, places, values) = (Arc::clone(self), places.clone(), Arc::clone(values));
            clients.spawn(async move {
                let mut requests = 0;
                while let Some(place) = places.take() {
                    pool.call(&values(place)).await.context("the pooled loop")?;
                    requests += 1;
                }
                Ok(requests)
            });
        }
        watched.round(clients).await
    }

    async fn call(&self, values: &Values) -> Result<()> {
        let _permit = self.free.acquire().await?;
        let taken = self.idle.lock().expect("no holder panics").pop();
        let connected = taken.context("as many permits as connections")?;
        let outcome = connected.call(self.form, values).await;
        self.idle.lock().expect("no holder panics").push(connected);
        outcome
    }
}

impl Connected {
    async fn call(&self, form: Form, values: &Values) -> Result<()> {
        let values: Vec<_> = values
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect();
        let call = self.client.query_one(&self.call, &values);
        let row = match form {
            Form::Plain => call.await?,
            Form::Transaction => {
                let claims = r#"{"role":"service_role"}"#;
                let settings: [&(dyn ToSql + Sync); 5] = [
                    &"service_role",
                    &claims,
                    &"POST",
                    &"/v1/streams/heartbeat",
                    &"8s",
                ];
                let (begun, set, row, committed) = tokio::join!(
                    biased;
                    self.client.batch_execute("begin read write"),
                    self.client.execute(&self.settings, &settings),
                    call,
                    self.client.batch_execute("commit"),
                );
                begun?;
                set?;
                committed?;
                row?
            }
        };
        // Received as a service receives it: the database's JSON, as it is.
        row.try_get::<_, &str>(0)?;
        Ok(())
    }
}
