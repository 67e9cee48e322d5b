//! Both editions find the same caller: every role, as whom it logged in and what it set, with every kind of claims.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use stream_tests::own_cluster::OwnCluster;
use tokio_postgres::Client;
use xtask::cluster::Options;
use xtask::edition::Edition;

const USER: &str = "00000000-0000-4000-8000-000000000002";

/// Calls an entry point as code of the owner, and returns what it answers or raises.
const PROBE: &str = "
create function public.probe(entry text) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    state text;
    said text;
    detail text;
    hint text;
begin
    return case entry
        when 'read' then concat('id ', stream_ext.enter_to_read())
        when 'write' then concat('id ', stream_ext.enter_to_write())
        when 'user' then concat('id ', stream_ext.user_id())
        when 'own' then concat('id ', stream_ext.act_for(null))
        else concat('id ', stream_ext.act_for('00000000-0000-4000-8000-000000000003')) end;
exception
    when others then
        get stacked diagnostics state = returned_sqlstate, said = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
        return concat_ws(' | ', state, said, detail, hint);
end
$$;
grant execute on function public.probe(text) to public;";

const ENTRIES: [&str; 5] = ["read", "write", "user", "own", "other"];

const LOGINS: [&str; 8] = [
    "supabase_admin",
    "postgres",
    "authenticator",
    "authenticated",
    "anon",
    "service_role",
    "edition_member",
    "edition_super_member",
];

const ROLES: [&str; 7] = [
    "none",
    "anon",
    "authenticated",
    "service_role",
    "postgres",
    "edition_member",
    "edition_outsider",
];

fn claims() -> Vec<String> {
    let of_sub = |sub: &str| format!(r#"{{"sub":{sub},"role":"authenticated"}}"#);
    let mut claims: Vec<String> = [
        "",
        "{}",
        "[]",
        "null",
        "5",
        "\"text\"",
        "{",
        "x",
        "{\"sub\":}",
        "{\"a\":\"\\ud800\"}",
    ]
    .map(str::to_owned)
    .into();
    for sub in [
        format!("\"{USER}\""),
        format!("\"{}\"", USER.to_uppercase()),
        format!("\"{}\"", USER.replace('-', "")),
        format!("\"urn:uuid:{USER}\""),
        format!("\"{{{USER}}}\""),
        format!("\"{{{USER}\""),
        format!("\"{USER}}}\""),
        format!("\" {USER}\""),
        format!("\"\\u0030{}\"", &USER[1..]),
        "\"\\u0000\"".to_owned(),
        "\"0000-0000-0000-4000-8000-0000-0000-0002\"".to_owned(),
        "\"nobody\"".to_owned(),
        "\"\"".to_owned(),
        "null".to_owned(),
        "7".to_owned(),
        "{}".to_owned(),
        "true".to_owned(),
    ] {
        claims.push(of_sub(&sub));
    }
    for anonymous in ["true", "false", "null", "\"true\"", "1"] {
        claims.push(format!(r#"{{"sub":"{USER}","is_anonymous":{anonymous}}}"#));
    }
    claims.push(format!(r#"{{"sub":"{USER}","sub":"{USER}"}}"#));
    claims.push(format!(r#"["{USER}"]"#));
    claims.push(format!(r#"["{USER}", false]"#));
    claims.push(format!(r#"{{"sub":"{USER}","role":"service_role"}}"#));
    claims.push(format!(
        r#" {{ "aud" : ["a", {{"sub": 5}}], "sub" : "{USER}", "app_metadata" : {{"sub": "x", "is_anonymous": 3}} }} "#
    ));
    claims
}

/// Every answer with what was asked; none where the role may not be set.
async fn answers(superuser: &Client) -> Result<Vec<String>> {
    let mut answers = Vec::new();
    for login in LOGINS {
        for role in ROLES {
            superuser
                .batch_execute(&format!(
                    "reset role; reset session authorization; set session authorization {login}"
                ))
                .await?;
            let set_role = format!("set role {role}");
            if superuser.batch_execute(&set_role).await.is_err() {
                continue;
            }
            for claims in claims() {
                superuser
                    .execute(
                        "select set_config('request.jwt.claims', $1, false)",
                        &[&claims],
                    )
                    .await?;
                let row = superuser
                    .query_one(
                        "select array_agg(public.probe(e) order by place)
                         from unnest($1::text[]) with ordinality as e (e, place)",
                        &[&ENTRIES.as_slice()],
                    )
                    .await?;
                let said: Vec<String> = row.get(0);
                answers.push(format!("{login} as {role} with {claims}: {said:?}"));
            }
        }
    }
    Ok(answers)
}

#[tokio::test]
async fn the_caller_is_the_same_in_both_editions() -> Result<()> {
    let own = OwnCluster::start(Options::temporary("edition-callers")?)?;
    let environment = own.make_template(
        "create role edition_member login noinherit; grant postgres to edition_member;
         create role edition_super_member superuser; grant postgres to edition_super_member;
         create role edition_outsider; grant edition_outsider to authenticator;",
    )?;
    let native = TestDatabase::of_edition_in(environment.clone(), Edition::Native).await?;
    let sql = TestDatabase::of_edition_in(environment, Edition::Sql).await?;
    let mut all = Vec::new();
    for database in [&native, &sql] {
        database.change(PROBE).await?;
        all.push(answers(&database.superuser().await?).await?);
    }
    let [native, sql] = &all[..] else {
        panic!("two editions");
    };
    assert!(native.len() > 500, "only {} answers", native.len());
    let different: Vec<_> = native.iter().zip(sql).filter(|(a, b)| a != b).collect();
    assert!(
        different.is_empty(),
        "{} of {} differ: {:#?}",
        different.len(),
        native.len(),
        &different[..different.len().min(8)]
    );
    Ok(())
}

/// Above READ COMMITTED a call that writes is refused, and one that reads is not.
#[tokio::test]
async fn both_editions_refuse_writes_above_read_committed() -> Result<()> {
    for edition in Edition::ALL {
        let database = TestDatabase::of_edition(edition).await?;
        database.change(PROBE).await?;
        for (level, is_refused) in [
            ("read committed", false),
            ("repeatable read", true),
            ("serializable", true),
        ] {
            database
                .change(&format!("begin isolation level {level}"))
                .await?;
            let write: String = database.value("select public.probe('write')").await?;
            let read: String = database.value("select public.probe('read')").await?;
            database.change("rollback").await?;
            assert_eq!(write.contains("isolation_level"), is_refused, "{write}");
            assert_eq!(read, "id ");
        }
    }
    Ok(())
}
