-- Schema realtime is closed to role postgres, except for policies, as on Supabase.
-- Membership in the owner (001_roles.sql) would let a migration alter realtime.messages here and
-- fail on Supabase; these triggers make it fail here too.

create function realtime.refuse_changes_by_postgres()
returns event_trigger
language plpgsql
set search_path = ''
as $$
declare
    command record;
begin
    if current_user <> 'postgres' then
        return;
    end if;
    for command in
        select c.object_identity
        from pg_catalog.pg_event_trigger_ddl_commands() as c
        where (c.schema_name = 'realtime' or c.object_identity ~ '\mrealtime\.')
          and c.object_type in (
              'table', 'table column', 'index', 'sequence', 'view', 'materialized view',
              'function', 'procedure', 'type', 'trigger', 'rule', 'domain', 'statistics object'
          )
          and c.command_tag not in ('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'GRANT', 'REVOKE')
    loop
        raise insufficient_privilege using
            message = format('must be owner of %s', command.object_identity),
            hint = 'Schema realtime belongs to Realtime; only policies on realtime.messages are yours.';
    end loop;
end
$$;
comment on function realtime.refuse_changes_by_postgres() is 'Refuses what role postgres may not do in schema realtime on Supabase.';

create function realtime.refuse_drops_by_postgres()
returns event_trigger
language plpgsql
set search_path = ''
as $$
declare
    dropped record;
begin
    if current_user <> 'postgres' then
        return;
    end if;
    for dropped in
        select d.object_identity
        from pg_catalog.pg_event_trigger_dropped_objects() as d
        where d.original
          and d.schema_name = 'realtime'
          and d.object_type <> 'policy'
    loop
        raise insufficient_privilege using
            message = format('must be owner of %s', dropped.object_identity),
            hint = 'Schema realtime belongs to Realtime; only policies on realtime.messages are yours.';
    end loop;
end
$$;
comment on function realtime.refuse_drops_by_postgres() is 'Refuses drops by role postgres in schema realtime, except of policies.';

create event trigger realtime_refuse_changes on ddl_command_end
    execute function realtime.refuse_changes_by_postgres();
create event trigger realtime_refuse_drops on sql_drop
    execute function realtime.refuse_drops_by_postgres();
