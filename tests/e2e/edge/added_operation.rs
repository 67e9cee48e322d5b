//! An operation that is added to a copy of the tree: one SQL body and one line of the route table.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result};
use edge_api::auth::Verifier;
use edge_api::contract::Contract;
use edge_api::router::router_of;
use edge_api::routes::{ROUTES, Route, get};
use edge_api::state::AppState;
use edge_api::upstream::sql::tls::Tls;
use edge_api::upstream::sql::{Pooler, SqlSettings, SqlUpstream};
use secrecy::SecretString;
use serde_json::json;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use tokio::net::TcpListener;
use xtask::generate::{self, Files};
use xtask::product_sql::ProductSql;
use xtask::workspace;

const BODY: &str = "
create function stream_private.echo_number(number integer default 7)
returns integer
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1;
end
$$;
comment on function stream_private.echo_number is $$
Returns a number.
@callers service_role
@errors invalid_argument
$$;
";

/// A result, and the payload of an event.
const TYPES: &str = "
create type stream.echo as (number integer);
comment on type stream.echo is 'A number that was told.';
comment on column stream.echo.number is 'The number. @null';

create type stream.echo_event as (number integer);
comment on type stream.echo_event is $$
A number was told.
@topic live
@event echo
$$;
";

/// An operation with a request id, and one that forwards to native code.
const OTHERS: &str = "
create function stream_private.tell_number(number integer)
returns stream.echo
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return row($1 + (random() * 1000000)::pg_catalog.int4)::stream.echo;
end
$$;
comment on function stream_private.tell_number is $$
Returns another number at each call.
@callers service_role
@repeat safe with request_id
$$;

create function stream_private.native_state(session_id uuid)
returns text
language plpgsql stable
as 'begin end';
comment on function stream_private.native_state is $$
The state of a stream.
@native get_stream_state
@callers service_role
@errors invalid_argument, session_not_found, cannot_view
$$;
";

const ROUTE: Route = get("/v1/numbers/{number}", "echo_number");

/// What the copy generates; the database has all of it afterwards.
fn generate_with_the_body(database: &TestDatabase) -> Result<Files> {
    let copy = std::env::temp_dir().join(format!("{}-tree", database.name()));
    let sql = ProductSql::read(workspace::root())?;
    for file in sql.hand_written() {
        let path = copy.join(&file.path);
        fs::create_dir_all(path.parent().expect("is in a directory"))?;
        fs::write(path, &file.text)?;
    }
    fs::write(copy.join("sql/schema/079_echo_types.sql"), TYPES)?;
    fs::write(
        copy.join("sql/private/new_operation.sql"),
        format!("{BODY}{OTHERS}"),
    )?;
    // The one file of contract/ that is read: the tests of edge_api write it.
    fs::create_dir_all(copy.join("contract"))?;
    let routes = "contract/routes.json";
    fs::copy(workspace::root().join(routes), copy.join(routes))?;
    let files = generate::files(&copy, &database.environment.cluster, database.name());
    fs::remove_dir_all(&copy)?;
    files
}

/// An edge with the copy's contract and one more route, in this process. It ends with the test.
async fn start_edge(services: &Services, operations: &str) -> Result<String> {
    let contract: &'static Contract =
        Box::leak(Box::new(Contract::parse(operations.to_owned().leak())?));
    let table: Vec<Route> = ROUTES.iter().copied().chain([ROUTE]).collect();
    let database = &services.database;
    let url = database
        .environment
        .cluster
        .url("authenticator", database.name())?;
    let upstream = SqlUpstream::new(SqlSettings {
        database: url.parse()?,
        tls: Tls::DISABLED,
        pooler: Pooler::None,
        connections: 2,
    })?
    .with_contract(contract);
    let verifier = Verifier::new(&SecretString::from(services.jwt_secret.clone()));
    let state = AppState::new(Arc::new(upstream), verifier);
    let router = router_of(table.leak(), contract, state, Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(edge_api::server::serve(
        listener,
        router,
        edge_api::server::ServerSettings::default(),
        std::future::pending(),
    ));
    Ok(format!("http://{address}"))
}

#[tokio::test]
async fn operation_that_is_written_once_is_in_every_generated_file_and_has_its_rights() -> Result<()>
{
    let database = TestDatabase::without_product().await?;
    let files = generate_with_the_body(&database)?;
    for path in [
        "sql/api/020_wrappers.sql",
        "sql/api/030_grants.sql",
        "contract/operations.json",
        "contract/roles.md",
        "docs/api.md",
    ] {
        assert!(files[path].contains("echo_number"), "{path}");
    }
    for (path, generated) in [
        ("sql/api/010_natives.sql", "stream_ext.get_stream_state($1)"),
        ("sql/api/010_natives.sql", "stream_private.native_state("),
        ("sql/api/015_repeats.sql", "stream_private.tell_number($1)"),
        ("contract/types.json", "\"echo\""),
        ("contract/events.json", "\"echo_event\""),
    ] {
        assert!(files[path].contains(generated), "{path}");
    }

    let services = Services::start_on(database)?;
    let edge = start_edge(&services, &files["contract/operations.json"]).await?;
    let user = services.token_of(demo::ADA);
    let service = services.keys.service_role_key.clone();
    let over_rpc = async |token: &str| {
        services
            .rpc(token, "echo_number", json!({"number": 8}))
            .await
            .context("over RPC")
    };
    let over_edge = async |token: &str| {
        Request::get("/v1/numbers/8")
            .bearer(token)
            .send(&edge)
            .await
            .context("over the edge")
    };
    for answer in [over_rpc(&service).await?, over_edge(&service).await?] {
        assert_eq!(answer.ok()?, 8);
    }
    for answer in [over_rpc(&user).await?, over_edge(&user).await?] {
        assert_eq!(answer.status, 403, "{answer:?}");
    }

    let native = services.rpc(&service, "native_state", json!({"session_id": null}));
    assert_eq!(native.await?.status, 400);
    // Another number at each call, but for a repeat.
    let mut told = Vec::new();
    for id in [
        "00000000-0000-4000-8000-00000000abcd",
        "00000000-0000-4000-8000-00000000abcd",
        "00000000-0000-4000-8000-00000000abce",
    ] {
        let arguments = json!({"number": 1, "request_id": id});
        told.push(
            services
                .rpc(&service, "tell_number", arguments)
                .await?
                .ok()?,
        );
    }
    assert_eq!(told[0], told[1]);
    assert_ne!(told[0], told[2]);

    // Checked by the copy's contract, before the database is asked.
    let malformed = Request::get("/v1/numbers/eight").bearer(&service);
    assert_eq!(malformed.send(&edge).await?.status, 400);
    Ok(())
}
