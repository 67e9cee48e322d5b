//! The answers of the database that the HTTP tests of `edge_api` are given.

/// One file of each operation, from the top of the repository.
pub const DIRECTORY: &str = "edge_api/tests/http/fixtures";

/// Set: the test that compares them writes them instead.
pub const WRITE_VARIABLE: &str = "PG_STREAM_WRITE_FIXTURES";
