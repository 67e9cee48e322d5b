//! Policies of the application that ask who is signed in, where Postgres would read in parallel.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use stream_tests::demo;

/// Tables whose policies ask for every row, as they should not, and once for each query, as Supabase advises.
const TABLES: &str = "
create table public.asked_by_row (buyer uuid not null);
create table public.asked_once (buyer uuid not null);
create policy own on public.asked_by_row to authenticated using (buyer = stream.user_id());
create policy own on public.asked_once to authenticated using (buyer = (select stream.user_id()));
alter table public.asked_by_row enable row level security;
alter table public.asked_once enable row level security;
grant select on public.asked_by_row, public.asked_once to authenticated;
";

/// Up to Postgres 16 no subtransaction can begin in a parallel plan, and the SQL edition reads claims in one.
#[tokio::test]
async fn a_policy_that_asks_for_the_user_holds_where_plans_are_parallel() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.change(TABLES).await?;
    for table in ["asked_by_row", "asked_once"] {
        database
            .change(&format!(
                "insert into public.{table} select case n % 2 when 0 then '{}' else '{}' end::uuid
                 from generate_series(1, 1000) as n; analyze public.{table}",
                demo::ADA,
                demo::BEN
            ))
            .await?;
    }
    let reader = database.connect("authenticator").await?;
    reader
        .batch_execute(
            "set role authenticated; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
             set min_parallel_table_scan_size = 0; set max_parallel_workers_per_gather = 2",
        )
        .await?;
    for claims in [
        format!(r#"{{"sub":"{}","aud":["a",{{"sub":1}}]}}"#, demo::ADA),
        format!(r#"{{"sub":"{}","name":"\u00e9 \u0000"}}"#, demo::ADA),
    ] {
        reader
            .execute(
                "select set_config('request.jwt.claims', $1, false)",
                &[&claims],
            )
            .await?;
        for table in ["asked_by_row", "asked_once"] {
            let query = format!("select count(*) from public.{table}");
            let rows: i64 = reader.query_one(&query, &[]).await?.get(0);
            assert_eq!(rows, 500, "{query} with {claims}");
        }
    }
    Ok(())
}
