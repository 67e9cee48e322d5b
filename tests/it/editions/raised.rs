//! The SQL edition tells a RAISE of the application from Postgres's own errors, in whatever language the server speaks.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

const RAISED: &[&str] = &[
    "PL/pgSQL function public.attack() line 3 at RAISE",
    "PL/pgSQL-Funktion public.attack() Zeile 3 bei RAISE",
    "RAISE PL/pgSQL fonksiyonu, 3. satır, public.attack() içinde",
    "PL/pgSQL ფუნქცია public.attack() ხაზზე 3 RAISE-სთან",
    "在RAISE的第3行的PL/pgSQL函数public.attack()",
    "PL/pgSQL function public.attack() line 3 at RAISE\nSQL statement \"select 1\"",
];

const NOT_RAISED: &[&str] = &[
    "PL/pgSQL function public.attack() line 3 at PERFORM",
    "PL/pgSQL function public.\"RAISE\"() line 3 at PERFORM",
    "PL/pgSQL function public.praise() line 3 at SQL statement",
    "SQL statement \"select 1\"\nPL/pgSQL function public.attack() line 3 at RAISE",
    "",
];

#[tokio::test]
async fn a_raise_is_known_in_the_servers_language() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    for (contexts, is_raised) in [(RAISED, true), (NOT_RAISED, false)] {
        for context in contexts {
            let row = database
                .owner
                .query_one(
                    "select stream_ext.error_is_raised($1), stream_ext.error_is_cancel('57014', $1)",
                    &[context],
                )
                .await?;
            assert_eq!(row.get::<_, bool>(0), is_raised, "{context}");
            assert_eq!(row.get::<_, bool>(1), !is_raised, "{context}");
        }
    }
    Ok(())
}
