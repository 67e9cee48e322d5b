//! The promises of `cargo x test` itself.

mod secret_search;
