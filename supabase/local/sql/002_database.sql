-- Database-wide settings, schemas public and extensions, and the publication for table changes.

-- Partitions of realtime.messages are UTC days; a session in another zone would miss them.
do $$
begin
    execute format('alter database %I set timezone to %L', current_database(), 'UTC');
    -- CREATE EXTENSION of a trusted extension needs CREATE on the database, no more.
    execute format('grant create, connect, temporary on database %I to postgres', current_database());
end
$$;
set timezone to 'UTC';

create schema extensions;
grant usage on schema extensions
    to anon, authenticated, service_role, supabase_auth_admin, supabase_realtime_admin;
grant usage, create on schema extensions to postgres with grant option;
create extension pgcrypto with schema extensions;

-- The self-hosted image exposes everything that postgres creates in public to the API roles.
-- Kept here, so that a table which forgets row-level security is as open as it would be there.
grant usage on schema public to anon, authenticated, service_role;
grant usage, create on schema public to postgres with grant option;
alter default privileges for role postgres in schema public
    grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on sequences to anon, authenticated, service_role;

-- For postgres_changes on Supabase; stays empty, this stand-in does not serve those.
create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
