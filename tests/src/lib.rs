//! Ways for tests to reach the product and to say what they expect.
//!
//! Every test has a database of its own and speaks to it as the product's callers do: see
//! [`database::TestDatabase`] and [`session::Session`]. A refusal is expected together with the
//! promise that it left no trace: see [`refusal`].

pub mod agora;
pub mod batched;
pub mod bench;
pub mod blocking;
pub mod certificate_file;
pub mod chat_socket;
pub mod clock;
pub mod contract;
pub mod database;
pub mod declared_events;
pub mod demo;
pub mod direct_calls;
pub mod doctor;
pub mod fault_proxy;
pub mod flush_queue;
pub mod governor;
pub mod heartbeat;
pub mod hosted;
pub mod identity;
pub mod load_over_moves;
pub mod logged_plans;
pub mod metrics;
pub mod moderation;
pub mod own_cluster;
pub mod partitions;
pub mod pgbouncer;
pub mod postgres_program;
pub mod reactions;
pub mod realtime;
pub mod refusal;
pub mod regular_work;
pub mod row_versions;
pub mod secret;
pub mod server_clock;
pub mod services;
pub mod session;
pub mod stateful;
pub mod stored_text;
pub mod stream;
pub mod supabase_tools;

pub mod ticking;
pub mod tls_files;
pub mod trace;
pub mod waiting;
pub mod webhook;
