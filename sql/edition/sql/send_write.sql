-- Writing the accepted items of a batch of messages.

create function stream_ext.send_write(session_id uuid, rows_of jsonb, senders jsonb) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    written constant pg_catalog.int8 := jsonb_array_length($2);
    first_number pg_catalog.int8;
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
        cross join jsonb_to_recordset($2) as i (n bigint, id uuid, user_id uuid, username text, content text)
        returning seq
    )
    select min(m.seq) into first_number from m;
    for sender in
        select s.key::uuid as id, (s.value ->> 'is_seller')::boolean as is_seller,
            (s.value ->> 'counts_from')::timestamptz + (s.value ->> 'backlog_us')::bigint * interval '1 microsecond' as tat
        from jsonb_each($3) as s where (s.value ->> 'counts')::boolean
    loop
        if sender.is_seller then
            update stream.chat_heads as h set host_chat_tat = sender.tat where h.session_id = $1;
        else
            update stream.stream_viewers as v
            set chat_tat = sender.tat, last_chat_at = clock_timestamp(), last_seen_at = clock_timestamp()
            where v.session_id = $1 and v.user_id = sender.id;
        end if;
    end loop;
    return first_number;
end
$$;
comment on function stream_ext.send_write(uuid, jsonb, jsonb) is
    'Writes accepted items, whose rows are all locked, in one statement, so they are consecutive in the log; and the rate limiters of their senders. Returns the first number.';
