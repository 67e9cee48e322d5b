//! Native functions refuse whoever calls them directly: only the private layer may.

use anyhow::{Context, Result};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::contract;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::trace::Trace;

/// What the extension made, wherever that stands.
const FUNCTIONS_OF_THE_EXTENSION: &str = "select count(*)
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_extension as e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
    where e.extname = 'pg_stream_ext' and d.deptype = 'e' and d.classid = 'pg_proc'::regclass";

/// Calls of every function of schema `stream_ext`: with nulls, except where null would mean that the
/// function is not run at all, and with values.
async fn direct_calls(database: &TestDatabase) -> Result<Vec<String>> {
    let rows = database
        .owner
        .query(
            "select format(
                 'select to_jsonb(stream_ext.%I(%s))', p.proname,
                 array_to_string(
                     array(
                         select case
                             -- Only names the type of the rows, of which there are none.
                             when t = 'anyelement'::regtype then 'null::text'
                             when is_null and not p.proisstrict then format('null::%s', t::regtype)
                             else format('%L::%s', coalesce(s.value, '1'), t::regtype) end
                         from unnest(p.proargtypes::oid[]) with ordinality as a (t, place)
                         left join (values
                             ('text'::regtype, 'forbidden'),
                             ('uuid[]'::regtype, '{}'),
                             ('text[]'::regtype, '{}'),
                             ('timestamptz'::regtype, 'now'),
                             ('uuid'::regtype, '00000000-0000-4000-8000-000000000001')
                         ) as s (type, value) on s.type = a.t
                         order by a.place
                     ), ', '
                 )
             )
             from pg_catalog.pg_proc as p
             cross join unnest(array[true, false]) as is_null
             where p.pronamespace = 'stream_ext'::regnamespace
             order by 1",
            &[],
        )
        .await?;
    let natives: i64 = database.value(FUNCTIONS_OF_THE_EXTENSION).await?;
    assert_eq!(rows.len(), 2 * usize::try_from(natives)?);
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn api_roles_do_not_reach_the_schema() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let anon = database.anon().await?;
    for call in direct_calls(&database).await? {
        for caller in [&seller, &service, &anon] {
            database
                .refuses(ErrorCode::PermissionDenied, caller.run(&call))
                .await
                .context(call.clone())?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_grant_of_the_schema_opens_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.stream_in(StreamState::Active).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "grant usage on schema stream_ext to public;
             grant execute on all functions in schema stream_ext to public;",
        )
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let anon = database.anon().await?;
    for call in direct_calls(&database).await? {
        for caller in [&seller, &service, &anon] {
            database
                .refuses(ErrorCode::Forbidden, caller.run(&call))
                .await
                .context(call.clone())?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_superuser_is_refused_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.stream_in(StreamState::Active).await?;
    let superuser = database.superuser().await?;
    for call in direct_calls(&database).await? {
        database
            .refuses(ErrorCode::Forbidden, superuser.simple_query(&call))
            .await
            .context(call)?;
    }
    Ok(())
}

/// The statements of native code name types and functions without a schema, so no other path will do.
#[tokio::test]
async fn the_owner_is_refused_under_any_other_search_path() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.stream_in(StreamState::Active).await?;
    let calls = direct_calls(&database).await?;
    let before = Trace::take(&database.owner).await?;
    for path in [
        "''",
        "pg_catalog",
        "pg_temp, pg_catalog",
        "pg_catalog, public, pg_temp",
        "pg_catalog, pg_temp, public",
        "public",
        "\"pg_catalog, pg_temp\"",
        "default",
    ] {
        database
            .change(&format!("set search_path = {path}"))
            .await?;
        for call in &calls {
            expect_refusal(
                ErrorCode::Forbidden,
                database.owner.simple_query(call).await,
            )
            .with_context(|| format!("{call} under {path}"))?;
        }
    }
    let changed = Trace::take(&database.owner).await?;
    assert_eq!(changed.changed_since(&before), Vec::<&str>::new());
    database
        .change("set search_path = pg_catalog, pg_temp")
        .await?;
    database
        .owner
        .simple_query("select stream_ext.check_clock()")
        .await?;
    Ok(())
}

#[tokio::test]
async fn without_the_tables_everybody_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let calls = direct_calls(&database).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "drop schema stream cascade; drop schema stream_edge, stream_private cascade",
        )
        .await?;
    for call in calls {
        expect_refusal(ErrorCode::Forbidden, superuser.simple_query(&call).await)
            .context(call.clone())?;
        expect_refusal(
            ErrorCode::Forbidden,
            database.owner.simple_query(&call).await,
        )
        .context(call)?;
    }
    Ok(())
}

/// The wrappers know users and the service; a superuser is neither, whatever the claims say.
#[tokio::test]
async fn a_superuser_is_nobody_to_the_wrappers() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let superuser = database.superuser().await?;
    superuser
        .execute(
            "select set_config('request.jwt.claims', json_build_object('sub', $1::uuid)::text, false)",
            &[&demo::SELLER],
        )
        .await?;
    let call = format!("select stream.end_stream('{id}')");
    database
        .refuses(ErrorCode::Unauthenticated, superuser.simple_query(&call))
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_table_owner_is_the_service() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let state: String = database
        .value(&format!("select (stream.end_stream('{id}')).state"))
        .await?;
    assert_eq!(state, "ended");
    Ok(())
}

/// PostgREST drops its connections at a 503, and the edge's codes are of that kind.
#[tokio::test]
async fn no_function_raises_a_code_of_the_edge() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut codes_of_the_edge = Vec::new();
    for &code in ErrorCode::ALL {
        let raised = match code.sqlstate() {
            // A limit says how long to wait, which these calls cannot.
            Some("PT429") => continue,
            Some(state) if state.starts_with("PT") => code,
            // Recognised when Postgres raises it.
            Some(_) => continue,
            None => ErrorCode::Internal,
        };
        if code.sqlstate().is_none() {
            codes_of_the_edge.push(code.as_str());
        }
        let call = format!("select stream_ext.refuse('{}')", code.as_str());
        database
            .refuses(raised, database.owner.simple_query(&call))
            .await
            .context(call)?;
    }
    let contract = contract::part("errors");
    let without_sqlstate: Vec<&str> = contract
        .as_array()
        .context("a list")?
        .iter()
        .filter(|error| error["sqlstate"].is_null())
        .filter_map(|error| error["code"].as_str())
        .collect();
    assert_eq!(codes_of_the_edge, without_sqlstate);
    Ok(())
}
