//! docs/errors.md says what the catalogue says.
//!
//! `UPDATE_DOCS=1 cargo test -p stream_core --test error_docs` writes it anew.

use std::fmt::Write;
use std::path::PathBuf;

use stream_core::error::{Category, ErrorCode, RecoveryStrategy};

const INTRODUCTION: &str = "\
# Errors

One catalogue, `stream_core::error`, decides all of this; the file is written from it. In SQL the code stands in DETAIL,
a JSON object `{code, category, recoverable, retry_after_ms?}`; over HTTP it stands in the problem+json body. SQLSTATE
`PTxyz` makes PostgREST answer HTTP status `xyz`. The other states are Postgres's own, and PostgREST maps them by its
own table. Raised inside an operation they bear our texts and DETAIL, outside of one (arguments, rights, COMMIT) Postgres's. A code without a state is given by `edge_api` alone; no SQL function can raise it.
That holds for every 503 of the product: at a 503 PostgREST drops its connections and reads its schema anew.

Recoverable: the app can get past it without a person changing the request.
";

const RECOVERY: &str = "
## Recovery

Of a recoverable error, by category. Any other code is not tried again (0 attempts, 0 ms) and the user is told: the fallback is
that of its category, and `contact_operator` where only whoever runs the service can mend it.

";

#[test]
fn the_documentation_lists_the_catalogue() {
    let file = package().join("../docs/errors.md");
    let expected = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap();
    assert!(
        found == expected,
        "docs/errors.md is out of date: run UPDATE_DOCS=1 cargo test -p stream_core --test error_docs"
    );
}

/// This package's directory, from cargo: a path of the compiler would be that of another checkout where both share a
/// target directory.
fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .expect("cargo names the package")
        .into()
}

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n| code | SQLSTATE | HTTP | category | recoverable | meaning | what to do |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    for code in ErrorCode::ALL {
        let recoverable = if code.recoverable() { "yes" } else { "no" };
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {recoverable} | {} | {} |",
            code.as_str(),
            code.sqlstate().unwrap_or("none"),
            code.http_status(),
            code.category().as_str(),
            code.message(),
            code.hint(),
        )
        .unwrap();
    }
    text.push_str(RECOVERY);
    text.push_str(
        "| category | retry by itself | attempts | delay (ms) | fallback | tell the user |\n",
    );
    text.push_str("|---|---|---|---|---|---|\n");
    for category in Category::ALL {
        let strategy = category.recovery();
        writeln!(
            text,
            "| {} | {} | {} | {} | `{}` | {} |",
            category.as_str(),
            if strategy.auto_retry { "yes" } else { "no" },
            strategy.max_retry_attempts,
            strategy.retry_delay_ms,
            strategy.fallback_action,
            if strategy.user_notification {
                "yes"
            } else {
                "no"
            },
        )
        .unwrap();
    }
    let is_for_operator =
        |code: &&ErrorCode| code.recovery().fallback_action == RecoveryStrategy::CONTACT_OPERATOR;
    let codes: Vec<_> = ErrorCode::ALL
        .iter()
        .filter(is_for_operator)
        .map(|code| format!("* `{}`", code.as_str()))
        .collect();
    writeln!(
        text,
        "\nFallback `contact_operator`:\n\n{}",
        codes.join("\n")
    )
    .unwrap();
    text
}
