//! Spans and ends of times are in SQL those of the native edition: backlogs of rates, silences, windows, lives of tokens.

use anyhow::Result;
use proptest::prelude::*;
use stream_core::agora::TokenTimes;
use stream_core::rate::RateLimit;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

use super::drawn;

/// Of a moment in 2026, in microseconds since 1970.
const MOMENT_US: i64 = 1_780_000_000_123_456;

/// Microseconds from a moment, most often few, and at bounds of whole milliseconds.
fn spans() -> impl Strategy<Value = i64> {
    prop_oneof![
        -3_i64..=3,
        -70_000_000_i64..70_000_000,
        (-70_i64..70).prop_map(|seconds| seconds * 1_000_000),
        (-70_000_i64..70_000).prop_map(|milliseconds| milliseconds * 1_000),
        Just(3_600_000_000 * 24 * 365 * 20),
        Just(-3_600_000_000 * 24 * 365 * 20),
    ]
}

/// A time in SQL so many microseconds from the moment; null without them.
fn at(place: usize) -> String {
    format!("timestamptz 'epoch' + ({MOMENT_US} + ${place}::bigint) * interval '1 microsecond'")
}

#[tokio::test]
async fn calls_of_a_minute_are_counted_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let query = format!(
        "select s.spent_us, s.wait_ms, stream_ext.rate_ahead_us({noted}, {now})
         from stream_ext.rate_minute_us($3) as i (us)
         cross join lateral stream_ext.rate_spend(
             i.us, 60000000 - i.us, stream_ext.rate_backlog_us({noted}, {now}, 60000000)) as s",
        noted = at(1),
        now = at(2),
    );
    // Few calls a minute are those that wait.
    let counts = prop_oneof![
        3 => 1_i32..5,
        1 => 0_i32..100,
        1 => -3_i32..3,
        1 => 0_i32..100_000_000,
        1 => Just(i32::MAX),
    ];
    let noted = prop_oneof![9 => spans().prop_map(Some), 1 => Just(None)];
    let (mut passed, mut waited) = (0, 0);
    for (noted, now, per_minute) in drawn((noted, -60_000_000_i64..60_000_000, counts)) {
        let row = database
            .owner
            .query_one(&query, &[&noted, &now, &per_minute])
            .await?;
        let ahead_us = noted.map_or(0, |noted| (noted - now).max(0));
        let (spent_us, wait_ms) =
            match RateLimit::per_minute(per_minute.unsigned_abs()).take(ahead_us) {
                Ok(spent_us) => (Some(spent_us), None),
                Err(wait_us) => (None, Some(i64::try_from(wait_us.div_ceil(1000))?)),
            };
        passed += usize::from(spent_us.is_some());
        waited += usize::from(wait_ms.is_some());
        let told: (Option<i64>, Option<i64>, i64) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(
            told,
            (spent_us, wait_ms, ahead_us),
            "{noted:?} {now} {per_minute}"
        );
    }
    assert!(
        passed > 30 && waited > 5,
        "{passed} passed, {waited} waited"
    );
    Ok(())
}

/// A time that no clock reaches is no backlog, and ahead for ever.
#[tokio::test]
async fn infinite_times_of_a_rate_raise_nothing() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    for (noted, ahead_us) in [("infinity", i64::MAX), ("-infinity", 0)] {
        let query = format!(
            "select array[stream_ext.rate_backlog_us('{noted}', now(), 60000000), stream_ext.rate_ahead_us('{noted}', now())]"
        );
        let told: Vec<i64> = database.value(&query).await?;
        assert_eq!(told, [0, ahead_us], "{noted}");
    }
    Ok(())
}

#[tokio::test]
async fn silences_and_windows_end_as_in_the_native_edition() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let query = format!(
        "select stream_ext.chat_silent_ms({last}, {now}),
             (extract(epoch from stream_ext.log_window_ends_at({last}, $3, {now})) * 1000000)::bigint - {MOMENT_US}",
        last = at(1),
        now = at(2),
    );
    let windows = prop_oneof![Just(0_i32), 48_i32..53, 50_i32..70_000];
    let last = prop_oneof![9 => spans().prop_map(Some), 1 => Just(None)];
    // Often at the very end of the window, a microsecond sooner or later.
    let beside = prop_oneof![Just(None), (-2_i64..=2).prop_map(Some)];
    let (mut open, mut silent) = (0, 0);
    for (last, now, window_ms, beside) in drawn((last, spans(), windows, beside)) {
        let now = match (last, beside) {
            (Some(last), Some(beside)) => last + i64::from(window_ms) * 1000 + beside,
            _ => now,
        };
        let row = database
            .owner
            .query_one(&query, &[&last, &now, &window_ms])
            .await?;
        let told: (Option<i64>, Option<i64>) = (row.get(0), row.get(1));
        // As `RelayRow::long_window_ends_at` and `silent_ms` of the native edition, which need its types of time.
        let passed_us = last.map(|last| now - last);
        let length_us = i64::from(window_ms) * 1000;
        let is_open = passed_us.is_some_and(|passed_us| (0..=length_us).contains(&passed_us));
        let ends_us = last
            .filter(|_| is_open && window_ms > 50)
            .map(|last| last + length_us);
        let silent_ms = passed_us
            .filter(|passed_us| *passed_us >= 0)
            .map(|passed_us| passed_us / 1000);
        open += usize::from(ends_us.is_some());
        silent += usize::from(silent_ms.is_some());
        assert_eq!(told, (silent_ms, ends_us), "{last:?} {now} {window_ms}");
    }
    assert!(open > 20 && silent > 20, "{open} open, {silent} silent");
    Ok(())
}

#[tokio::test]
async fn tokens_live_and_are_renewed_as_in_the_native_edition() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let life = format!("select stream_ext.token_life_s({}, $2, $3, $4)", at(1));
    let spans_s = prop_oneof![-200_i64..200, -200_000_i64..200_000];
    for (created, spent_s, max_duration_s, token_ttl_s) in
        drawn((spans(), spans_s, 60_i32..200_000, 60_i32..90_000))
    {
        let created_us = MOMENT_US + created;
        let issued_at = created_us.div_euclid(1_000_000) + spent_s;
        let row = database
            .owner
            .query_one(
                &life,
                &[&created, &issued_at, &max_duration_s, &token_ttl_s],
            )
            .await?;
        // As `Settings::life_s` of the native edition.
        let end = created_us.div_euclid(1_000_000) + i64::from(max_duration_s);
        let wanted = (end - issued_at).max(60).min(token_ttl_s.into());
        assert_eq!(
            i64::from(row.get::<_, i32>(0)),
            wanted,
            "{created} {issued_at} {max_duration_s} {token_ttl_s}"
        );
    }
    // The present is the begin of the transaction, from which all times are told.
    let now = |place: usize| format!("now() + ${place}::bigint * interval '1 microsecond'");
    let due = format!(
        "select stream_ext.token_is_due({}, {}, {}, {})",
        now(1),
        now(2),
        now(3),
        now(4)
    );
    let ages = prop_oneof![-30_000_002_i64..=-29_999_998, -4_000_000_000_i64..1_000];
    let lives = prop_oneof![60_000_000_i64..3_600_000_000, Just(3_600_000_000)];
    let held = prop_oneof![
        Just(None),
        (-4_000_000_000_i64..4_000_000_000).prop_map(Some)
    ];
    let mut is_due = 0;
    for (issued, life, held, device) in drawn((ages, lives, held.clone(), held)) {
        let expires = issued + life;
        let row = database
            .owner
            .query_one(&due, &[&issued, &expires, &held, &device])
            .await?;
        let times = TokenTimes {
            issued_at_us: issued,
            expires_at_us: expires,
        };
        let wanted = times.is_renewal_due(device.or(held).unwrap_or(expires), 0);
        assert_eq!(
            row.get::<_, bool>(0),
            wanted,
            "{issued} {expires} {held:?} {device:?}"
        );
        is_due += usize::from(wanted);
    }
    assert!((20..236).contains(&is_due), "{is_due} due");
    Ok(())
}
