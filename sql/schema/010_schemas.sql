-- The schemas.
--
-- stream          what callers see: SECURITY INVOKER wrappers, and the tables (no API role holds a table privilege)
-- stream_private  the one privilege boundary: SECURITY DEFINER, not exposed by PostgREST
-- stream_edge     the calls of edge_api: they take on a caller's role, so only who may do that anyway may execute them
-- stream_ext      native functions; they refuse unless the effective user owns the tables
create schema stream;
comment on schema stream is 'Live streams, viewers and chat. Exposed to PostgREST; call its functions by rpc.';

create schema stream_private;
comment on schema stream_private is
    'The privilege boundary of schema stream: SECURITY DEFINER functions. Never expose this schema.';

create schema stream_edge;
comment on schema stream_edge is
    'Calls of the operations in one statement each, for the login role of edge_api. Never expose this schema.';

-- Default privileges of a database may have granted them. sql/api/ opens them once every function has its rights.
revoke all on schema stream, stream_private, stream_edge from public, anon, authenticated, service_role;
