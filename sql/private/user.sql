-- Users: the signed-in one, forgetting one, and exporting what is stored of one.
-- Read by the extension: a cast would quote claims that it cannot read into the error and the log.
create function stream_private.user_id()
returns uuid
language plpgsql stable parallel safe
as 'begin end';
comment on function stream_private.user_id is $$
The signed-in user: claim sub of request.jwt.claims, null when there is none. Claims that are no JSON object or a sub
that is no uuid are refused with token_invalid.
@native
@plans nothing
@callers authenticated, service_role
@null
$$;

create function stream_private.find_session_of_user(user_id uuid) returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One look-up by key after the other, until one finds something.
    return coalesce(
        (select m.session_id from stream.chat_messages as m where m.user_id = $1 limit 1),
        (select a.session_id from stream.authors_deleted as a where a.user_id = $1 limit 1),
        (select v.session_id from stream.stream_viewers as v where v.user_id = $1 limit 1),
        (select t.session_id from stream.agora_tokens as t where t.user_id = $1 limit 1),
        (select r.session_id from stream.chat_reads as r where r.user_id = $1 limit 1),
        (select b.session_id from stream.chat_subscriptions as b where b.user_id = $1 limit 1),
        (select r.session_id from stream.chat_restrictions as r where r.user_id = $1 limit 1),
        (select r.session_id from stream.chat_restrictions as r where r.actor = $1 limit 1),
        (select r.session_id from stream.restriction_rates as r where r.actor = $1 limit 1),
        (select l.session_id from stream.moderation_log as l where l.user_id = $1 and l.session_id is not null limit 1),
        (select l.session_id from stream.moderation_log as l where l.actor = $1 and l.session_id is not null limit 1),
        (select t.session_id from stream.blocked_terms as t where t.actor = $1 and t.session_id is not null limit 1),
        (select r.session_id from stream.message_reports as r where r.user_id = $1 limit 1),
        (select r.session_id from stream.report_rates as r where r.user_id = $1 limit 1),
        (select p.session_id from stream.reported_messages as p where p.resolved_by = $1 limit 1),
        (select e.session_id from stream.late_events as e where e.user_id = $1 limit 1)
    );
end
$$;
comment on function stream_private.find_session_of_user(uuid) is 'A stream in which something is stored of a user, but its seller.';

create function stream_private.forget_in_session(user_id uuid, session_id uuid, at_most integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    nobody constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000';
    agora_uid pg_catalog.int4;
    changed pg_catalog.int4 := 0;
    rows pg_catalog.int4;
begin
    delete from stream.late_events as e where e.user_id = $1 and e.session_id = $2;
    if not exists (select from stream.stream_sessions as s where s.id = $2) then
        delete from stream.authors_deleted as a where a.user_id = $1 and a.session_id = $2;
        return 1;
    end if;
    select v.agora_uid into agora_uid from stream.stream_viewers as v where v.session_id = $2 and v.user_id = $1;
    -- The log first: its locks come before those of what hangs on it.
    changed := stream_ext.erase_from_log($2, $1, $3);
    delete from stream.webhook_cursors as k where k.session_id = $2 and k.uid = agora_uid;
    update stream.webhook_events as e set uid = null, client_seq = null where e.session_id = $2 and e.uid = agora_uid;
    delete from stream.agora_tokens as t where t.ctid = any (array(
        select o.ctid from stream.agora_tokens as o where o.session_id = $2 and o.user_id = $1 limit $3));
    get diagnostics rows = row_count;
    changed := changed + rows;
    delete from stream.chat_reads as r where r.session_id = $2 and r.user_id = $1;
    delete from stream.chat_subscriptions as b where b.session_id = $2 and b.user_id = $1;
    delete from stream.chat_restrictions as r where r.session_id = $2 and r.user_id = $1;
    update stream.chat_restrictions as r set actor = nobody, reason = null where r.ctid = any (array(
        select o.ctid from stream.chat_restrictions as o where o.actor = $1 and o.session_id = $2 limit $3 for update));
    delete from stream.restriction_rates as r where r.session_id = $2 and r.actor = $1;
    update stream.moderation_log as l set actor = nobody, reason = null where l.id = any (array(
        select o.id from stream.moderation_log as o where o.actor = $1 and o.session_id = $2 limit $3));
    get diagnostics rows = row_count;
    changed := changed + rows;
    update stream.blocked_terms as t set actor = nobody where t.session_id = $2 and t.actor = $1;
    delete from stream.message_reports as r where r.ctid = any (array(
        select o.ctid from stream.message_reports as o where o.user_id = $1 and o.session_id = $2 limit $3));
    get diagnostics rows = row_count;
    changed := changed + rows;
    delete from stream.report_rates as r where r.session_id = $2 and r.user_id = $1;
    update stream.reported_messages as p set resolved_by = nobody where (p.session_id, p.seq) in (
        select o.session_id, o.seq from stream.reported_messages as o
        where o.resolved_by = $1 and o.session_id = $2 order by o.seq limit $3 for no key update);
    return greatest(changed, 1);
end
$$;
comment on function stream_private.forget_in_session(uuid, uuid, integer) is
    'One part of forgetting a user in a stream; at least 1, as a row of the user was found there.';

create function stream_private.forget_user(user_id uuid)
returns stream.erasure_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    nobody constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000';
    at_most pg_catalog.int4 := (select c.sweep_batch_size from stream.config as c limit 1);
    session pg_catalog.uuid;
    changed pg_catalog.int4 := 0;
    rows pg_catalog.int4;
begin
    perform stream_ext.enter_to_write();
    if $1 is null or $1 = nobody then
        perform stream_ext.refuse_with_hint('invalid_argument', 'user_id must be the id of a user');
    end if;
    if exists (select from stream.stream_sessions as s where s.seller_id = $1 and s.state <> 'ended') then
        perform stream_ext.refuse_with_hint('stream_live', 'The user sells in a live stream: end it first.');
    end if;
    -- One stream a call, so that nobody in another one waits for it.
    session := stream_private.find_session_of_user($1);
    if session is not null then
        return row(stream_private.forget_in_session($1, session, at_most), true)::stream.erasure_result;
    end if;

    update stream.moderation_log as l set actor = nobody, reason = null where l.id = any (array(
        select o.id from stream.moderation_log as o where o.actor = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    update stream.moderation_log as l set user_id = nobody, reason = null where l.id = any (array(
        select o.id from stream.moderation_log as o where o.user_id = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    update stream.blocked_terms as t set actor = nobody where t.id = any (array(
        select o.id from stream.blocked_terms as o where o.actor = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    delete from stream.requests as r where r.id = any (array(
        select o.id from stream.requests as o where o.caller = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    delete from stream.requests as r where r.id = any (array(
        select o.id from stream.requests as o where o.about = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    -- Last in the order of locks.
    delete from stream.start_rates as r where r.seller_id = $1;
    get diagnostics rows = row_count;
    changed := changed + rows;
    if changed > 0 then
        return row(changed, true)::stream.erasure_result;
    end if;
    -- The sold ones last: a table of the application that refers to one and keeps it fails the call.
    select s.id into session from stream.stream_sessions as s where s.seller_id = $1 order by s.id limit 1;
    if found then
        update stream.webhook_events as e set uid = null, client_seq = null
        where e.session_id = session and e.uid between 1 and 999999;
        return row(stream_ext.delete_ended_stream(session, at_most), true)::stream.erasure_result;
    end if;
    return row(0, false)::stream.erasure_result;
end
$$;
comment on function stream_private.forget_user is $$
Erases a user from everything that is stored here, a part of it in each call: go on while has_more is true. Messages lose text,
name and id and keep their numbers, stored frames that carried them go, the streams that the user sold are deleted, places, tokens,
read marks, subscriptions, restrictions and reports go too. In what others did and in moderation logs the nil uuid takes the
user's place. Also after the account is gone; refused while the user sells in a live stream. A table of the application that refers to
a sold stream without a cascade fails the call (23503), when what the user did elsewhere is gone. Service only.
@callers service_role
@repeat safe
@errors isolation_level, invalid_argument, stream_live
$$;

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
    from stream.agora_tokens as t where t.user_id = $1 order by t.session_id, t.created_at;
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
    where u.user_id = $1 order by e.session_id, e.happened_at;
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
    from stream.moderation_log as l where l.user_id = $1 order by l.id;
    return query
    select json_build_object('table', 'moderation_log', 'as', 'actor', 'record', json_build_object(
        'session_id', l.session_id, 'seq', l.seq, 'action', l.action, 'term', l.term, 'created_at', l.created_at))
    from stream.moderation_log as l where l.actor = $1 order by l.id;
    return query
    select json_build_object('table', 'blocked_terms', 'as', 'actor', 'record', json_build_object(
        'session_id', t.session_id, 'term', t.term, 'created_at', t.created_at))
    from stream.blocked_terms as t where t.actor = $1 order by t.created_at;
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
    from stream.requests as r where r.caller = $1 order by r.id;
    return query
    select json_build_object('table', 'requests', 'record', json_build_object(
        'operation', r.operation, 'created_at', r.created_at))
    from stream.requests as r where r.about = $1 and r.caller is distinct from $1 order by r.id;
end
$$;
comment on function stream_private.export_user is $$
Everything that is stored of a user, as JSON lines: one object {table, record} for each row, with as where the user acted on
what is somebody else's. It says nothing of other people, and holds neither tokens nor their hashes. Service only.
@callers service_role
@errors invalid_argument
$$;
