//! No code of a caller runs as anybody else: every function, as every role, in the most hostile of sessions.
//!
//! Generated from the catalogue: the functions, and the traps that are laid for them (`traps`). The same calls
//! are made in a session without traps, and every one must end as it ends there.

mod attacker;
pub mod calls;
mod traps;

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;

use attacker::{Attacker, HostileSession};
use calls::{CallTargets, CalledFunction};

/// Functions of `stream` and `stream_private` that run for nobody but the owner of the tables, or only
/// where one call waits for another, which those made here do not.
const IDLE: &[&str] = &[
    "stream.schedule_with_pg_cron(boolean)",
    "stream_private.begin_work()",
    "stream_private.pause()",
    "stream_private.refuse_changing_moderation_log()",
    "stream_private.tick_loop()",
    "stream_private.wait_at_gate(uuid,boolean)",
    "stream_private.wait_for_session(uuid)",
    "stream_private.work()",
];

/// Statements that fire triggers, by name.
fn writes(world: &CallTargets) -> Vec<(&'static str, String)> {
    let (auction, past) = (world.auction, world.past_auction);
    vec![
        (
            "bid",
            format!("insert into public.bids (auction_id, amount) values ('{auction}', 12.5)"),
        ),
        (
            "bid elsewhere",
            format!("insert into public.bids (auction_id, amount) values ('{past}', 12.5)"),
        ),
        (
            "delete an auction",
            format!("delete from public.auctions where id operator(pg_catalog.=) '{past}'"),
        ),
        (
            "delete a live auction",
            format!("delete from public.auctions where id operator(pg_catalog.=) '{auction}'"),
        ),
        (
            "delete a viewer",
            format!(
                "delete from auth.users where id operator(pg_catalog.=) '{}'",
                demo::ADA
            ),
        ),
        (
            "delete the seller",
            format!(
                "delete from auth.users where id operator(pg_catalog.=) '{}'",
                demo::SELLER
            ),
        ),
    ]
}

/// The API's roles, and two that log in: one that may nothing, and one that writes the application's tables.
async fn attackers(database: &TestDatabase) -> Result<Vec<Attacker>> {
    let (nobody, bidder) = (
        format!("nobody_{}", database.name()),
        format!("bidder_{}", database.name()),
    );
    database
        .superuser()
        .await?
        .batch_execute(&format!(
            "create role {nobody} login; create role {bidder} login;
             grant usage on schema auth to {bidder};
             grant select, insert, delete on public.bids, public.auctions, auth.users to {bidder};
             create policy bidder_auctions on public.auctions to {bidder} using (true);
             create policy bidder_users on auth.users to {bidder} using (true);
             grant create on schema public to public;
             alter database {} set track_functions = 'all'",
            database.name()
        ))
        .await?;
    let as_api = |name, identity, user| Attacker {
        name,
        login: "authenticator".to_owned(),
        identity,
        user,
    };
    let as_login = |name, login| Attacker {
        name,
        login,
        identity: Identity::with_claims("", json!({"sub": demo::ADA, "role": "authenticated"})),
        user: Some(demo::ADA),
    };
    Ok(vec![
        as_api("anon", Identity::anon(), None),
        as_api("seller", Identity::user(demo::SELLER), Some(demo::SELLER)),
        as_api("viewer", Identity::user(demo::ADA), Some(demo::ADA)),
        as_api("service", Identity::service(), None),
        as_login("nobody", nobody),
        as_login("bidder", bidder),
    ])
}

/// Makes all calls in one session.
async fn attack<'a>(
    database: &TestDatabase,
    attacker: &'a Attacker,
    traps: &str,
    functions: &[&CalledFunction],
    world: &CallTargets,
) -> Result<HostileSession<'a>> {
    let mut session = HostileSession::open(database, attacker, traps).await?;
    for function in functions {
        session.compile(function).await?;
    }
    for function in functions {
        session.call(function, world).await?;
    }
    for (name, statement) in writes(world) {
        session.run(name, &statement, &[]).await?;
    }
    session.flush_statistics().await?;
    Ok(session)
}

/// Lays the traps of schema public, as a role that owns nothing else.
async fn lay_public_traps(database: &TestDatabase) -> Result<()> {
    let statements = traps::public(&database.owner).await?;
    let superuser = database.superuser().await?;
    let role = format!("trapper_{}", database.name());
    superuser
        .batch_execute(&format!(
            "create role {role}; grant create, usage on schema public to {role}; set role {role};
             {statements}"
        ))
        .await?;
    // Else the test itself would step on them.
    database
        .change("set search_path = pg_catalog, pg_temp")
        .await
}

#[tokio::test]
async fn no_trap_runs_as_anybody_but_the_caller() -> Result<()> {
    let database = TestDatabase::create().await?;
    let world = calls::world(&database).await?;
    let attackers = attackers(&database).await?;
    let functions = calls::functions(&database).await?;
    let functions: Vec<&CalledFunction> = functions.iter().collect();
    let temporary = traps::temporary(&database.owner).await?;
    // First without traps, all of them, so that those of schema public are not there either.
    let mut expected = BTreeMap::new();
    for attacker in &attackers {
        let session = attack(&database, attacker, "", &functions, &world).await?;
        expected.insert(attacker.name, session.outcomes);
    }
    lay_public_traps(&database).await?;
    // That they do more than to be refused, `IDLE` tells: every other function has run.
    let calls_of_each = functions.len() + writes(&world).len();
    let (mut answered, mut refused) = (0, 0);
    for attacker in &attackers {
        let session = attack(&database, attacker, &temporary, &functions, &world).await?;
        assert_eq!(session.escapes, [], "{}", attacker.name);
        assert_eq!(session.outcomes.len(), calls_of_each);
        for (call, outcome) in &session.outcomes {
            assert_eq!(
                outcome, &expected[attacker.name][call],
                "{} {call}",
                attacker.name
            );
            answered += usize::from(outcome == "ok");
            refused += usize::from(
                ErrorCode::from_sqlstate(&outcome[..2.max(5.min(outcome.len()))]).is_some(),
            );
        }
    }
    println!("{answered} calls were answered, {refused} refused by the catalogue");
    println!("{:?}", answered_by(&expected));
    let idle = never_run(&database).await?;
    assert_eq!(idle, IDLE);
    Ok(())
}

fn answered_by(outcomes: &BTreeMap<&str, BTreeMap<String, String>>) -> BTreeMap<String, usize> {
    outcomes
        .iter()
        .map(|(name, calls)| {
            (
                (*name).to_owned(),
                calls.values().filter(|outcome| *outcome == "ok").count(),
            )
        })
        .collect()
}

/// Functions of ours whose body never ran, though somebody reaches them.
async fn never_run(database: &TestDatabase) -> Result<Vec<String>> {
    let rows = database
        .owner
        .query(
            "select p.oid::regprocedure::text from pg_catalog.pg_proc as p
             join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
             where n.nspname in ('stream', 'stream_private') and p.prokind = 'f'
                 and not exists (select from pg_catalog.pg_stat_user_functions as s where s.funcid = p.oid)
             order by 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Realtime's own function, which writes where its table is not as known, has an empty path that is not ours
/// to change: nobody gets there from a session whose types hide those of Postgres.
#[tokio::test]
async fn realtimes_own_function_runs_no_trap_either() -> Result<()> {
    let database = TestDatabase::create().await?;
    let world = calls::world(&database).await?;
    let attackers = attackers(&database).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("alter table realtime.messages rename column updated_at to changed_at")
        .await?;
    lay_public_traps(&database).await?;
    let functions = calls::functions(&database).await?;
    let functions: Vec<&CalledFunction> = functions.iter().collect();
    let temporary = traps::temporary(&database.owner).await?;
    for attacker in &attackers {
        let session = attack(&database, attacker, &temporary, &functions, &world).await?;
        assert_eq!(session.escapes, [], "{}", attacker.name);
        if attacker.name == "seller" {
            let refused = &session.outcomes["stream.pause_stream(uuid,integer,text,uuid)"];
            assert!(refused.starts_with("PT403"), "{refused}");
        }
    }
    // Who hides nothing is served, a temporary table of their own included.
    let seller = database.user(demo::SELLER).await?;
    seller.begin().await?;
    seller
        .execute_within("create temporary table notes (id uuid)")
        .await?;
    let paused = seller
        .rpc_within("pause_stream", json!({"session_id": world.live}))
        .await?;
    assert_eq!(paused["state"], "paused");
    seller.commit().await?;
    Ok(())
}

/// The attack finds a function as it was: with an empty path, and with a variable whose type is found by one.
#[tokio::test]
async fn the_attack_finds_a_hole() -> Result<()> {
    let database = TestDatabase::create().await?;
    let world = calls::world(&database).await?;
    let attackers = attackers(&database).await?;
    database
        .change(
            "create function stream_private.empty(session_id uuid) returns text language plpgsql security definer
             set search_path = '' as $$ declare kind pg_catalog.text; begin kind := 'empty'::text; return kind; end $$;
             create function stream_private.careless(session_id uuid) returns text language plpgsql security definer
             set search_path = pg_catalog, pg_temp
             as $$ declare kind text := 'careless'; begin return kind; end $$;
             create function stream_private.open(session_id uuid) returns text language plpgsql security definer
             as $$ begin return lower('OPEN'); end $$;
             create function stream_private.relation(session_id uuid) returns bigint language plpgsql security definer
             set search_path = '' as $$ begin return (select count(*) from pg_class); end $$;
             grant execute on function stream_private.empty(uuid), stream_private.careless(uuid), stream_private.open(uuid),
                 stream_private.relation(uuid) to authenticated",
        )
        .await?;
    lay_public_traps(&database).await?;
    let functions = calls::functions(&database).await?;
    let viewer = attackers
        .iter()
        .find(|attacker| attacker.name == "viewer")
        .expect("there is one");
    let temporary = traps::temporary(&database.owner).await?;
    for (hole, trap) in [
        ("stream_private.empty", "trap type text ran as postgres"),
        ("stream_private.careless", "trap type text ran as postgres"),
        ("stream_private.open", "trap function lower ran as postgres"),
        (
            "stream_private.relation",
            "trap relation pg_class ran as postgres",
        ),
    ] {
        let only: Vec<&CalledFunction> = functions
            .iter()
            .filter(|function| function.name == hole)
            .collect();
        let session = attack(&database, viewer, &temporary, &only, &world).await?;
        let found = session.escapes.iter().any(|(_, warning)| warning == trap);
        assert!(
            found,
            "{hole}: {:?} {:?}",
            session.escapes, session.outcomes
        );
    }
    Ok(())
}
