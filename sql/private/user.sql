-- Users: the signed-in one, and forgetting one.
-- Read by the extension: a cast would quote claims that it cannot read into the error and the log.
create function stream_private.user_id()
returns uuid
language plpgsql stable
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
    nobody constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid;
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
    nobody constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid;
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
