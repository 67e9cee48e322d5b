-- Reading the log: pages of its history, missed messages, and the state from one snapshot.
create function stream_private.get_message_history(
    session_id uuid,
    page_size integer default 50,
    skip integer default 0,
    before_seq bigint default null,
    after_seq bigint default null
)
returns setof stream.chat_message
language plpgsql stable
as 'begin end';
comment on function stream_private.get_message_history is $$
A page of the log in ascending seq: the newest messages, skip of them left out, or those before or after a seq.
page_size 1 to 200. A deleted message is there with deleted_at and without its text.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;

create function stream_private.sync_messages(session_id uuid, last_message_id uuid default null)
returns setof stream.chat_message
language plpgsql stable
as 'begin end';
comment on function stream_private.sync_messages is $$
The messages after one that the caller holds, in ascending seq, at most 1,000: call again with the last of them until
nothing comes. Null: the newest 50. Refuses an id that the log does not hold; call sync then.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view, message_not_found
$$;

create function stream_private.sync(session_id uuid, after_seq bigint default null, epoch text default null)
returns stream.sync_result
language plpgsql stable
as 'begin end';
comment on function stream_private.sync is $$
State, counts, what the caller has read and may write, and the messages after after_seq (at most 1,000; has_more says
there are others), from one snapshot. Without after_seq: the newest page. recovered is false when the epoch is another
or the log has not reached after_seq: the newest page too.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;
