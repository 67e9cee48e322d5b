//! The rights on the calls of `edge_api`, which take on roles: under PostgREST the login role could become any.

use std::collections::BTreeSet;

use anyhow::Result;
use stream_tests::database::TestDatabase;

use super::privileges::{functions, reviewed};

#[tokio::test]
async fn calls_of_the_edge_are_open_to_its_login_role_alone() -> Result<()> {
    let database = TestDatabase::create().await?;
    let login = BTreeSet::from(["authenticator".to_owned()]);
    let functions = functions(&database, "'stream_edge'").await?;
    for function in &functions {
        assert_eq!(function.callers, login, "{}", function.name);
        assert!(!function.is_definer, "{}", function.name);
    }
    let reviewed = reviewed()?;
    let operations = reviewed.iter().filter(|(_, row)| !row.is_policy);
    let mut expected: BTreeSet<&str> = operations.map(|(name, _)| name.as_str()).collect();
    expected.insert("contract_version");
    let names = functions.iter().map(|function| function.name.as_str());
    assert_eq!(names.collect::<BTreeSet<_>>(), expected);
    assert_eq!(functions.len(), expected.len());
    let users: Vec<String> = database
        .value(
            "select array(
                 select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
                     || ' ' || a.privilege_type
                 from aclexplode(n.nspacl) as a where a.grantee <> n.nspowner
             )
             from pg_catalog.pg_namespace as n where n.nspname = 'stream_edge'",
        )
        .await?;
    assert_eq!(users, ["authenticator USAGE"]);
    Ok(())
}
