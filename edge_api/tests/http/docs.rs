//! docs/http.md and contract/routes.json say what the table of routes says.
//!
//! `UPDATE_DOCS=1 cargo test -p edge_api --test http docs` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use edge_api::routes::{ROUTES, Route};
use serde_json::{Value, json};

const POLLING: &str = "
## Polling

An app that cannot keep a socket to Realtime asks `GET /v1/streams/{session_id}/sync` again and again, with the last `seq` and
the `epoch` that it holds:

* Each answer has an `etag`. Send it back as `If-None-Match`: while nothing has changed for this reader, the answer is 304 without
  a body. It changes with the log, the state, the number of viewers, `poll_ms`, and the reader's own read marks and restrictions; times
  in the answer change without it, so the tag is weak.
* Each answer, 304 too, has `x-poll-interval-ms`: wait that long before the next request, more or less by a tenth so that viewers do
  not come together. The service sets it (`SYNC_POLL_INTERVAL_MS`), and an app obeys the newest one. After a 429 or 503 wait for
  `retry-after` instead.
* `cache-control: private, no-cache` and `vary: authorization`: the reader alone may keep the answer, and asks before each use.
* The tag is the database's, and the same from every copy of the service.
";

const INTRODUCTION: &str = "\
# HTTP

The routes of `edge_api`; the file is written from its table. A route calls one operation as the caller and passes the
database's JSON on as it is, so a request and the same call through `supabase.rpc` have the same answer: an object, an array
for a set, a bare value for a scalar. Names are the database's everywhere, in problems too. [api.md](api.md) says what each
operation does, who may call it and what it returns. `GET /openapi.json` is the whole of it for programs, OpenAPI 3.1 with every
argument, answer and refusal; `GET /docs` shows the same to people, and needs no other host.

* Every call carries `Authorization: Bearer <access token>`; the service role's key acts for anybody.
* Names in braces are arguments. The other arguments are members of a JSON object in the body (POST, PUT, PATCH; no body at
  all when none is needed) or parameters of the query (GET, DELETE).
* An argument that is unknown, missing, malformed or given twice is refused with `invalid_argument`, and `field` names it.
  Ids have their hyphens, integers no fraction, times an offset (RFC 3339); JSON keeps every digit.
* Answers of the database are `cache-control: no-store`, that of `sync` apart: see [polling](#polling). Refusals are problems of RFC 9457 with the members of
  [errors.md](errors.md), `field`, `retry_after_ms` and `request_id`.
* `x-request-timeout-ms`, from 100 to 8000, asks for an answer within that time; without it a call has 8 s.
* A body has at most 64 KiB unless the table says otherwise.
* `GET /readyz` returns `contract_version` and `oldest_client`, the oldest contract that a client may have been built with, what is
  installed in the database, the breakers, and whether the keys of tokens were read. It is 503 when the database does not answer.
  `GET /healthz` is answered while the process lives, `GET /v1/errors` with the catalogue. `POST /webhooks/agora` is
  Agora's: [webhooks.md](webhooks.md). `POST /v1/operator/breakers/{name}/trip` and `reset` are the service role's:
  [operations.md](operations.md#when-a-dependency-of-the-edge-is-away).

| route | operation | body |
|---|---|---|
";

#[test]
fn the_documentation_lists_the_table_of_routes() {
    expect_content("docs/http.md", &document());
}

#[test]
fn the_contract_lists_the_table_of_routes() {
    expect_content("contract/routes.json", &contract());
}

/// Compares a file of the repository with what it should hold, or writes it when that is asked for.
fn expect_content(path: &str, expected: &str) {
    // Not the compiler's: another checkout may share its target directory.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
    let file = Path::new(&package).join("..").join(path);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, expected).expect("a file");
    }
    let found = fs::read_to_string(&file).expect("a file");
    assert!(
        found == expected,
        "{path} is out of date: run UPDATE_DOCS=1 cargo test -p edge_api --test http docs"
    );
}

/// Method and path of each operation, for programs.
fn contract() -> String {
    let routes: BTreeMap<&str, Value> = ROUTES
        .iter()
        .map(|route| {
            let method = route.verb.method().to_string();
            let entry =
                json!({"method": method, "path": route.path, "whole_body": route.whole_body});
            (route.operation, entry)
        })
        .collect();
    serde_json::to_string_pretty(&routes).expect("a map") + "\n"
}

fn document() -> String {
    let mut routes: Vec<&Route> = ROUTES.iter().collect();
    routes.sort_by_key(|route| route.path);
    let table = routes
        .iter()
        .fold(INTRODUCTION.to_owned(), |mut text, route| {
            let method = route.verb.method();
            let (path, operation) = (route.path, route.operation);
            let body = body(route);
            writeln!(text, "| `{method} {path}` | `{operation}` | {body} |").expect("a text");
            text
        });
    table + POLLING
}

/// What is particular about the body.
fn body(route: &Route) -> String {
    let whole = route
        .whole_body
        .map(|name| format!("it is the argument `{name}`"));
    let limit = route.body_limit_bytes;
    let limit = limit.map(|bytes| format!("at most {} KiB", bytes / 1024));
    whole
        .into_iter()
        .chain(limit)
        .collect::<Vec<_>>()
        .join(", ")
}
