//! What `cargo x test` itself promises.

mod secret_search;
