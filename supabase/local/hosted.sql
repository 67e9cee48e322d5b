-- Roles and rights as on hosted Supabase, for tests: run over the files of sql/ by the superuser. Source: supabase/postgres, its migrations
-- and the lists of roles and rights that its own tests expect (nix/tests/expected).
--
-- One thing no SQL can give: there role postgres makes policies on realtime.messages by the library supautils, which is not here.
-- 001_roles.sql makes it a member of the table's owner instead, 006_realtime_lock.sql refuses everything else that this allows, and
-- hosted_done() takes the membership away once the migrations have run.
create role dashboard_user nologin createdb createrole replication;
create role pgbouncer login;
create role pgtle_admin nologin;
create role supabase_etl_admin login replication;
create role supabase_privileged_role nologin;
create role supabase_read_only_user login bypassrls;
create role supabase_replication_admin login replication;
create role supabase_storage_admin login noinherit;

alter role anon inherit;
alter role authenticated inherit;
alter role service_role inherit;

grant pg_read_all_data to supabase_read_only_user, supabase_etl_admin;
grant pgtle_admin, supabase_privileged_role to postgres;
-- From Postgres 16 on it may hand on what it is a member of; the right to create roles needs that there.
do $$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        grant pg_create_subscription to postgres;
        grant anon, authenticated, service_role, authenticator, pg_monitor, pg_read_all_data, pg_signal_backend
            to postgres with admin option;
    else
        grant anon, authenticated, service_role, authenticator, pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
    end if;
end
$$;

-- postgres may use these schemas and create nothing in them; its rights on the tables of auth are all but ownership.
alter schema auth owner to supabase_admin;
grant all on schema auth to supabase_auth_admin, dashboard_user;
revoke create on schema auth from postgres;
revoke create on schema realtime from postgres;
grant all on all tables in schema auth to dashboard_user;
grant all on all routines in schema auth to postgres, dashboard_user;

grant all on schema extensions to postgres, dashboard_user;
grant all on all routines in schema extensions to postgres, dashboard_user;

-- Reads and deletes, and writes through the functions.
revoke all on vault.secrets, vault.decrypted_secrets from postgres, service_role;
grant select, delete, references, truncate on vault.secrets, vault.decrypted_secrets to postgres with grant option;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;

-- There the library makes extensions for role postgres that need a superuser, and a trigger opens this one.
create procedure extensions.hosted_cron()
language plpgsql
set search_path = ''
as $$
begin
    create extension pg_cron schema pg_catalog;
    grant usage on schema cron to postgres with grant option;
    grant all on all functions in schema cron to postgres with grant option;
    grant all on all tables in schema cron to postgres with grant option;
    revoke all on cron.job from postgres;
    grant select on cron.job to postgres with grant option;
    revoke trigger on cron.job_run_details from postgres;
end
$$;
comment on procedure extensions.hosted_cron() is 'Installs pg_cron with the rights that role postgres has over it.';
revoke all on procedure extensions.hosted_cron() from public;

create procedure extensions.hosted_done()
language plpgsql
set search_path = ''
as $$
begin
    revoke supabase_realtime_admin from postgres;
end
$$;
comment on procedure extensions.hosted_done() is 'Takes from role postgres what it has on no hosted project: membership in the owner of schema realtime.';
revoke all on procedure extensions.hosted_done() from public;
