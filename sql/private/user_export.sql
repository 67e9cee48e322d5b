-- Exporting what is stored of a user.

-- A host's uid is the generation of the stream, so the host has had every uid from 1 to the present one.
create view stream_private.agora_uids as
select v.user_id, v.session_id, v.agora_uid as first_uid, v.agora_uid as last_uid
from stream.stream_viewers as v
union all
select s.seller_id, s.id, 1, s.generation
from stream.stream_sessions as s;
comment on view stream_private.agora_uids is 'The range of Agora uids that a user has had in a stream, as a viewer or as its host.';
revoke all on table stream_private.agora_uids from public, anon, authenticated, service_role;

create function stream_private.export_user(user_id uuid)
returns setof json
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.enter_to_read();
    if $1 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'user_id must not be null');
    end if;
    return query
    select json_build_object('table', 'stream_sessions', 'record', json_build_object(
        'id', s.id, 'auction_id', s.auction_id, 'channel_id', s.channel_id, 'state', s.state, 'state_reason', s.state_reason,
        'created_at', s.created_at, 'started_at', s.started_at, 'ended_at', s.ended_at,
        'peak_viewer_count', s.peak_viewer_count, 'message_count', s.message_count,
        'deleted_message_count', s.deleted_message_count, 'unique_viewers', s.unique_viewers, 'watch_ms', s.watch_ms,
        'chat_mode', s.chat_mode, 'slow_mode_ms', s.slow_mode_ms, 'metadata', s.metadata))
    from stream.stream_sessions as s where s.seller_id = $1 order by s.id;
    return query
    select json_build_object('table', 'start_rates', 'record', json_build_object('tat', r.tat))
    from stream.start_rates as r where r.seller_id = $1;
    return query
    select json_build_object('table', 'stream_viewers', 'record', json_build_object(
        'session_id', v.session_id, 'agora_uid', v.agora_uid, 'join_no', v.join_no, 'joined_at', v.joined_at,
        'left_at', v.left_at, 'last_seen_at', v.last_seen_at, 'foreground', v.foreground, 'watch_ms', v.watch_ms,
        'last_chat_at', v.last_chat_at))
    from stream.stream_viewers as v where v.user_id = $1 order by v.session_id;
    return query
    select json_build_object('table', 'chat_messages', 'record', json_build_object(
        'session_id', m.session_id, 'seq', m.seq, 'id', m.id, 'username', m.username, 'content', m.content,
        'created_at', m.created_at, 'metadata', m.metadata, 'deleted_at', m.deleted_at))
    from stream.chat_messages as m where m.user_id = $1 order by m.session_id, m.seq;
    return query
    select json_build_object('table', 'authors_deleted', 'record', json_build_object(
        'session_id', m.session_id, 'seq', m.seq, 'id', m.id, 'username', m.username, 'content', m.content,
        'created_at', m.created_at, 'metadata', m.metadata, 'deleted_at', m.deleted_at))
    from stream.authors_deleted as a
    cross join unnest(a.seqs) as r (seqs)
    join stream.chat_messages as m
        on m.session_id = a.session_id and m.seq >= lower(r.seqs) and m.seq < upper(r.seqs) and m.user_id is null
    where a.user_id = $1 order by m.session_id, m.seq;
    return query
    select json_build_object('table', 'chat_reads', 'record', json_build_object(
        'session_id', r.session_id, 'read', r.read::text, 'updated_at', r.updated_at))
    from stream.chat_reads as r where r.user_id = $1 order by r.session_id;
    return query
    select json_build_object('table', 'chat_subscriptions', 'record', json_build_object(
        'session_id', b.session_id, 'id', b.id, 'channel', b.channel, 'is_active', b.is_active,
        'created_at', b.created_at, 'ended_at', b.ended_at))
    from stream.chat_subscriptions as b where b.user_id = $1 order by b.session_id;
    return query
    select json_build_object('table', 'agora_tokens', 'record', json_build_object(
        'session_id', t.session_id, 'channel_id', t.channel_id, 'uid', t.uid, 'privileges', t.privileges,
        'created_at', t.created_at, 'expires_at', t.expires_at, 'is_active', t.is_active))
    from stream.agora_tokens as t where t.user_id = $1 order by t.session_id, t.created_at, t.is_active;
    return query
    select json_build_object('table', 'webhook_cursors', 'record', json_build_object(
        'session_id', k.session_id, 'uid', k.uid, 'is_present', k.is_present, 'happened_at', k.happened_at))
    from stream_private.agora_uids as u
    join stream.webhook_cursors as k on k.session_id = u.session_id and k.uid between u.first_uid and u.last_uid
    where u.user_id = $1 order by k.session_id, k.uid;
    return query
    select json_build_object('table', 'webhook_events', 'record', json_build_object(
        'session_id', e.session_id, 'uid', e.uid, 'event_type', e.event_type, 'happened_at', e.happened_at,
        'reason', e.reason, 'duration_s', e.duration_s))
    from stream_private.agora_uids as u
    join stream.webhook_events as e on e.session_id = u.session_id and e.uid between u.first_uid and u.last_uid
    where u.user_id = $1 order by e.session_id, e.happened_at, e.notice_id;
    return query
    select json_build_object('table', 'late_events', 'record', json_build_object(
        'session_id', e.session_id, 'event', e.event, 'payload', e.payload, 'noted_at', e.noted_at))
    from stream.late_events as e where e.user_id = $1 order by e.session_id, e.subject;
    -- Of what others decided about the user, all but who they are; of what the user decided about others, not about whom.
    return query
    select json_build_object('table', 'chat_restrictions', 'record', json_build_object(
        'session_id', r.session_id, 'kind', r.kind, 'until', r.until, 'reason', r.reason, 'created_at', r.created_at))
    from stream.chat_restrictions as r where r.user_id = $1 order by r.session_id, r.kind;
    return query
    select json_build_object('table', 'chat_restrictions', 'as', 'actor', 'record', json_build_object(
        'session_id', r.session_id, 'kind', r.kind, 'until', r.until, 'created_at', r.created_at))
    from stream.chat_restrictions as r where r.actor = $1 order by r.session_id, r.created_at;
    return query
    select json_build_object('table', 'restriction_rates', 'as', 'actor', 'record', json_build_object(
        'session_id', r.session_id, 'tat', r.tat))
    from stream.restriction_rates as r where r.actor = $1 order by r.session_id;
    return query
    select json_build_object('table', 'moderation_log', 'record', json_build_object(
        'session_id', l.session_id, 'seq', l.seq, 'action', l.action, 'target_seq', l.target_seq, 'reason', l.reason,
        'until', l.until, 'created_at', l.created_at))
    from stream.moderation_log as l where l.user_id = $1 order by l.created_at, l.id;
    return query
    select json_build_object('table', 'moderation_log', 'as', 'actor', 'record', json_build_object(
        'session_id', l.session_id, 'seq', l.seq, 'action', l.action, 'term', l.term, 'created_at', l.created_at))
    from stream.moderation_log as l where l.actor = $1 order by l.created_at, l.id;
    return query
    select json_build_object('table', 'blocked_terms', 'as', 'actor', 'record', json_build_object(
        'session_id', t.session_id, 'term', t.term, 'created_at', t.created_at))
    from stream.blocked_terms as t where t.actor = $1 order by t.created_at, t.term;
    return query
    select json_build_object('table', 'message_reports', 'record', json_build_object(
        'session_id', r.session_id, 'seq', r.seq, 'reason', r.reason, 'created_at', r.created_at))
    from stream.message_reports as r where r.user_id = $1 order by r.session_id, r.seq;
    return query
    select json_build_object('table', 'report_rates', 'record', json_build_object(
        'session_id', r.session_id, 'tat', r.tat))
    from stream.report_rates as r where r.user_id = $1 order by r.session_id;
    return query
    select json_build_object('table', 'reported_messages', 'as', 'resolved_by', 'record', json_build_object(
        'session_id', p.session_id, 'seq', p.seq, 'resolved_at', p.resolved_at))
    from stream.reported_messages as p where p.resolved_by = $1 order by p.session_id, p.seq;
    return query
    select json_build_object('table', 'requests', 'as', 'caller', 'record', json_build_object(
        'request_id', r.request_id, 'operation', r.operation, 'created_at', r.created_at))
    from stream.requests as r where r.caller = $1 order by r.created_at, r.request_id;
    return query
    select json_build_object('table', 'requests', 'record', json_build_object(
        'operation', r.operation, 'created_at', r.created_at))
    from stream.requests as r where r.about = $1 and r.caller is distinct from $1 order by r.created_at, r.request_id;
end
$$;
comment on function stream_private.export_user is $$
Everything that is stored of a user, as JSON lines: one object {table, record} for each row, with as where the user acted on
what is somebody else's. It says nothing of other people, and holds neither tokens nor their hashes. Service only.
@callers service_role
@errors invalid_argument
$$;
