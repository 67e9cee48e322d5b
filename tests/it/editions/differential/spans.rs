//! Spans of time: those that a caller is told, and those between the times of a row.

use anyhow::{Result, ensure};
use stream_tests::database::TestDatabase;

/// Both editions are called at the same time, so a wait or a stay differs by what the calls before took. The spans that rules
/// make differ by more: mutes, slow mode, and seconds that are taken for milliseconds.
const TOLERANCE_MS: i64 = 30_000;

/// The numbers of all members of a text whose names end in `_ms`, in their order.
pub fn told(text: &str) -> Vec<i64> {
    text.match_indices("_ms")
        .filter_map(|(at, _)| {
            // Within the DETAIL of an error its quotes are escaped.
            let value = text[at + 3..].trim_start_matches('\\');
            let value = value.strip_prefix("\":")?.trim_start();
            let end = value.find(|character: char| !character.is_ascii_digit());
            value[..end.unwrap_or(value.len())].parse().ok()
        })
        .collect()
}

pub fn agree(one: &[i64], other: &[i64]) -> bool {
    let mut both = one.iter().zip(other);
    one.len() == other.len() && both.all(|(one, other)| one.abs_diff(*other) <= TOLERANCE_MS as u64)
}

/// What a rule has made of a time, in whole seconds, and the times that Agora states.
const OF_ROWS: &str = "
select coalesce(array_agg(s.span), '{}') from (
    select concat_ws(' ', 'token', extract(epoch from t.expires_at - t.created_at), extract(epoch from t.expires_at - t.check_at)) as span
    from stream.agora_tokens as t
    union all
    select concat_ws(' ', r.kind, round(extract(epoch from r.until - r.created_at))) from stream.chat_restrictions as r
    union all
    select concat_ws(' ', l.action, round(extract(epoch from l.until - l.created_at))) from stream.moderation_log as l
    union all
    select concat_ws(' ', 'host', s.state, round(extract(epoch from s.host_token_expires_at - s.host_token_issued_at)),
        case when s.reconnect_deadline > s.state_changed_at
            then round(extract(epoch from s.reconnect_deadline - s.state_changed_at)) end)
    from stream.stream_sessions as s
    union all
    select concat_ws(' ', 'viewer', v.user_id, round(extract(epoch from v.token_expires_at - v.token_issued_at)))
    from stream.stream_viewers as v
    union all
    select concat_ws(' ', 'notice', e.notice_id, extract(epoch from e.happened_at)) from stream.webhook_events as e
    union all
    select concat_ws(' ', 'cursor', k.uid, extract(epoch from k.happened_at), extract(epoch from k.forget_at - k.seen_at))
    from stream.webhook_cursors as k where k.uid < 1000000
) as s";

pub async fn of_rows(database: &TestDatabase) -> Result<Vec<String>> {
    database.value(OF_ROWS).await
}

/// Times that lie in the order of what they date, by name.
const ORDERS: &str = "
select array_agg(o.name) from (
    select 'messages of a log', coalesce(bool_and(m.is_in_order), true) from (
        select m.created_at > lag(m.created_at) over (partition by m.session_id order by m.seq) as is_in_order
        from stream.chat_messages as m) as m
    union all
    select 'the head of a log', coalesce(bool_and(h.last_at >= m.created_at), true)
    from stream.chat_heads as h join stream.chat_messages as m on m.session_id = h.session_id
    union all
    select 'decisions', coalesce(bool_and(l.is_in_order), true) from (
        select l.created_at >= lag(l.created_at) over (partition by l.session_id order by l.id) as is_in_order
        from stream.moderation_log as l) as l
    union all
    select 'frames of a log', coalesce(bool_and(f.is_in_order), true) from (
        select (m.payload ->> 'server_time')::timestamptz >= lag((m.payload ->> 'server_time')::timestamptz)
            over (partition by m.topic order by (m.payload ->> 'from_seq')::bigint) as is_in_order
        from realtime.messages as m where m.event = 'messages') as f
    union all
    select 'a stream', coalesce(bool_and(
        s.created_at <= coalesce(s.started_at, s.created_at) and coalesce(s.started_at, s.created_at) <= coalesce(s.ended_at, now())), true)
    from stream.stream_sessions as s
    union all
    select 'a message', coalesce(bool_and(m.created_at <= coalesce(m.updated_at, m.created_at)
        and m.created_at <= coalesce(m.deleted_at, m.created_at)), true)
    from stream.chat_messages as m
) as o (name, is_kept) where not o.is_kept";

pub async fn ensure_order(database: &TestDatabase) -> Result<()> {
    let broken: Option<Vec<String>> = database.value(ORDERS).await?;
    ensure!(broken.is_none(), "times out of order: {broken:?}");
    Ok(())
}

/// Streams with entries that no frame carries and no queue holds.
const LOST: &str = "
select array_agg(h.session_id::text) from stream.chat_heads as h
left join stream.chat_relay as r on r.session_id = h.session_id
where coalesce(r.flushed_seq, 0) <> h.last_seq
    and (coalesce(r.flushed_seq, 0) > h.last_seq or not exists (select from stream.chat_tails as t where t.session_id = h.session_id))";

pub async fn ensure_nothing_is_lost(database: &TestDatabase) -> Result<()> {
    let lost: Option<Vec<String>> = database.value(LOST).await?;
    ensure!(lost.is_none(), "neither sent nor queued: {lost:?}");
    Ok(())
}
