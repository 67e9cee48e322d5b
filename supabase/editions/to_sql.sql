-- Generated from sql/ by `cargo x sql bundle`; change those files, not this one.
-- Moves a database from the native edition to the SQL edition, while its streams are live.
--
-- Run it with psql, from the files of one release, as a superuser: the functions of the extension belong to one.
--   psql --no-psqlrc --file supabase/editions/to_sql.sql <database>
-- It is one transaction. Functions keep their OIDs, so calls and plans of open connections find them before and behind it, and what
-- runs meanwhile ends in the library. Again: it changes nothing.
\set ON_ERROR_STOP on
select exists (select from pg_catalog.pg_extension as e where e.extname operator(pg_catalog.=) 'pg_stream_ext')
    or pg_catalog.to_regclass('stream.stream_sessions') is null as moves \gset
\if :moves
begin;
set local search_path = pg_catalog, pg_temp;
set local lock_timeout = '5s';
do $$
declare
    owner_name name;
    member record;
begin
    select pg_get_userbyid(c.relowner) into owner_name
    from pg_class as c where c.oid = to_regclass('stream.stream_sessions');
    if owner_name is null then
        raise exception 'this database has no pg_stream';
    end if;
    if not (select r.rolsuper from pg_roles as r where r.rolname = current_user) then
        raise exception 'run this as a superuser: the functions of the extension belong to one';
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('pg_stream: move between editions', 0)) then
        raise exception 'another session moves this database to another edition';
    end if;
    if coalesce(current_setting('pg_stream_ext.agora_certificate_file', true), '') <> ''
        or coalesce(current_setting('pg_stream_ext.agora_secondary_certificate_file', true), '') <> ''
    then
        raise exception 'a setting of pg_stream_ext names the file of a certificate, which the SQL edition cannot read: store the certificate in Vault and reset the setting first';
    end if;
    -- What is no member is not dropped with the extension.
    for member in
        select d.classid, pg_describe_object(d.classid, d.objid, d.objsubid) as name, d.objid::regprocedure as signature
        from pg_depend as d
        join pg_extension as e on e.oid = d.refobjid
        where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' and e.extname = 'pg_stream_ext'
    loop
        if member.classid <> 'pg_proc'::regclass then
            raise exception 'the extension has % as a member, which this file does not know', member.name;
        end if;
        execute format('alter extension pg_stream_ext drop function %s', member.signature);
        execute format('alter function %s owner to %I', member.signature, owner_name);
    end loop;
    drop extension pg_stream_ext;
    execute format('alter schema stream_ext owner to %I', owner_name);
    perform set_config('role', owner_name, true);
end
$$;
-- The schema of the edition.
-- Schema stream_ext of the edition without native code. Its functions stand in the repeatable migration, belong to the owner of
-- the tables and may be executed by nobody else.
create schema if not exists stream_ext;
comment on schema stream_ext is
    'The functions that the bodies of stream_private call, in SQL: the edition for servers that load no native extension. Never expose this schema.';
revoke all on schema stream_ext from public, anon, authenticated, service_role;
-- HMAC, for Agora tokens. Supabase has it in every project.
create extension if not exists pgcrypto with schema extensions;

-- Its functions, and again all that the editions share.
\ir ../migrations_sql/20260102000001_stream_code.sql
commit;
\else
\echo 'this database has the SQL edition already: nothing was changed'
\endif
