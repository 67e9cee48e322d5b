//! The settings of every function of the product, read from the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use stream_tests::database::TestDatabase;

/// How statements behind the boundary are planned: CONTRIBUTING.md gives the reasons.
const PLANNING: [&str; 3] = ["enable_bitmapscan=off", "enable_seqscan=off", "jit=off"];

/// SECURITY DEFINER bodies of `stream_private` that do not set [`PLANNING`]: two that plan nothing when users call them, and the
/// host application's.
const PLAN_AS_THE_SESSION: [&str; 4] = [
    "generate_buyer_token",
    "lock_streams_of_deleted_auctions",
    "lock_streams_of_deleted_users",
    "user_id",
];

/// What functions set besides, but for the search path.
const OTHERS: [(&str, &[&str]); 12] = [
    (
        "auction_update_trigger",
        &[
            "bytea_output=hex",
            "datestyle=iso, mdy",
            "extra_float_digits=1",
            "intervalstyle=postgres",
            "lc_monetary=c",
            "quote_all_identifiers=off",
            "timezone=utc",
        ],
    ),
    ("emit_live", &["timezone=utc"]),
    ("emit_session_changes", &["timezone=utc"]),
    ("find_live_streams", &["enable_sort=off"]),
    ("new_epoch", &["timezone=utc"]),
    ("note_deleted_author", &["enable_nestloop=off"]),
    ("send_message", &["plan_cache_mode=force_generic_plan"]),
    ("send_messages", &["plan_cache_mode=force_generic_plan"]),
    ("tick", &["lock_timeout=100ms"]),
    ("wait_at_gate", &["lock_timeout=100ms"]),
    ("wait_for_session", &["lock_timeout=3s"]),
    ("work", &["lock_timeout=100ms"]),
];

#[tokio::test]
async fn every_body_plans_and_waits_as_it_should() -> Result<()> {
    let database = TestDatabase::create().await?;
    let rows = database
        .owner
        .query(
            "select p.oid::regprocedure::text, p.proname::text,
                 p.prosecdef and p.pronamespace = 'stream_private'::regnamespace,
                 array(select lower(s) from unnest(p.proconfig) as s where s not like 'search_path=%' order by 1)
             from pg_catalog.pg_proc as p
             where p.pronamespace in ('stream'::regnamespace, 'stream_private'::regnamespace)
                 -- The wrappers, of the same names, plan nothing.
                 and not (p.pronamespace = 'stream'::regnamespace
                     and p.proname in (select b.proname from pg_catalog.pg_proc as b
                         where b.pronamespace = 'stream_private'::regnamespace))",
            &[],
        )
        .await?;
    let others: BTreeMap<&str, &[&str]> = OTHERS.into_iter().collect();
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in &rows {
        let name: &str = row.get(1);
        names.insert(name);
        let mut expected: Vec<&str> = others.get(name).copied().unwrap_or_default().to_vec();
        if row.get::<_, bool>(2) && !PLAN_AS_THE_SESSION.contains(&name) {
            expected.extend(PLANNING);
        }
        expected.sort_unstable();
        let found: Vec<&str> = row.get(3);
        if found != expected {
            wrong.push(format!("{}: {found:?}", row.get::<_, &str>(0)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let known = OTHERS
        .iter()
        .map(|(name, _)| *name)
        .chain(PLAN_AS_THE_SESSION);
    let gone: Vec<&str> = known.filter(|name| !names.contains(name)).collect();
    assert!(gone.is_empty(), "there are no longer {gone:?}");
    Ok(())
}
