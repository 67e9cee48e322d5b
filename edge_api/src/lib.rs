//! The HTTP service: it verifies who calls, calls one operation of the database, and passes the answer on.
//!
//! It decides nothing about streams: permissions, order and state are the database's, which the
//! service enters as the caller (role and claims), exactly as PostgREST does. So a request through
//! this service and the same call through `supabase.rpc` have the same outcome, in the same JSON.
//!
//! * [`contract`]: the operations of the database, generated from its catalogue.
//! * [`routes`]: the table of method, path and operation; [`routes::operation`] is the one handler.
//! * [`arguments`]: the arguments of a call, checked by the contract before the database is asked.
//! * [`auth`]: verifies access tokens; [`caller`]: who they make of a request.
//! * [`upstream`]: the seam to the database.
//! * [`openapi`]: the description of all routes, for programs and people.
//! * [`error`]: refusals, as RFC 9457 problems.
//! * [`server`]: connections and their limits; [`client`]: who is at the other end; [`limits`]: how often
//!   they may ask; [`answers`]: how much they may leave unread.
//! * [`ticker`], [`memory`]: what it does unasked.
//! * [`metrics`]: every metric that it keeps.

pub mod answer;
pub mod answers;
pub mod arguments;
pub mod auth;
pub mod body;
pub mod budget;
pub mod caller;
pub mod canary;
pub mod client;
pub mod config;
pub mod contract;
pub mod deadline;
pub mod entity_tag;
pub mod error;
pub mod layers;
pub mod limits;
mod lock;
pub mod logging;
pub mod memory;
pub mod metrics;
pub mod openapi;
pub mod request_id;
pub mod rotating;
pub mod rotation;
pub mod router;
pub mod routes;
pub mod server;
pub mod state;
pub mod ticker;
pub mod trace;
pub mod upstream;
