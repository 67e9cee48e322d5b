//! Statements of the owner: time passes, the regular work follows from it, and the application fails for a user.

/// Run as they are, on the newest stream.
pub const LATER: &[&str] = &[
    "update stream.stream_viewers set token_issued_at = now() - interval '50 min', token_expires_at = now() + interval '10 min',
         token_held_until = now() + interval '10 min' where session_id = '$session' and token_issued_at is not null",
    "update stream.stream_sessions set host_token_issued_at = now() - interval '50 min',
         host_token_expires_at = now() + interval '10 min', host_token_held_until = now() + interval '10 min'
     where id = '$session' and host_token_issued_at is not null",
    "update stream.stream_sessions set host_heartbeat_at = now() - interval '50 min'
     where id = '$session' and host_heartbeat_at is not null",
    "update stream.stream_sessions set reconnect_deadline = now() - interval '50 min' where id = '$session' and state = 'error'",
    "update stream.stream_sessions set check_at = now() - interval '1 s', host_seen_at = now() - interval '10 min'
     where id = '$session' and state = 'active' and host_seen_at is not null",
    "update stream.stream_viewers set lease_check_at = now() - interval '1 s', last_seen_at = now() - interval '10 min'
     where session_id = '$session' and is_active and user_id = '00000000-0000-4000-8000-000000000002'",
    "select from stream.sweep()",
    "select from stream.sweep()",
    // Far longer than a case takes: messages are queued until something urgent sends them.
    "update stream.chat_relay set window_ms = 600000, next_window_ms = 600000, flushed_at = clock_timestamp()
     where session_id = '$session'",
    // A trigger or a hook of the application that fails for one user, with a state that PL/pgSQL catches only by its name. Not
    // both, nor the trigger at a message: which fault or refusal a call meets first is not said.
    "create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean language plpgsql stable
     set search_path = pg_catalog, pg_temp as 'begin return true; end';
     create or replace function public.fail() returns trigger language plpgsql
     as $$ begin raise sqlstate 'P0004' using message = 'no'; end $$;
     create or replace trigger fail before update on stream.stream_viewers for each row
     when (new.user_id = '00000000-0000-4000-8000-000000000004' and new.last_seen_at > old.last_seen_at
         and (new.background_since is null) <> (old.background_since is null))
     execute function public.fail()",
    "drop trigger if exists fail on stream.stream_viewers;
     create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean language plpgsql stable
     set search_path = pg_catalog, pg_temp as $$
     begin
         if $1 = '00000000-0000-4000-8000-000000000004' then raise sqlstate 'P0004' using message = 'no'; end if;
         return true;
     end $$",
    "drop trigger if exists fail on stream.stream_viewers;
     create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean language plpgsql stable
     set search_path = pg_catalog, pg_temp as 'begin return true; end'",
];
