//! Every operation of the contract, with every table that it reads gone, and every column of those.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::contract;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use tokio_postgres::error::DbError;
use uuid::Uuid;

use crate::session::search_path::calls::{self, CallTargets, CalledFunction};

const ITEMS_FAIL_ALONE: &str = "an item that fails is answered with a code and costs itself alone";

/// Operations that no missing table makes fail, and why.
const IMMUNE: [(&str, &str); 3] = [
    ("heartbeats", ITEMS_FAIL_ALONE),
    ("send_messages", ITEMS_FAIL_ALONE),
    ("user_id", "reads the claims alone"),
];

/// A token that could be inspected stands in no statement: what is none is refused, which takes the same tables.
const REFUSED: [&str; 1] = ["inspect_token"];

/// As whom an operation is called.
const CALLERS: [(&str, Option<Uuid>); 4] = [
    ("authenticated", Some(demo::SELLER)),
    ("authenticated", Some(demo::ADA)),
    ("authenticated", Some(demo::CLEO)),
    ("service_role", None),
];

/// A call that answers as long as nothing is missing.
struct Call {
    name: String,
    statement: String,
}

impl Call {
    fn of(function: &CalledFunction, world: &CallTargets, role: &str, user: Option<Uuid>) -> Self {
        let claims = json!({"role": role, "sub": user});
        let call = function.call_inline(world, user);
        Self {
            name: function.name.clone(),
            statement: format!(
                "set local request.jwt.claims = '{claims}'; set local role {role}; select {call}"
            ),
        }
    }

    /// Calls it in a transaction that is rolled back, behind another statement.
    async fn run(&self, database: &TestDatabase, fault: &str) -> Result<Option<DbError>> {
        let owner = &database.owner;
        owner
            .batch_execute(&format!("begin; {fault}"))
            .await
            .context(fault.to_owned())?;
        let outcome = owner.batch_execute(&self.statement).await;
        owner.batch_execute("rollback").await?;
        let Err(error) = outcome else {
            return Ok(None);
        };
        let error = error.as_db_error().with_context(|| self.name.clone())?;
        Ok(Some(error.clone()))
    }
}

/// The code of the catalogue, if the error says nothing but what that has for its callers.
fn told(error: &DbError) -> Option<ErrorCode> {
    let detail: Value = serde_json::from_str(error.detail()?).ok()?;
    let code = ErrorCode::parse(detail["code"].as_str()?)?;
    let names_an_object = [
        error.schema(),
        error.table(),
        error.column(),
        error.constraint(),
        error.datatype(),
    ];
    let says_what_the_catalogue_says = error.message() == code.message()
        && (code != ErrorCode::Internal || error.hint() == Some(code.hint()));
    (says_what_the_catalogue_says && names_an_object.iter().all(Option::is_none)).then_some(code)
}

async fn tables(database: &TestDatabase) -> Result<BTreeMap<String, Vec<String>>> {
    let rows = database
        .owner
        .query(
            "select c.relname::text, array(
                 select a.attname::text from pg_catalog.pg_attribute as a
                 where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             )
             from pg_catalog.pg_class as c
             where c.relnamespace = 'stream'::regnamespace and c.relkind = 'r'",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// A call of each operation, one that answers where there is one.
async fn calls(database: &TestDatabase, world: &CallTargets) -> Result<Vec<Call>> {
    let contract = contract::part("operations");
    let operations = contract["operations"].as_object().context("operations")?;
    let functions = calls::functions(database).await?;
    let (mut found, mut never) = (Vec::new(), Vec::new());
    for name in operations.keys() {
        let function = functions
            .iter()
            .find(|function| function.name == format!("stream.{name}"));
        let function = function.with_context(|| name.clone())?;
        let mut answering = None;
        for (role, user) in CALLERS {
            let call = Call::of(function, world, role, user);
            if answering.is_none() && call.run(database, "").await?.is_none() {
                answering = Some(call);
            }
        }
        if answering.is_none() {
            never.push(name.as_str());
        }
        found.push(answering.unwrap_or_else(|| Call::of(function, world, "service_role", None)));
    }
    assert_eq!(never, REFUSED);
    assert_eq!(found.len(), operations.len());
    Ok(found)
}

#[tokio::test]
async fn no_operation_names_what_is_missing_inside() -> Result<()> {
    let database = TestDatabase::create().await?;
    let world = calls::world(&database).await?;
    let tables = tables(&database).await?;
    let mut immune = BTreeSet::new();
    let (mut leaks, mut failures) = (Vec::new(), 0);
    for call in calls(&database, &world).await? {
        let mut faults: Vec<(String, &str)> = tables
            .keys()
            .map(|table| {
                (
                    format!("alter table stream.{table} rename to gone"),
                    table.as_str(),
                )
            })
            .collect();
        let mut is_immune = true;
        while let Some((fault, table)) = faults.pop() {
            let Some(error) = call.run(&database, &fault).await? else {
                continue;
            };
            match told(&error) {
                None => leaks.push(format!("{}: {fault}: {error}", call.name)),
                Some(ErrorCode::Internal) => {
                    failures += 1;
                    is_immune = false;
                }
                // Without its tables the product knows no owner, and without rows nobody's rights.
                Some(_) => {}
            }
            if fault.ends_with("to gone") && !fault.contains("column") {
                faults.extend(tables[table].iter().map(|column| {
                    (
                        format!("alter table stream.{table} rename column {column} to gone"),
                        table,
                    )
                }));
            }
        }
        if is_immune {
            immune.insert(call.name);
        }
    }
    println!("{failures} failures were told as the catalogue says");
    assert!(
        leaks.is_empty(),
        "{} leaks:\n{}",
        leaks.len(),
        leaks.join("\n")
    );
    let expected = IMMUNE.map(|(name, _)| format!("stream.{name}"));
    assert_eq!(immune, expected.into_iter().collect());
    assert!(failures > 500, "{failures}");
    Ok(())
}
