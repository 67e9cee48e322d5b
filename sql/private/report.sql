-- Reports of viewers about messages: making, listing and resolving them.
create function stream_private.report_message(session_id uuid, message_id uuid, reason text default null)
returns stream.message_report
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    reporter pg_catalog.uuid := stream_ext.act_for(null);
    why pg_catalog.text := nullif(btrim($3), '');
    seller pg_catalog.uuid;
    message pg_catalog.record;
    result stream.message_report;
    noted pg_catalog.timestamptz;
begin
    if $1 is null or $2 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'session_id and message_id must not be null');
    end if;
    perform stream_private.check_reason(why);
    select s.seller_id into seller from stream.stream_sessions as s where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    -- As the topic of the chat: whoever may view it and has joined it.
    if reporter <> seller then
        if not stream_private.can_view(reporter, $1, seller) then
            perform stream_ext.refuse('cannot_view');
        end if;
        if exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = reporter) then
            perform stream_ext.refuse('banned');
        end if;
        if not stream_private.has_joined(reporter, $1) then
            perform stream_ext.refuse('not_viewer');
        end if;
    end if;
    select m.seq, m.user_id, m.message_type, m.deleted_at into message
    from stream.chat_messages as m
    where m.session_id = $1 and m.id = $2;
    if not found then
        perform stream_ext.refuse('message_not_found');
    end if;
    -- Again: the first one, also when the message is gone since.
    select $1, $2, r.seq, r.user_id, r.reason, r.created_at into result
    from stream.message_reports as r
    where r.session_id = $1 and r.seq = message.seq and r.user_id = reporter;
    if found then
        return result;
    end if;
    if message.message_type <> 'user_message' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'only messages of users can be reported');
    end if;
    if message.user_id = reporter then
        perform stream_ext.refuse_with_hint('invalid_argument', 'nobody reports their own message; delete it');
    end if;
    if message.deleted_at is not null then
        perform stream_ext.refuse('message_not_found');
    end if;

    insert into stream.report_rates as r (session_id, user_id, tat) values ($1, reporter, now())
    on conflict on constraint report_rates_pkey do nothing;
    select r.tat into noted from stream.report_rates as r
    where r.session_id = $1 and r.user_id = reporter for no key update;
    noted := stream_ext.take_rate((select c.reports_per_minute from stream.config as c limit 1), noted);

    insert into stream.message_reports as r (session_id, seq, user_id, reason)
    values ($1, message.seq, reporter, why)
    on conflict on constraint message_reports_pkey do nothing
    returning $1, $2, r.seq, r.user_id, r.reason, r.created_at into result;
    if not found then
        -- The same user's other device was quicker.
        select $1, $2, r.seq, r.user_id, r.reason, r.created_at into result
        from stream.message_reports as r
        where r.session_id = $1 and r.seq = message.seq and r.user_id = reporter;
        return result;
    end if;
    update stream.report_rates as r set tat = noted where r.session_id = $1 and r.user_id = reporter;
    insert into stream.reported_messages as p (session_id, seq) values ($1, message.seq)
    on conflict on constraint reported_messages_pkey do update
    set report_count = p.report_count + 1, last_reported_at = clock_timestamp(),
        resolved_at = null, resolved_by = null;
    return result;
end
$$;
comment on function stream_private.report_message is $$
Reports a message of somebody else to the moderators, for whoever may read the chat. The same user and message again: the first
report. At most config.reports_per_minute in a stream. The text of the message is not copied.
@callers authenticated
@repeat safe
@errors isolation_level, invalid_argument, session_not_found, message_not_found, cannot_view, banned, not_viewer,
    rate_limited
$$;

create function stream_private.list_reports(session_id uuid, after bigint default null, page_size integer default 50)
returns setof stream.reported_message
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.require_moderator($1);
    perform stream_private.check_page_size($3);
    return query
    select p.session_id, m.id, p.seq, m.user_id, m.username, p.report_count, p.first_reported_at, p.last_reported_at,
        array(
            select row($1, m.id, r.seq, r.user_id, r.reason, r.created_at)::stream.message_report
            from stream.message_reports as r
            where r.session_id = p.session_id and r.seq = p.seq
            order by r.created_at desc
            limit 20
        )
    from stream.reported_messages as p
    join stream.chat_messages as m on m.session_id = p.session_id and m.seq = p.seq
    where p.session_id = $1 and p.resolved_at is null and p.seq > coalesce($2, 0)
        -- A report can cross the deletion of its message.
        and m.deleted_at is null
    order by p.seq
    limit $3;
end
$$;
comment on function stream_private.list_reports is $$
The reported messages that nobody has resolved or deleted, by ascending seq, those behind after; page_size 1 to 200. Moderators
only.
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_moderator
$$;

create function stream_private.resolve_report(session_id uuid, message_id uuid)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    actor pg_catalog.uuid := stream_ext.begin_moderation($1);
    message pg_catalog.record;
begin
    if $2 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'message_id must not be null');
    end if;
    select m.seq, m.user_id into message from stream.chat_messages as m where m.session_id = $1 and m.id = $2;
    if not found then
        perform stream_ext.refuse('message_not_found');
    end if;
    if message.user_id = actor
        and not exists (select from stream.stream_sessions as s where s.id = $1 and s.seller_id = actor) then
        perform stream_ext.refuse_with_hint('not_moderator', 'nobody judges themself; ask the seller or another moderator');
    end if;
    if not exists (
        select from stream.reported_messages as p
        where p.session_id = $1 and p.seq = message.seq and p.resolved_at is null
    ) then
        return 'not_reported';
    end if;
    insert into stream.moderation_log (session_id, action, actor, user_id, target_seq)
    values ($1, 'report_resolved', actor, message.user_id, message.seq);
    update stream.reported_messages as p set resolved_at = clock_timestamp(), resolved_by = actor
    where p.session_id = $1 and p.seq = message.seq;
    return 'resolved';
end
$$;
comment on function stream_private.resolve_report is $$
Takes a message off the list of reports and leaves it as it is: resolved, or not_reported. A later report puts it back. Deleting
the message resolves its reports too. Moderators only, and nobody about their own message.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, message_not_found
$$;
