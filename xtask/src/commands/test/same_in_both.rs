//! The tests whose outcome no edition changes: where one edition has passed them, `cargo x test edition` leaves them out.

use super::named_tests::{self, NamedTests};

/// Parts of the paths of tests, each with the reason. Whatever calls an operation of the database for what it answers is not here.
pub const SAME_IN_BOTH: &NamedTests = &[
    (
        "browser::",
        "plays the client's pages; the operations that those call are tested one by one",
    ),
    (
        "documentation_types::",
        "compiles documents; editions::signatures compares the types",
    ),
    (
        "edge::openapi::",
        "the document is made from the contract, which is one",
    ),
    (
        "editions::",
        "makes databases of both editions, whichever is chosen",
    ),
    (
        "gateway::demo_app::",
        "files that the local stack serves, without the database",
    ),
    (
        "gateway::local_network::",
        "addresses of the local stack, without the database",
    ),
    (
        "gateway::sign_in::",
        "Auth's stand-in, which is not the product's",
    ),
    (
        "gateway::signalling::",
        "video of the local stack, without the database",
    ),
    ("harness::", "the harness of the tests, without the product"),
    (
        "edge::sql_edition::",
        "makes a database of this edition, whichever is chosen",
    ),
    (
        "regular_work::pg_cron::sql_edition::",
        "makes a database of this edition, whichever is chosen",
    ),
];

/// Arguments of the test binaries that leave them out.
pub fn skipped() -> Vec<&'static str> {
    named_tests::skip(SAME_IN_BOTH)
}

#[cfg(test)]
mod tests {
    use super::super::named_tests::expect_all_there;
    use super::*;

    #[test]
    fn every_test_that_is_left_out_is_there() {
        expect_all_there(SAME_IN_BOTH);
    }
}
