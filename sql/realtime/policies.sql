-- The policy of private Realtime channels. The database is the only sender: there is no insert policy.
create function stream_private.can_read_topic(topic text) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid := stream_ext.user_id();
    kind pg_catalog.text := split_part(topic, ':', 1);
    subject pg_catalog.uuid;
begin
    if topic = 'live' then
        return caller is not null;
    end if;
    -- Only the canonical form of a uuid: one topic, one spelling.
    if caller is null or topic !~ '^(stream|chat|viewers|user|canary):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        return false;
    end if;
    subject := split_part(topic, ':', 2)::uuid;
    if kind in ('user', 'canary') then
        return subject = caller;
    end if;
    return exists (
        select from stream.stream_sessions as s
        where s.id = subject and stream_private.may_watch(caller, s.id, s.seller_id)
            and (kind <> 'chat' or s.seller_id = caller or stream_private.has_joined(caller, s.id))
    );
end
$$;
comment on function stream_private.can_read_topic is $$
Whether the caller may read a topic: stream and viewers need the right to view and no ban, chat needs to have joined too, user and canary
are one's own, live is every signed-in user's.
@policy
@callers authenticated
$$;

-- realtime.topic() is null outside Realtime's own check, so the stored rows cannot be read through this policy.
create policy stream_topics_read on realtime.messages
for select to authenticated
using (extension = 'broadcast' and (select stream_private.can_read_topic((select realtime.topic()))));
