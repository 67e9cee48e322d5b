-- A fault that tests ask the gateway for: a day without its partition. Not on Supabase.

set role supabase_realtime_admin;

create function realtime.set_partition_of_today(is_there boolean)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '10s'
as $$
declare
    today constant date := current_date;
    partition_name constant text := to_char(today, '"messages_"YYYY_MM_DD');
    is_attached constant boolean := exists (
        select from pg_catalog.pg_inherits as i
        where i.inhparent = 'realtime.messages'::regclass
          and i.inhrelid = to_regclass(format('realtime.%I', partition_name))
    );
begin
    if is_attached = is_there then
        return;
    end if;
    if is_there then
        execute format(
            'alter table realtime.messages attach partition realtime.%I for values from (%L) to (%L)',
            partition_name, today, today + 1
        );
    else
        execute format('alter table realtime.messages detach partition realtime.%I', partition_name);
    end if;
end
$$;
comment on function realtime.set_partition_of_today(boolean) is
    'Attaches the partition of today, or detaches it with its rows. Not on Supabase: for tests of a day without a partition.';
revoke all on function realtime.set_partition_of_today(boolean) from public;
grant execute on function realtime.set_partition_of_today(boolean) to realtime_gateway;

reset role;
