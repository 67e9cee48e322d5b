-- Writing the accepted items of a batch of messages.

create function stream_ext.send_write(
    session_id uuid, ids uuid[], user_ids uuid[], usernames text[], contents text[], users uuid[], senders jsonb[]
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    written constant pg_catalog.int8 := cardinality($2);
    first_number pg_catalog.int8;
    place pg_catalog.int4 := 0;
    sender pg_catalog.record;
begin
    -- Entries that are sent later are acknowledged with this commit, too.
    perform stream_ext.realtime_wait_for_disk();
    -- The times continue the log's, one microsecond after the other.
    with head as (
        update stream.chat_heads as h
        set last_seq = h.last_seq + written,
            last_at = greatest(clock_timestamp(), h.last_at + interval '1 microsecond')
                + (written - 1) * interval '1 microsecond'
        where h.session_id = $1
        returning h.last_seq - written as above, h.last_at - written * interval '1 microsecond' as before
    ), m as (
        insert into stream.chat_messages (id, session_id, seq, user_id, username, content, created_at, updated_at)
        select coalesce(i.id, gen_random_uuid()), $1, h.above + i.n, i.user_id, i.username, i.content,
            h.before + i.n * interval '1 microsecond', h.before + i.n * interval '1 microsecond'
        from head as h
        cross join unnest($2, $3, $4, $5) with ordinality as i (id, user_id, username, content, n)
        returning seq
    )
    select min(m.seq) into first_number from m;
    while place < cardinality($7) loop
        place := place + 1;
        continue when ($7[place] ->> 'counts')::boolean is not true;
        select s.is_seller, s.counts_from + s.backlog_us * interval '1 microsecond' as tat into sender
        from jsonb_to_record($7[place]) as s (is_seller boolean, counts_from timestamptz, backlog_us bigint);
        if sender.is_seller then
            update stream.chat_heads as h set host_chat_tat = sender.tat where h.session_id = $1;
        else
            update stream.stream_viewers as v
            set chat_tat = sender.tat, last_chat_at = clock_timestamp(), last_seen_at = clock_timestamp()
            where v.session_id = $1 and v.user_id = $6[place];
        end if;
    end loop;
    return first_number;
end
$$;
comment on function stream_ext.send_write(uuid, uuid[], uuid[], text[], text[], uuid[], jsonb[]) is
    'Writes accepted items, whose rows are all locked, in one statement, so they are consecutive in the log; and the rate limiters of their senders, which stand in the order of users. Returns the first number.';
