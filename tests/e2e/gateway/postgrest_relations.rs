//! Tables and views over PostgREST, as the stand-in has them: read as the role of the token.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::answer::Answer;
use stream_tests::services::gateway::expect_error;
use stream_tests::services::request::Request;
use stream_tests::services::script;

async fn read(services: &Services, path: &str, token: &str) -> Result<Answer> {
    let request = Request::get(format!("/rest/v1/{path}"))
        .header("apikey", &services.keys.anon_key)
        .header("accept-profile", "stream")
        .bearer(token);
    request.send(&services.supabase_url).await
}

#[tokio::test]
async fn the_service_reads_the_view_of_figures_and_nobody_else() -> Result<()> {
    let services = Services::start().await?;
    services.database.stream_in(StreamState::Active).await?;
    let service = &services.keys.service_role_key;
    let answer = read(&services, "metrics?select=*", service).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        "application/json; charset=utf-8"
    );
    let figures = answer.json();
    let figures = figures.as_array().map_or(&[][..], Vec::as_slice);
    let range = format!("0-{}/*", figures.len().saturating_sub(1));
    assert_eq!(answer.header("content-range"), range);
    let active = json!({"name": "pg_stream_sessions", "labels": {"state": "active"}, "value": 1});
    assert!(figures.contains(&active), "{figures:?}");

    let ada = services.token_of(demo::ADA);
    let refused = read(&services, "metrics?select=*", &ada).await?;
    expect_error(&refused, 403, "42501")?;
    let message = "permission denied for view metrics";
    assert_eq!(refused.json()["message"], message);
    let refused = read(&services, "metrics?select=*", &services.keys.anon_key).await?;
    expect_error(&refused, 401, "42501")?;

    // The same with the real client.
    let argument = json!({
        "supabaseUrl": services.supabase_url,
        "anonKey": services.keys.anon_key,
        "callers": {"service": service, "ada": ada},
    });
    let environment = &services.database.environment;
    let script = "tests/js/figures.mjs";
    let finished = script::run(environment, script, &[&argument.to_string()]).await?;
    assert_eq!(finished.exit_code, Some(0), "{finished:?}");
    let seen: Value = finished.json()?;
    assert_eq!(
        seen,
        json!({
            "service": {"status": 200, "rows": figures.len()},
            "ada": {"status": 403, "code": "42501"},
        })
    );
    Ok(())
}

#[tokio::test]
async fn columns_order_and_a_part_of_the_rows_can_be_asked_for_and_no_filters() -> Result<()> {
    let services = Services::start().await?;
    let service = &services.keys.service_role_key;
    let answer = read(
        &services,
        "metrics?select=name&order=name.desc&limit=2&offset=1",
        service,
    )
    .await?;
    assert_eq!(answer.header("content-range"), "1-2/*", "{answer:?}");
    let expected: Value = services
        .database
        .value(
            "select jsonb_agg(jsonb_build_object('name', m.name)) from (
                 select name from stream.metrics order by name desc limit 2 offset 1) as m",
        )
        .await?;
    assert_eq!(answer.json(), expected);
    let none = read(&services, "metrics?limit=0", service).await?;
    assert_eq!((none.status, none.json()), (200, json!([])));
    assert_eq!(none.header("content-range"), "*/*");
    for query in ["name=eq.x", "name=x"] {
        let filtered = read(&services, &format!("metrics?{query}"), service).await?;
        expect_error(&filtered, 501, "LOCAL501")?;
    }
    let unknown = read(&services, "metrics?select=nonsense", service).await?;
    expect_error(&unknown, 400, "42703")
}

/// As the role, and not as the owner: policies decide which rows there are.
#[tokio::test]
async fn policies_hide_rows_of_a_table() -> Result<()> {
    let services = Services::start().await?;
    services
        .database
        .change(
            "create table stream.notes (user_id uuid, said text);
             insert into stream.notes values ('00000000-0000-0000-0000-000000000000', 'theirs');
             alter table stream.notes enable row level security;
             create policy own on stream.notes for select to authenticated using (user_id = (select auth.uid()));
             grant select on stream.notes to authenticated",
        )
        .await?;
    let ada = services.token_of(demo::ADA);
    let before = read(&services, "notes", &ada).await?;
    assert_eq!((before.status, before.json()), (200, json!([])));
    let own = format!("insert into stream.notes values ('{}', 'mine')", demo::ADA);
    services.database.change(&own).await?;
    let after = read(&services, "notes", &ada).await?;
    let mine = json!([{"user_id": demo::ADA, "said": "mine"}]);
    assert_eq!(after.json(), mine);
    Ok(())
}
