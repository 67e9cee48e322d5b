-- Reactions of viewers and of the seller.
create function stream_private.send_reaction(session_id uuid, kind text)
returns stream.reaction_result
language plpgsql
as 'begin end';
comment on function stream_private.send_reaction is $$
Reacts to a live stream with one of config.reaction_kinds, for whoever holds a lease, and the seller. Reactions are counted and
broadcast as totals (event reactions); they are no entries of the log and not kept. Mutes hold as for messages; chat mode and slow
mode do not. One beyond config.reaction_burst is not accepted, which is no error.
@native
@callers authenticated
@repeat unsafe
@errors isolation_level, invalid_argument, session_not_found, stream_ended, anonymous_user, banned, not_viewer, muted
$$;
