-- The check of doctor() about who could attach code of their own to the tables. A trigger after a change runs as whoever
-- changes the row, and a cascade of the regular work is a change by the owner of the tables.
create function stream_private.check_table_privileges() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    granted pg_catalog.text;
    attachable pg_catalog.text;
begin
    -- A column can be granted for REFERENCES by itself.
    select string_agg(distinct format('%s on %s to %s', a.privilege_type, a.of, a.grantee), ', ')
    into granted
    from (
        select e.privilege_type, c.oid::regclass::text as of,
            case when e.grantee = 0 then 'public' else e.grantee::regrole::text end as grantee
        from pg_catalog.pg_class as c
        cross join aclexplode(c.relacl) as e
        where c.relnamespace = 'stream'::regnamespace and e.grantee <> c.relowner
        union all
        select e.privilege_type, c.oid::regclass::text,
            case when e.grantee = 0 then 'public' else e.grantee::regrole::text end
        from pg_catalog.pg_class as c
        join pg_catalog.pg_attribute as t on t.attrelid = c.oid
        cross join aclexplode(t.attacl) as e
        where c.relnamespace = 'stream'::regnamespace and e.grantee <> c.relowner
        union all
        -- Frames are rows that the owner of the tables writes. Supabase's own roles hold everything there.
        select e.privilege_type, c.oid::regclass::text,
            case when e.grantee = 0 then 'public' else e.grantee::regrole::text end
        from pg_catalog.pg_class as c
        cross join aclexplode(c.relacl) as e
        where (c.oid = to_regclass('realtime.messages') or c.oid in (
                select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = to_regclass('realtime.messages')))
            and e.privilege_type = 'TRIGGER'
            and (e.grantee = 0 or e.grantee::regrole::text in ('anon', 'authenticated', 'service_role'))
    ) as a
    where a.privilege_type in ('REFERENCES', 'TRIGGER');
    if granted is not null then
        return row('table_privileges', 'failure', 'revoke ' || granted
            || ': whoever holds it can let code of their own run as the owner of the tables')::stream.check_result;
    end if;
    select string_agg(distinct format('%s (%s)', child.oid::regclass,
        case when child.relowner <> parent.relowner then 'owned by ' || child.relowner::regrole
            when e.grantee = 0 then 'TRIGGER of public' else 'TRIGGER of ' || e.grantee::regrole end), ', ')
    into attachable
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_class as parent on parent.oid = k.confrelid
    join pg_catalog.pg_class as child on child.oid = k.conrelid
    left join lateral (
        select a.grantee from aclexplode(child.relacl) as a
        where a.privilege_type = 'TRIGGER' and a.grantee <> child.relowner
    ) as e on true
    where k.contype = 'f' and parent.relnamespace = 'stream'::regnamespace
        and k.confdeltype in ('c', 'n', 'd')
        and (child.relowner <> parent.relowner or e.grantee is not null);
    if attachable is not null then
        return row('table_privileges', 'warning', 'tables that a deletion of a stream changes, and whose triggers are not the '
            || 'owner''s alone: ' || attachable || '; revoke TRIGGER on them, or let the owner own them')::stream.check_result;
    end if;
    return row('table_privileges', 'ok', 'nobody but the owner can attach a trigger')::stream.check_result;
end
$$;
comment on function stream_private.check_table_privileges() is 'The check table_privileges of doctor().';
