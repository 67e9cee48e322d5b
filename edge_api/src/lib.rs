//! What does the HTTP service do? It verifies who calls, asks one SQL function, and answers in JSON.
//!
//! It decides nothing about streams: permissions, order and state are the database's, which the
//! service enters as the caller (role and claims), exactly as PostgREST does. So a request through
//! this service and the same call through `supabase.rpc` have the same outcome.
//!
//! * [`router`]: the route table; one file per noun under [`routes`].
//! * [`auth`]: access tokens to [`Caller`](auth::Caller)s.
//! * [`upstream`]: the seam to the database.
//! * [`error`]: refusals, as RFC 9457 problems.
//! * [`ticker`]: the one thing that it does unasked.

pub mod auth;
pub mod config;
pub mod error;
pub mod extract;
pub mod ids;
pub mod layers;
pub mod logging;
pub mod request_id;
pub mod router;
pub mod routes;
pub mod server;
pub mod state;
pub mod ticker;
pub mod timestamp;
pub mod uncached;
pub mod upstream;
