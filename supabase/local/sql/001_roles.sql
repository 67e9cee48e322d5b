-- Roles: those that log in, and the API roles.
-- The bootstrap superuser of the cluster is supabase_admin. Passwords of the LOGIN roles are
-- set by whoever makes the cluster; without one they cannot log in over TCP.

-- What applications and migrations use. Not a superuser, as on Supabase.
create role postgres login nosuperuser createdb createrole replication bypassrls;

-- The roles that a JWT may name.
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;

-- The RPC gateway logs in as this one; it can do nothing before it switches role.
create role authenticator login noinherit;

-- Owner of schema auth; the sign-in routes log in as it.
create role supabase_auth_admin login noinherit;

-- Owner of the objects in schema realtime.
create role supabase_realtime_admin nologin noinherit;

-- The Realtime gateway logs in as this one: replication for the message stream, bypassrls for
-- the rows that probe a policy before the role is switched.
create role realtime_gateway login noinherit replication bypassrls;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to realtime_gateway;
grant anon, authenticated, service_role to supabase_realtime_admin;
grant anon, authenticated, service_role to postgres;

-- Creating a policy needs ownership of the table. Supabase grants `postgres` just that for
-- realtime.messages through the supautils library; stock Postgres has no smaller privilege than
-- membership in the owner. 006_realtime_lock.sql takes back what membership gives beyond policies.
grant supabase_realtime_admin to postgres;

-- Supabase's limits. The RPC gateway applies those of the role that it switches to.
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

alter role postgres set search_path = "$user", public, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_realtime_admin set search_path = public, extensions, realtime;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
alter role supabase_auth_admin set statement_timeout = '10s';
