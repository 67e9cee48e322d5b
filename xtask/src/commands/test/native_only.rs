//! The tests that the SQL edition leaves out: those of the mechanism of native code, and of what SQL cannot do.

use xtask::edition::Edition;

use super::named_tests::{self, NamedTests};

/// Parts of the paths of tests, each with the reason. Everything that a caller can see is tested in both editions.
pub const NATIVE_ONLY: &NamedTests = &[
    (
        "auction::isolation::",
        "statements above READ COMMITTED cannot change rows that have moved: editions::isolation tests the refusal",
    ),
    (
        "contract::native_functions::a_grant_of_the_schema_opens_nothing",
        "functions in SQL are closed by rights alone: whoever grants them opens them",
    ),
    (
        "contract::native_functions::a_superuser_is_refused_too",
        "a superuser may execute every function in SQL",
    ),
    (
        "contract::native_functions::api_roles_do_not_reach_the_schema",
        "counts the functions of the extension; editions::signatures looks at the rights",
    ),
    (
        "contract::native_functions::the_owner_is_refused_under_any_other_search_path",
        "functions in SQL set the path themselves",
    ),
    (
        "contract::native_functions::without_the_tables_everybody_is_refused",
        "functions in SQL fail with Postgres's own error then",
    ),
    (
        "doctor::realtime::a_library_that_is_not_preloaded_is_a_warning",
        "there is no library that could be preloaded",
    ),
    (
        "errors::hooks_without_rights::it_is_an_internal_error_of_a_single_call",
        "errors of Postgres are replaced by a hook of the server, which SQL does not have",
    ),
    (
        "errors::internal_texts::",
        "errors of Postgres are replaced by a hook of the server, which SQL does not have",
    ),
    (
        "errors::quoting::a_refusal_leaves_nothing_in_the_servers_log_and_a_fault_does",
        "refusals are kept out of the log by a hook of the server, which SQL does not have",
    ),
    (
        "errors::quoting::arguments_that_postgres_cannot_read_are_not_logged",
        "errors of Postgres are replaced by a hook of the server, which SQL does not have",
    ),
    (
        "mechanism::keyed_rows::",
        "rows that native code finds and writes by key",
    ),
    (
        "realtime::flush_queue::above_read_committed_an_entry_is_queued_whatever_others_have_queued",
        "statements above READ COMMITTED cannot change rows that have moved: editions::isolation tests the refusal",
    ),
    (
        "regular_work::worker::",
        "the background worker is a process of the library",
    ),
    (
        "session::synchronous_commit::a_message_is_on_disk_though_the_caller_turns_waiting_off",
        "SQL is not asked at the commit, so what a transaction sets after the message holds for it",
    ),
    (
        "token::certificate_file::the_certificate_comes_from_a_file_that_is_closed_to_everybody_else",
        "SQL reads no file of the server",
    ),
    (
        "token::certificate_file::the_loaded_library_lets_no_session_name_a_file",
        "there is no library that could be loaded",
    ),
    ("token::rotation_files::", "SQL reads no file of the server"),
    (
        "upgrade::migrations::code_leaves_an_extension_of_a_later_release_as_it_is",
        "there is no extension whose version could be a later one",
    ),
    (
        "upgrade::extension::",
        "there is no extension to be updated",
    ),
    (
        "waiting::locks::the_gate_is_no_number_that_sql_can_name",
        "a lock that SQL takes is one that SQL can name; waiting::held_gate tests what its holder can delay",
    ),
];

/// Arguments of the test binaries that leave them out.
pub fn skipped(edition: Edition) -> Vec<&'static str> {
    match edition {
        Edition::Native => Vec::new(),
        Edition::Sql => named_tests::skip(NATIVE_ONLY),
    }
}

#[cfg(test)]
mod tests {
    use super::super::named_tests::expect_all_there;
    use super::*;

    /// A name that no test has any more would leave nothing out, and hide that it is not needed.
    #[test]
    fn every_test_that_is_left_out_is_there() {
        expect_all_there(NATIVE_ONLY);
    }
}
