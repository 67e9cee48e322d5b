-- Moves a database from the SQL edition to the native edition, while its streams are live.
--
-- Install the library and the extension's files first. Run it with psql, from the files of one release, as a superuser: the functions
-- of the extension belong to one.
--   psql --no-psqlrc --file supabase/editions/to_native.sql <database>
-- The first transaction moves. Functions keep their OIDs, so calls and plans of open connections find them before and behind it. What
-- runs meanwhile ends in SQL: so the second transaction, which drops the SQL edition's own functions, waits for transactions that began
-- before. If it cannot wait any longer, or is ended, run the file again; the database is whole until then. Again: it changes nothing.
\set ON_ERROR_STOP on
select not exists (select from pg_catalog.pg_extension as e where e.extname operator(pg_catalog.=) 'pg_stream_ext') as moves \gset
\if :moves
begin;
set local search_path = pg_catalog, pg_temp;
set local lock_timeout = '5s';
do $$
declare
    owner_name name;
    me constant name := current_user;
    function record;
    made record;
    kept oid;
    definition text;
    object text;
    objects text;
begin
    select pg_get_userbyid(c.relowner) into owner_name
    from pg_class as c where c.oid = to_regclass('stream.stream_sessions');
    if owner_name is null then
        raise exception 'this database has no pg_stream';
    end if;
    if not (select r.rolsuper from pg_roles as r where r.rolname = me) then
        raise exception 'run this as a superuser: the functions of the extension belong to one';
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('pg_stream: move between editions', 0)) then
        raise exception 'another session moves this database to another edition';
    end if;
    -- The functions of the SQL edition make room for the extension, and get their places back before anybody can see it.
    create schema stream_ext_before;
    for function in
        select p.oid::regprocedure as signature from pg_proc as p where p.pronamespace = 'stream_ext'::regnamespace
    loop
        execute format('alter function %s set schema stream_ext_before', function.signature);
    end loop;
    -- As a new installation makes it: trusted, by the role that owns the tables.
    perform set_config('role', owner_name, true);
    create extension pg_stream_ext;
    perform set_config('role', me, true);
    for made in
        select p.oid, p.oid::regprocedure as signature, p.proname, p.proargtypes, p.proowner,
            coalesce(p.proacl, acldefault('f', p.proowner)) as acl, obj_description(p.oid, 'pg_proc') as comment
        from pg_depend as d
        join pg_extension as e on e.oid = d.refobjid
        join pg_proc as p on p.oid = d.objid
        where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' and d.classid = 'pg_proc'::regclass
            and e.extname = 'pg_stream_ext'
    loop
        kept := (
            select p.oid from pg_proc as p
            where p.pronamespace = 'stream_ext_before'::regnamespace and (p.proname, p.proargtypes) = (made.proname, made.proargtypes)
        );
        continue when kept is null;
        definition := pg_get_functiondef(made.oid);
        object := made.signature::text;
        execute format('alter extension pg_stream_ext drop function %s', object);
        execute format('drop function %s', object);
        execute format('alter function %s set schema stream_ext', kept::regprocedure);
        execute format('alter function %s owner to %I', object, pg_get_userbyid(made.proowner));
        execute definition;
        for function in
            select 'revoke all on function %s from ' || case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as statement
            from pg_proc as p cross join lateral aclexplode(p.proacl) as a
            where p.oid = kept and a.grantee <> p.proowner
            union
            select format('grant %s on function %%s to ', a.privilege_type)
                || case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
            from aclexplode(made.acl) as a
            where a.grantee <> made.proowner
            order by 1 desc
        loop
            execute format(function.statement, object);
        end loop;
        execute format('comment on function %s is %L', object, made.comment);
        execute format('alter extension pg_stream_ext add function %s', object);
    end loop;
    for function in
        select p.oid::regprocedure as signature from pg_proc as p where p.pronamespace = 'stream_ext_before'::regnamespace
    loop
        execute format('alter function %s set schema stream_ext', function.signature);
    end loop;
    drop schema stream_ext_before;
    comment on schema stream_ext is null;
    -- The code of the native edition drops what the code before it has made: not these, in which calls may run.
    select string_agg(format('(%s, %L, %L, %L)', o.place, o.kind, o.name, o.form), ', ') into objects
    from stream_private.code_objects as o where o.name not like 'stream\_ext.%';
    execute 'create or replace view stream_private.code_objects as
        select o.place::integer, o.kind::text, o.name::text, o.form::text from (values ' || objects || ') as o (place, kind, name, form)';
    perform set_config('role', owner_name, true);
end
$$;
-- All that the editions share.
commit;
\else
\echo 'this database has the native edition already'
\endif
do $$
declare
    begun_at constant pg_catalog.timestamptz := pg_catalog.clock_timestamp();
    -- Those that may still see the functions as they were.
    before constant pg_catalog.text[] := array(
        select l.virtualtransaction
        from pg_catalog.pg_locks as l join pg_catalog.pg_stat_activity as a on a.pid operator(pg_catalog.=) l.pid
        where l.locktype operator(pg_catalog.=) 'virtualxid' and a.datname operator(pg_catalog.=) pg_catalog.current_database()
            and l.pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid());
    pids pg_catalog.text;
begin
    loop
        commit;
        pids := (
            select pg_catalog.string_agg(distinct l.pid::pg_catalog.text, ', ') from pg_catalog.pg_locks as l
            where l.locktype operator(pg_catalog.=) 'virtualxid' and l.virtualtransaction operator(pg_catalog.=) any (before));
        exit when pids is null;
        if pg_catalog.clock_timestamp() operator(pg_catalog.>) (begun_at operator(pg_catalog.+) interval '60 seconds') then
            raise exception 'the database is native now, but transactions from before are still open, in processes %: end them and run this file again, which drops what is left of the SQL edition', pids;
        end if;
        perform pg_catalog.pg_sleep(0.02);
    end loop;
end
$$;
begin;
set local search_path = pg_catalog, pg_temp;
set local lock_timeout = '5s';
do $$
declare
    function record;
begin
    if not (select r.rolsuper from pg_roles as r where r.rolname = current_user) then
        raise exception 'run this as a superuser: the functions of the extension belong to one';
    end if;
    for function in
        select p.oid::regprocedure as signature from pg_proc as p
        where p.pronamespace = 'stream_ext'::regnamespace and not exists (
            select from pg_depend as d
            where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_extension'::regclass)
    loop
        execute format('drop function %s', function.signature);
    end loop;
end
$$;
commit;
