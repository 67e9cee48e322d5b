//! Role postgres of hosted Supabase: its rights, and that the SQL edition needs no more than these.

use anyhow::{Context, Result};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::demo;
use stream_tests::hosted::Hosted;
use stream_tests::stream::{move_to, send_message};
use xtask::database;
use xtask::edition::Edition;

#[tokio::test]
async fn role_postgres_may_do_what_it_may_do_on_hosted_supabase() -> Result<()> {
    let hosted = Hosted::start("hosted-rights").await?;
    hosted.close().await?;
    let database = &hosted.database;
    let attributes: String = database
        .value(
            "select concat_ws(' ', r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, r.rolbypassrls)
             from pg_roles as r where r.rolname = current_user",
        )
        .await?;
    assert_eq!(attributes, "f t t t t");
    let memberships: Vec<String> = database
        .value(
            "select array_agg(g.rolname::text order by g.rolname)
             from pg_auth_members as m join pg_roles as g on g.oid = m.roleid
             where m.member = 'postgres'::regrole and g.rolname <> 'pg_create_subscription'",
        )
        .await?;
    let expected = [
        "anon",
        "authenticated",
        "authenticator",
        "pg_monitor",
        "pg_read_all_data",
        "pg_signal_backend",
        "pgtle_admin",
        "service_role",
        "supabase_privileged_role",
    ];
    assert_eq!(memberships, expected);

    for (statement, is_allowed) in [
        ("create table auth.of_postgres ()", false),
        ("alter table auth.users add column of_postgres text", false),
        ("create table realtime.of_postgres ()", false),
        (
            "alter table realtime.messages enable row level security",
            false,
        ),
        ("create table vault.of_postgres ()", false),
        (
            "insert into vault.secrets (name, secret) values ('a', 'b')",
            false,
        ),
        ("set role supabase_auth_admin", false),
        ("set role supabase_realtime_admin", false),
        ("alter system set work_mem = '1MB'", false),
        ("create role of_postgres", true),
        ("create table public.of_postgres ()", true),
        ("create schema of_postgres", true),
        ("select vault.create_secret('b', 'a')", true),
        ("select from auth.users for key share", true),
        (
            "insert into realtime.messages (topic, extension) values ('a', 'broadcast')",
            true,
        ),
        (
            "create table public.of_postgres (id uuid references auth.users)",
            true,
        ),
    ] {
        let outcome = database
            .change(&format!("begin; {statement}; rollback"))
            .await;
        database.change("rollback").await?;
        assert_eq!(outcome.is_ok(), is_allowed, "{statement}: {outcome:?}");
    }
    Ok(())
}

/// The migration of a release: policies that are as they were need no right over Realtime's table.
#[tokio::test]
async fn the_code_migrations_run_again_with_these_rights() -> Result<()> {
    let hosted = Hosted::installed("hosted-again").await?;
    let database = &hosted.database;
    let cluster = &database.environment.cluster;
    let mut count = 0;
    for file in database::migrations(Edition::Sql)? {
        if file.to_string_lossy().ends_with("_stream_code.sql") {
            cluster.psql("postgres", database.name()).run_file(&file)?;
            count += 1;
        }
    }
    assert!(count > 0);
    Ok(())
}

/// The right to update auth.users, which role postgres has there, is what locking a row takes.
#[tokio::test]
async fn a_senders_row_is_locked_where_role_postgres_may_and_left_free_otherwise() -> Result<()> {
    let hosted = Hosted::installed("hosted-locks").await?;
    let database = &hosted.database;
    let superuser = database.superuser().await?;
    for is_allowed in [true, false] {
        if !is_allowed {
            superuser
                .batch_execute("revoke update on auth.users from postgres")
                .await?;
        }
        // A new connection: an older one keeps what it found out.
        let stream = database.start_stream().await?;
        let seller = database.user(demo::SELLER).await?;
        move_to(&seller, stream, StreamState::Active).await?;
        let ada = database.viewer(stream, demo::ADA).await?;
        let backend = ada.backend().await?;
        let holder = database.connect("postgres").await?;
        holder
            .batch_execute("begin; select from stream.chat_heads for no key update")
            .await?;
        let free = "select from auth.users as u where u.id = $1 for update skip locked";
        let sending = async {
            ada.begin().await?;
            let arguments = serde_json::json!({"session_id": stream, "content": "Hello"});
            ada.rpc_within("send_message", arguments).await?;
            anyhow::Ok(())
        };
        let looking = async {
            wait_until_blocked(&database.owner, backend).await?;
            // Before anything else, or by the foreign key's own check alone, behind the log's lock.
            let early = superuser.query(free, &[&demo::ADA]).await?;
            holder.batch_execute("rollback").await?;
            anyhow::Ok(early.len())
        };
        let (sent, early) = tokio::join!(sending, looking);
        sent?;
        assert_eq!(
            early?,
            usize::from(!is_allowed),
            "update allowed: {is_allowed}"
        );
        let late = superuser.query(free, &[&demo::ADA]).await?;
        ada.commit().await?;
        assert_eq!(late.len(), 0, "update allowed: {is_allowed}");
        let locks: bool = database
            .value("select stream_ext.application_has_auth_users()")
            .await?;
        assert_eq!(locks, is_allowed);
        send_message(&ada, stream, "Hello again")
            .await
            .context("a later message")?;
    }
    Ok(())
}
