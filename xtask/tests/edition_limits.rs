//! Numbers and names of stream_core that the SQL edition repeats by hand are those of stream_core.

use std::fs;

use stream_core::agora::{FIRST_VIEWER_UID, MAX_SALT, MIN_AGE_US};
use stream_core::chat::{MAX_CONTENT_CHARS, MAX_NAME_CHARS};
use stream_core::frame;
use stream_core::governor;
use stream_core::lifecycle::StreamState;
use stream_core::limits::RECONNECT_WINDOW_S;
use stream_core::webhook::{
    MAX_CHANNEL_BYTES, MAX_ID_BYTES, MAX_NOTICE_BYTES, MAX_TS, TEST_CHANNEL,
};
use xtask::workspace;

/// A file of the edition and a part of it.
type Part = (&'static str, String);

fn of_messages() -> Vec<Part> {
    vec![
        (
            "send",
            format!("octet_length($3) <= {MAX_CONTENT_CHARS} and"),
        ),
        ("send", format!("length(sender_name) > {MAX_NAME_CHARS}")),
        ("frame", format!("entries >= {} or", frame::MAX_ENTRIES)),
        ("frame", format!("limit {} ", frame::MAX_ENTRIES_OF_WINDOW)),
        (
            "frame",
            format!(
                "exit when cardinality(seqs) < {};",
                frame::MAX_ENTRIES_OF_WINDOW
            ),
        ),
    ]
}

fn of_streams() -> Vec<Part> {
    let (least, most) = (RECONNECT_WINDOW_S.start(), RECONNECT_WINDOW_S.end());
    let states = StreamState::ALL.iter().map(|state| state.as_str());
    let states: Vec<_> = states.collect();
    let last_host = FIRST_VIEWER_UID - 1;
    vec![
        (
            "stream_start",
            format!("$3 not between {least} and {most} then"),
        ),
        (
            "stream_start",
            format!("'reconnect_window_s is {least} to {most}'"),
        ),
        (
            "stream_start",
            format!("live.generation >= {last_host} then"),
        ),
        (
            "stream_state",
            format!("$2 not in ('{}') then", states.join("', '")),
        ),
        (
            "stream_state",
            format!("'state is one of {}'", states.join(", ")),
        ),
        ("viewer", format!("return {FIRST_VIEWER_UID} + ")),
        (
            "viewer",
            format!(
                "uids constant pg_catalog.int8 := {};",
                (1_u32 << 31) - FIRST_VIEWER_UID
            ),
        ),
        (
            "webhook",
            format!("is_host constant pg_catalog.bool := $5 between 1 and {last_host};"),
        ),
        (
            "webhook",
            format!("parsed.uid between 1 and {last_host} then"),
        ),
        (
            "heartbeat",
            format!("interval '{} seconds'", MIN_AGE_US / 1_000_000),
        ),
        ("token_mint", format!("% {MAX_SALT} + 1;")),
    ]
}

fn of_notices() -> Vec<Part> {
    vec![
        (
            "webhook_notice",
            format!("octet_length($1) > {MAX_NOTICE_BYTES} then"),
        ),
        (
            "webhook_notice",
            format!("'a notice has at most {MAX_NOTICE_BYTES} bytes'"),
        ),
        ("webhook_notice", format!("'noticeId', {MAX_ID_BYTES})")),
        (
            "webhook_notice",
            format!("'channelName', {MAX_CHANNEL_BYTES})"),
        ),
        ("webhook_notice", format!("channel = '{TEST_CHANNEL}' then")),
        ("webhook_notice", format!("'ts', {MAX_TS}, true)")),
        ("webhook_notice", format!("'uid', {}, true)", u32::MAX)),
    ]
}

fn of_windows() -> Vec<Part> {
    let (least, most) = (governor::MIN_WINDOW_MS, governor::MAX_WINDOW_MS);
    let auction = governor::AUCTION_WINDOW_MS;
    vec![
        (
            "governor_plan",
            format!("return least(greatest($1 * $2 / 100000, {least}), {most});"),
        ),
        (
            "governor_plan",
            format!(
                "return case when $2 <= {least} then $2 else greatest(least($1, $2), {auction}) end;"
            ),
        ),
        (
            "governor_plan",
            format!(
                "greatest(w.window_ms, {}) as viewers_ms",
                governor::MIN_VIEWERS_WINDOW_MS
            ),
        ),
        (
            "governor_plan",
            format!(
                "> {} then w.value || jsonb_build_object(",
                governor::POLLING_ABOVE_MS
            ),
        ),
        (
            "auction",
            format!("case when $2 then {auction} else {least} end"),
        ),
    ]
}

#[test]
fn numbers_of_stream_core_stand_in_the_sql_edition() {
    for (file, part) in [of_messages(), of_streams(), of_notices(), of_windows()].concat() {
        let path = format!("sql/edition/sql/{file}.sql");
        let text = fs::read_to_string(workspace::root().join(&path)).expect("a file");
        let text: Vec<_> = text.split_whitespace().collect();
        assert!(
            format!("{} ", text.join(" ")).contains(&part),
            "{path} lacks {part:?}: stream_core has another limit, or it stands otherwise"
        );
    }
}
