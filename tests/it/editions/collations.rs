//! Databases with collations of ICU, of libc and C, in which the SQL edition decides the same about texts.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use uuid::Uuid;
use xtask::edition::Edition;

use super::texts::{expect_agreement, texts};

/// Parts of CREATE DATABASE for providers that every Postgres has.
const LOCALES: [&str; 2] = [
    "locale_provider libc locale 'C.UTF-8'",
    "locale_provider libc locale 'C'",
];

/// In Turkish `I` is the capital of another letter than `i`. Debian's Postgres has ICU, that of the Python package has none.
const OF_ICU: &str = "locale_provider icu icu_locale 'tr-TR' locale 'C.UTF-8'";

/// Came with 17.
const BUILTIN: &str = "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'";

/// Those that this server has.
async fn locales(database: &TestDatabase) -> Result<Vec<&'static str>> {
    let mut locales = LOCALES.to_vec();
    let has_icu = "select exists (select from pg_collation where collname = 'tr-TR-x-icu')";
    if database.value(has_icu).await? {
        locales.push(OF_ICU);
    }
    let has_builtin = "select current_setting('server_version_num')::integer >= 170000";
    if database.value(has_builtin).await? {
        locales.push(BUILTIN);
    }
    Ok(locales)
}

/// Texts about whose case, form or order collations differ.
const HARD: &[&str] = &[
    // Sigma at the end of a word.
    "ΟΔΟΣ",
    "οδος",
    "οδός",
    "ὈΔΌΣ",
    "ΣΑΣ σας",
    // The four letters i of Turkish, and the dot above.
    "ISPARTA",
    "isparta",
    "ısparta",
    "İSPARTA",
    "I\u{307}sparta",
    "i\u{307}sparta",
    "TITLE",
    "tıtle",
    // Sharp s.
    "straße",
    "STRASSE",
    "STRAẞE",
    "strasse",
    // Marks that combine, in either order, and what they compose to.
    "cafe\u{301}",
    "café",
    "CAFÉ",
    "CAFE\u{301}",
    "a\u{327}\u{301}x",
    "a\u{301}\u{327}x",
    "ạ\u{307}b",
    "ậx",
    "\u{1100}\u{1161}\u{11A8}",
    "각",
    "ก\u{E33}",
    "ไก่",
    // Letters that are several, or whose case is a third one.
    "ǅungla",
    "Ǆungla",
    "ǆungla",
    "džungla",
    "ﬁne",
    "FINE",
    "ĳs",
    "IJS",
    "ŉx",
    "ʼnx",
    "œuvre",
    "ŒUVRE",
    // Signs that are letters.
    "\u{212A}ilo",
    "kilo",
    "\u{212B}ngstrom",
    "ångström",
    "ＳＣＡＭ",
    "ⓢⓒⓐⓜ",
    "scam",
    "s\u{AD}c\u{200B}am",
    "Ꭰꭰ",
    "Აა",
    // What sorts otherwise in some languages, as one letter or last.
    "aa",
    "Aa",
    "chata",
    "llama",
    "zebra",
    "Zebra",
    "æble",
    "öl",
    "item 10",
    "item 9",
    "item-9",
];

/// Terms that are blocked one after the other, some of them already in another spelling.
const TERMS: &[&str] = &[
    "οδός",
    "ΟΔΟΣ",
    "ISPARTA",
    "isparta",
    "straße",
    "STRASSE",
    "cafe\u{301}",
    "CAFÉ",
    "ﬁne",
    "ＳＣＡＭ",
    "ǅungla",
    "각",
    "ậx",
    "\u{212A}ilo",
    "Zebra",
    "aa",
    "Აა",
    "...",
];

async fn outcome(
    call: impl Future<Output = Result<Value, tokio_postgres::Error>>,
) -> Result<Value> {
    match call.await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            let refusal = error.as_db_error().map(|refusal| {
                let detail: Value = refusal
                    .detail()
                    .unwrap_or_default()
                    .parse()
                    .unwrap_or_default();
                json!([refusal.message(), detail["code"], refusal.hint()])
            });
            Ok(refusal.ok_or(error)?)
        }
    }
}

/// A chat in which all of it is said, by viewers who bear it as their names.
async fn chat(database: &TestDatabase) -> Result<Value> {
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let mut blocked = Vec::new();
    for term in TERMS {
        let arguments = json!({"session_id": id, "term": term});
        blocked.push(outcome(seller.rpc("block_term", arguments)).await?);
    }
    // In one transaction all are blocked at the same instant, so that the terms alone decide about the order.
    let listed = seller
        .rpc_rows("list_blocked_terms", json!({"session_id": id}))
        .await?;
    database
        .change("update stream.blocked_terms set created_at = '2026-01-01'")
        .await?;
    let sorted = seller
        .rpc_rows("list_blocked_terms", json!({"session_id": id}))
        .await?;

    let mut said = Vec::new();
    for text in HARD {
        let user = database.add_user(text).await?;
        let viewer = database.viewer(id, user).await?;
        said.push(outcome(send(&viewer, id, text)).await?);
        said.push(outcome(send(&viewer, id, &format!("so x{text}y {text}!"))).await?);
    }
    let mut unblocked = Vec::new();
    for term in [
        "οδοσ", "ısparta", "İSPARTA", "STRAẞE", "Fine", "SCAM", "Ǆungla", "AA",
    ] {
        let arguments = json!({"session_id": id, "term": term});
        unblocked.push(outcome(seller.rpc("unblock_term", arguments)).await?);
    }
    let log: Vec<Value> = database.log(id).await?;
    let log: Vec<Value> = log
        .iter()
        .map(|entry| json!([entry["username"], entry["content"]]))
        .collect();
    let terms =
        |rows: &[Value]| -> Vec<Value> { rows.iter().map(|row| row["term"].clone()).collect() };
    Ok(json!({
        "blocked": blocked, "listed": terms(&listed), "sorted": terms(&sorted), "said": said, "unblocked": unblocked, "log": log,
    }))
}

/// Sends a message; of the answer nothing but that there is one.
async fn send(viewer: &Session, session: Uuid, text: &str) -> Result<Value, tokio_postgres::Error> {
    send_message(viewer, session, text)
        .await
        .map(|_| json!("sent"))
}

/// What Postgres itself makes of letters and their order there.
async fn of_collation(database: &TestDatabase) -> Result<Vec<String>> {
    database
        .value("select array['I TITLE Σ ß'::text, lower('I TITLE Σ ß')]")
        .await
}

#[tokio::test]
async fn texts_are_judged_as_by_stream_core_under_every_collation() -> Result<()> {
    let mut texts = texts();
    texts.extend(HARD.iter().map(|text| (*text).to_owned()));
    let of_tests = TestDatabase::create().await?;
    let locales = locales(&of_tests).await?;
    let mut collations = Vec::new();
    for locale in &locales {
        let database = TestDatabase::of_locale(Edition::Sql, locale).await?;
        collations.push(of_collation(&database).await?);
        expect_agreement(&database, &texts).await?;
    }
    collations.sort();
    collations.dedup();
    let different = if locales.contains(&OF_ICU) { 3 } else { 2 };
    assert_eq!(
        collations.len(),
        different,
        "the databases differ in what Postgres decides"
    );
    Ok(())
}

#[tokio::test]
async fn a_chat_is_the_same_under_every_collation() -> Result<()> {
    let native = TestDatabase::of_edition(Edition::Native).await?;
    let wanted = chat(&native).await?;
    for part in ["blocked", "unblocked"] {
        let kinds: std::collections::BTreeSet<String> = wanted[part]
            .as_array()
            .into_iter()
            .flatten()
            .map(Value::to_string)
            .collect();
        assert!(kinds.len() > 1, "{part}: {kinds:?}");
    }
    for locale in locales(&native).await? {
        let database = TestDatabase::of_locale(Edition::Sql, locale).await?;
        let answer = chat(&database).await?;
        for (part, wanted) in wanted.as_object().into_iter().flatten() {
            ensure!(
                answer[part] == *wanted,
                "{part} with {locale}\nnative {wanted}\nsql    {}",
                answer[part]
            );
        }
    }
    Ok(())
}
