//! The pooler between this service and its database.

/// What stands between this service and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooler {
    /// Nothing, or a pooler that keeps one connection for each client: pgbouncer's session mode.
    #[default]
    None,
    /// A pooler that gives each transaction another connection: pgbouncer's transaction mode, Supavisor's
    /// port 6543. Nothing is kept on a connection then, prepared statements above all.
    Transaction,
}
