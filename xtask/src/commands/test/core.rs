//! The tests that CI runs on other Postgres than the default, by parts of their paths.

/// Parts of the paths of tests: what writes rows by key, runs in the server's own processes, reads the log's
/// stream, looks at plans or at the catalogue, and one whole auction. CI runs it on other majors than the default.
pub const CORE: &[&str] = &[
    "auction::",
    "chat::batches",
    "chat::crash",
    "chat::history",
    "chat::order",
    "chat::reading_plans",
    "chat::retries",
    "chat::sending_plans",
    "chat::sync",
    "contract::",
    "demo::",
    "doctor::",
    "editions::collations",
    "gateway::",
    "hosted::",
    "mechanism::",
    "realtime::",
    "regular_work::pg_cron",
    "regular_work::sweep_plans",
    "regular_work::worker",
    "stream::finding_plans",
    "stream::lifecycle",
    "token::minting",
    "token::renewal",
    "upgrade::",
    "user::erasure",
    "viewer::heartbeats",
    "viewer::join_stream",
    "webhook::receiving",
];

/// The tests on a server with pg_cron.
pub const PG_CRON: &str = "regular_work::pg_cron::";

#[cfg(test)]
mod tests {
    use xtask::workspace;

    use super::*;

    /// A part that no test has any more would leave those tests out without a word.
    #[test]
    fn every_part_of_a_path_is_that_of_a_file() {
        for part in CORE.iter().chain([&PG_CRON]) {
            let path = part.trim_end_matches("::").replace("::", "/");
            let is_there = ["it", "e2e"].iter().any(|target| {
                let file = format!("tests/{target}/{path}.rs");
                workspace::root().join(file).is_file()
            });
            assert!(is_there, "no test is in {part}");
        }
    }
}
