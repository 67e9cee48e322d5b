-- The extension, the three schemas and the helper that policies use.
--
-- stream          what callers see: SECURITY INVOKER wrappers, and the tables (no API role holds a table privilege)
-- stream_private  the one privilege boundary: SECURITY DEFINER, not exposed by PostgREST
-- stream_ext      native functions; they refuse unless the effective user owns the tables
create extension if not exists pg_stream_ext;

create schema stream;
comment on schema stream is 'Live streams, viewers and chat. Exposed to PostgREST; call its functions by rpc.';

create schema stream_private;
comment on schema stream_private is
    'The privilege boundary of schema stream: SECURITY DEFINER functions. Never expose this schema.';

-- Default privileges of a database may have granted them. sql/api/ opens both once every function has its rights.
revoke all on schema stream, stream_private from public, anon, authenticated, service_role;

-- Read by the extension: a cast would quote claims that it cannot read into the error and the log.
create function stream_private.user_id()
returns uuid
language plpgsql stable parallel safe
as 'begin end';
comment on function stream_private.user_id is $$
The signed-in user: claim sub of request.jwt.claims, null when there is none. Claims that are no JSON object or a sub
that is no uuid are refused with token_invalid.
@native
@callers authenticated, service_role
@null
$$;
