//! Calls of functions through PostgREST, by the crate `postgrest`, where the database itself is out of reach.
//!
//! Every call is a POST of the arguments as one JSON object: a URL has no room for them, and proxies
//! log it. PostgREST runs a STABLE function read only all the same. It checks the caller's own token
//! again; calls of the service itself come with the project's service key. The crate panics on a
//! header that HTTP does not allow, sets no timeout and follows redirects with all headers, so headers
//! are made here, and the client and the built request are told what the crate leaves out.

mod body;
mod failure;
mod header;
mod project;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use postgrest::Builder;
use reqwest_0_11::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest_0_11::redirect::Policy;
use reqwest_0_11::{Client, Response, StatusCode};
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;

use self::header::secret_value;
pub use self::project::{Project, ProjectError};
use super::{Call, DatabaseVersions, Figure, Pending, Upstream, UpstreamError};
use crate::caller::{Caller, Role};
use crate::contract::{Contract, Rows};
use crate::deadline::LONGEST;

/// The schema of the operations, which the project must expose.
const SCHEMA: &str = "stream";

/// For a TCP and TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// After the longest time of a statement, which no dropped request ends: one that nobody waits for any more ends.
const GRACE: Duration = Duration::from_secs(2);

/// The longest answer that is read; the largest pages are below it.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

const APIKEY: HeaderName = HeaderName::from_static("apikey");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// A project's PostgREST.
#[derive(Clone)]
pub struct PostgrestUpstream(Arc<Inner>);

struct Inner {
    project: Project,
    client: Client,
}

impl PostgrestUpstream {
    /// Keeps as many idle connections as calls may be made at the same time.
    pub fn new(project: Project, connections: usize) -> Result<Self, ProjectError> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::none())
            .pool_max_idle_per_host(connections)
            .tcp_nodelay(true)
            .user_agent("edge_api")
            .build()
            .map_err(|_| ProjectError::Client)?;
        Ok(Self(Arc::new(Inner { project, client })))
    }

    async fn run(&self, call: &Call) -> Result<Box<RawValue>, UpstreamError> {
        let mut headers = self.headers(&call.caller)?;
        if call.operation.rows == Rows::Many {
            // Otherwise nothing tells a set that `db-max-rows` cut off from a whole one.
            headers.insert(PREFER, HeaderValue::from_static("count=exact"));
        }
        let response = self
            .post(call.operation.name, headers, body::of(call), LONGEST)
            .await?;
        let status = response.status();
        let text = read(response).await?;
        if status == StatusCode::PARTIAL_CONTENT {
            return Err(unexpected(
                "a set of more rows than db-max-rows lets through",
            ));
        }
        if !status.is_success() {
            return Err(failure::of_answer(status.as_u16(), &text));
        }
        match call.operation.rows {
            Rows::None => Ok(RawValue::NULL.to_owned()),
            Rows::One | Rows::Many => {
                RawValue::from_string(text).map_err(|_| unexpected("an answer that is no JSON"))
            }
        }
    }

    async fn post(
        &self,
        function: &str,
        headers: HeaderMap,
        body: String,
        longest: Duration,
    ) -> Result<Response, UpstreamError> {
        let Inner { project, client } = &*self.0;
        let url = format!("{}/rpc/{function}", project.rest_url());
        let timeout = longest + GRACE;
        Builder::new(url, Some(SCHEMA.to_owned()), headers, client.clone())
            .rpc(body)
            .build()
            .timeout(timeout)
            .send()
            .await
            .map_err(failure::of_request)
    }

    /// The project's key, and who calls.
    fn headers(&self, caller: &Caller) -> Result<HeaderMap, UpstreamError> {
        let project = &self.0.project;
        let mut headers = HeaderMap::new();
        match (&caller.token, caller.role) {
            (Some(token), _) => {
                headers.insert(APIKEY, project.anon_key().clone());
                let bearer = secret_value(&format!("Bearer {}", token.expose()));
                let bearer = bearer.ok_or_else(|| unexpected("a token that is no header"))?;
                headers.insert(AUTHORIZATION, bearer);
            }
            (None, Role::ServiceRole) => {
                let key = project.service_key().ok_or_else(|| {
                    unexpected("the service itself calls, and SUPABASE_SERVICE_ROLE_KEY is not set")
                })?;
                headers.insert(APIKEY, key.apikey.clone());
                if let Some(bearer) = &key.bearer {
                    headers.insert(AUTHORIZATION, bearer.clone());
                }
            }
            (None, Role::Authenticated) => {
                return Err(unexpected("a user without their token"));
            }
        }
        Ok(headers)
    }

    /// Reads the view, as the service.
    async fn count(&self) -> Result<Vec<Figure>, UpstreamError> {
        let Inner { project, client } = &*self.0;
        let headers = self.headers(&Caller::service())?;
        let url = format!("{}/metrics", project.rest_url());
        let response = Builder::new(url, Some(SCHEMA.to_owned()), headers, client.clone())
            .select("name,labels,value")
            .build()
            .timeout(CONNECT_TIMEOUT + GRACE)
            .send()
            .await
            .map_err(failure::of_request)?;
        let status = response.status();
        let text = read(response).await?;
        match status.is_success() {
            true => Figure::all_of(&text).map_err(UpstreamError::of_figures),
            false => Err(failure::of_answer(status.as_u16(), &text)),
        }
    }

    /// Whoever has no right to an answer was refused by the database.
    async fn ask(&self) -> Result<(), UpstreamError> {
        let operation = Contract::get().operation("user_id");
        let function = operation.map_or("user_id", |operation| operation.name);
        let headers = HeaderMap::from_iter([(APIKEY, self.0.project.anon_key().clone())]);
        let response = self
            .post(function, headers, "{}".to_owned(), CONNECT_TIMEOUT)
            .await?;
        let status = response.status();
        let text = read(response).await?;
        if status.is_success() {
            return Ok(());
        }
        match failure::of_answer(status.as_u16(), &text) {
            UpstreamError::Refused {
                code: ErrorCode::PermissionDenied,
                ..
            } => Ok(()),
            error => Err(error),
        }
    }
}

impl Upstream for PostgrestUpstream {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let project = self.clone();
        Box::pin(async move { project.run(&call).await })
    }

    /// No function that everybody may call tells the versions.
    fn ping(&self) -> Pending<DatabaseVersions> {
        let project = self.clone();
        Box::pin(async move {
            project.ask().await?;
            Ok(DatabaseVersions::default())
        })
    }

    fn figures(&self) -> Pending<Vec<Figure>> {
        let project = self.clone();
        Box::pin(async move { project.count().await })
    }

    /// PostgREST finishes a statement whose client has gone, and takes no deadline: the role's timeout ends it.
    fn cancels(&self) -> bool {
        false
    }
}

impl fmt::Debug for PostgrestUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgrestUpstream(..)")
    }
}

fn unexpected(reason: &str) -> UpstreamError {
    UpstreamError::Unexpected {
        reason: reason.to_owned(),
    }
}

async fn read(mut response: Response) -> Result<String, UpstreamError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure::of_request)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(unexpected("an answer that is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| unexpected("an answer that is no text"))
}

#[cfg(test)]
mod tests;
