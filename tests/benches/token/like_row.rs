//! One insert of a row like a token's, with which a token is compared.

/// The insert that the token is measured against: the same columns, checks, keys and foreign keys.
pub const BASELINE: &str = "create schema bench;
    create table bench.token_rows (
        like stream.agora_tokens including all,
        foreign key (session_id) references stream.stream_sessions (id) on delete cascade,
        foreign key (user_id) references auth.users (id) on delete cascade
    );
    create function bench.insert_row(user_id uuid, channel_id text) returns text
    language plpgsql as $$
    declare
        hash text := repeat('0123456789abcdef', 4);
    begin
        insert into bench.token_rows
            (user_id, session_id, token_hash, channel_id, uid, salt, privileges, created_at, expires_at, check_at)
        values ($1, $2::uuid, hash, $2, 1420748681, 12345678,
            '{\"can_publish\": false, \"can_subscribe\": true, \"can_admin\": false}', now(),
            now() + interval '1 hour', now() + interval '51 minutes');
        return hash;
    end
    $$;
    grant usage on schema bench to authenticated;
    grant insert on bench.token_rows to authenticated";

/// Of a user ($1) and a channel ($2).
pub const INSERT: &str = "select bench.insert_row($1, $2)";
