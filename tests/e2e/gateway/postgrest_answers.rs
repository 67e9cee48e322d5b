//! PostgREST's answers, as the stand-in has them: ranges, forms, and the words of its refusals.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::secret;
use stream_tests::services::Services;
use stream_tests::services::access_token::{Signer, claims_of, expired_claims_of, unsigned};
use stream_tests::services::answer::Answer;
use stream_tests::services::gateway::expect_error;
use stream_tests::services::request::Request;

/// Functions of every kind of result.
const FUNCTIONS: &str = "
    create function stream.numbers(n integer) returns setof integer language sql
        as 'select generate_series(1, n)';
    create function stream.lines(n integer) returns table (number integer, said text) language sql
        as $$ select i, 'a \"' || i || '\", b' from generate_series(1, n) as i $$;
    create function stream.one() returns text language sql as $$ select 'a,b' $$;
    create function stream.nothing() returns void language sql as '';
    grant execute on function stream.numbers, stream.lines, stream.one, stream.nothing to authenticated;";

async fn with_functions() -> Result<Services> {
    let services = Services::start().await?;
    services.database.change(FUNCTIONS).await?;
    Ok(services)
}

async fn call(
    services: &Services,
    function: &str,
    query: &str,
    arguments: Value,
    accept: Option<&str>,
) -> Result<Answer> {
    let mut request = Request::post(format!("/rest/v1/rpc/{function}?{query}"))
        .header("apikey", &services.keys.anon_key)
        .header("content-profile", "stream")
        .bearer(&services.token_of(demo::ADA))
        .json(&arguments);
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    request.send(&services.supabase_url).await
}

#[tokio::test]
async fn every_success_states_its_range() -> Result<()> {
    let services = with_functions().await?;
    for (function, query, arguments, range) in [
        ("numbers", "", json!({"n": 3}), "0-2/*"),
        ("numbers", "limit=2&offset=1", json!({"n": 9}), "1-2/*"),
        ("numbers", "", json!({"n": 0}), "*/*"),
        ("lines", "", json!({"n": 2}), "0-1/*"),
        ("one", "", json!({}), "0-0/*"),
        ("nothing", "", json!({}), "0-0/*"),
    ] {
        let answer = call(&services, function, query, arguments, None).await?;
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
        assert_eq!(answer.header("content-range"), range, "{function} {query}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_takes_the_form_that_is_accepted() -> Result<()> {
    let services = with_functions().await?;
    let csv = "text/csv";
    for (function, arguments, expected) in [
        (
            "lines",
            json!({"n": 2}),
            "number,said\n1,\"a \"\"1\"\", b\"\n2,\"a \"\"2\"\", b\"",
        ),
        ("lines", json!({"n": 0}), "\n"),
        ("numbers", json!({"n": 2}), "pgrst_scalar\n1\n2"),
        ("one", json!({}), "pgrst_scalar\n\"a,b\""),
    ] {
        let answer = call(&services, function, "", arguments, Some(csv)).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(
            String::from_utf8(answer.body.to_vec())?,
            expected,
            "{function}"
        );
    }
    let object = Some("application/vnd.pgrst.object+json");
    let one = call(&services, "lines", "", json!({"n": 1}), object).await?;
    assert_eq!(one.ok()?["number"], 1);
    let two = call(&services, "lines", "", json!({"n": 2}), object).await?;
    expect_error(&two, 406, "PGRST116")?;
    let page = call(&services, "lines", "", json!({"n": 1}), Some("text/html")).await?;
    expect_error(&page, 406, "PGRST107")?;
    let message = "None of these media types are available: text/html";
    assert_eq!(page.json()["message"], message);
    Ok(())
}

#[tokio::test]
async fn a_bad_token_is_refused_in_postgrests_words() -> Result<()> {
    let services = Services::start().await?;
    let sign = |claims: &Value| services.signer.sign(claims);
    let another = Signer::new(&secret::random("another JWT secret", 32)?);
    let claims = claims_of(demo::ADA);
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        sign(&claims)
    };
    let no_key = "No suitable key or wrong key type";
    for (token, code, message, details) in [
        (
            another.sign(&claims),
            "PGRST301",
            no_key,
            json!("None of the keys was able to decode the JWT"),
        ),
        (
            unsigned(&claims),
            "PGRST301",
            "Wrong or unsupported encoding algorithm",
            json!("JWT is unsecured but expected 'alg' was not 'none'"),
        ),
        (
            "a.b".to_owned(),
            "PGRST301",
            "Expected 3 parts in JWT; got 2",
            Value::Null,
        ),
        (
            "a.b.c".to_owned(),
            "PGRST301",
            "JWT couldn't be decoded",
            Value::Null,
        ),
        (
            sign(&expired_claims_of(demo::ADA)),
            "PGRST303",
            "JWT expired",
            Value::Null,
        ),
        (
            changed("nbf", json!(9_999_999_999_u64)),
            "PGRST303",
            "JWT not yet valid",
            Value::Null,
        ),
        (
            changed("exp", json!("soon")),
            "PGRST303",
            "The JWT 'exp' claim must be a number",
            Value::Null,
        ),
    ] {
        let request = services
            .rpc_request("user_id")
            .bearer(&token)
            .json(&json!({}));
        let answer = request.send(&services.supabase_url).await?;
        expect_error(&answer, 401, code)?;
        let body = answer.json();
        assert_eq!(
            (&body["message"], &body["details"]),
            (&json!(message), &details)
        );
        let challenge = format!(r#"Bearer error="invalid_token", error_description="{message}""#);
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(
            answer.header("proxy-status"),
            format!("PostgREST; error={code}")
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_role_that_no_token_may_name_is_refused_as_by_postgres() -> Result<()> {
    let services = Services::start().await?;
    for (role, status, code, message) in [
        ("nobody", 401, "22023", r#"role "nobody" does not exist"#),
        (
            "postgres",
            403,
            "42501",
            r#"permission denied to set role "postgres""#,
        ),
        (
            "none",
            403,
            "42501",
            r#"permission denied to set role "none""#,
        ),
    ] {
        let mut claims = claims_of(demo::ADA);
        claims["role"] = json!(role);
        let token = services.signer.sign(&claims);
        let request = services
            .rpc_request("user_id")
            .bearer(&token)
            .json(&json!({}));
        let answer = services
            .send_without_trace(&services.supabase_url, request)
            .await?;
        expect_error(&answer, status, code)?;
        assert_eq!(answer.json()["message"], message);
        let challenge = if status == 401 { "Bearer" } else { "" };
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    Ok(())
}

#[tokio::test]
async fn a_missed_function_or_table_is_hinted_at() -> Result<()> {
    let services = with_functions().await?;
    for (function, arguments, hint) in [
        (
            "send_mesage",
            json!({}),
            json!("Perhaps you meant to call the function stream.send_message"),
        ),
        ("zzz", json!({}), Value::Null),
        (
            "lines",
            json!({"nn": 1}),
            json!("Perhaps you meant to call the function stream.lines(n)"),
        ),
    ] {
        let answer = call(&services, function, "", arguments.clone(), None).await?;
        expect_error(&answer, 404, "PGRST202")?;
        let body = answer.json();
        assert_eq!(body["hint"], hint, "{function}: {body}");
        let parameters = match arguments.as_object().and_then(|given| given.keys().next()) {
            Some(name) => format!("with parameter {name}"),
            None => "without parameters".to_owned(),
        };
        let details = format!(
            "Searched for the function stream.{function} {parameters} or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache."
        );
        assert_eq!(body["details"], details);
    }
    let request = table(&services, "chat_mesages").bearer(&services.token_of(demo::ADA));
    let answer = request.send(&services.supabase_url).await?;
    expect_error(&answer, 404, "PGRST205")?;
    let hint = "Perhaps you meant the table 'stream.chat_messages'";
    assert_eq!(answer.json()["hint"], hint);
    Ok(())
}

fn table(services: &Services, name: &str) -> Request {
    Request::get(format!("/rest/v1/{name}?select=*"))
        .header("apikey", &services.keys.anon_key)
        .header("accept-profile", "stream")
}

#[tokio::test]
async fn a_table_is_refused_by_its_privileges() -> Result<()> {
    let services = Services::start().await?;
    services.database.stream_in(StreamState::Active).await?;
    let ada = services.token_of(demo::ADA);
    let denied = "permission denied for table chat_messages";
    let answer = table(&services, "chat_messages").bearer(&ada);
    let answer = answer.send(&services.supabase_url).await?;
    expect_error(&answer, 403, "42501")?;
    assert_eq!(answer.json()["message"], denied);

    let answer = table(&services, "chat_messages")
        .send(&services.supabase_url)
        .await?;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, "Bearer")
    );

    // With the privilege there is no policy, and so no row.
    services
        .database
        .change("grant select, insert on stream.chat_messages to authenticated")
        .await?;
    let answer = table(&services, "chat_messages").bearer(&ada);
    let answer = answer.send(&services.supabase_url).await?;
    assert_eq!((answer.status, answer.json()), (200, json!([])));
    // What PostgREST would do is said not to be done here.
    let write = Request::post("/rest/v1/chat_messages")
        .header("apikey", &services.keys.anon_key)
        .header("content-profile", "stream")
        .bearer(&ada)
        .json(&json!({}));
    expect_error(&write.send(&services.supabase_url).await?, 501, "LOCAL501")?;
    let nested = table(&services, "chat_messages/1").bearer(&ada);
    expect_error(&nested.send(&services.supabase_url).await?, 404, "PGRST125")
}
