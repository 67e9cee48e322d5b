-- realtime.messages: the table whose inserts reach subscribers, its partitions and its rights.

create schema realtime;
grant usage on schema realtime to anon, authenticated, service_role, realtime_gateway;
grant usage on schema realtime to postgres with grant option;
grant usage, create on schema realtime to supabase_realtime_admin with grant option;

set role supabase_realtime_admin;

create table realtime.messages (
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    updated_at timestamp without time zone not null default now(),
    inserted_at timestamp without time zone not null default now(),
    id uuid not null default gen_random_uuid(),
    binary_payload bytea,
    constraint messages_pkey primary key (id, inserted_at),
    constraint messages_payload_exclusive check (payload is null or binary_payload is null) not valid
) partition by range (inserted_at);
comment on table realtime.messages is 'A row inserted here is sent to the subscribers of its topic once it is committed. Partitions are UTC days.';
create index messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic)
    where extension = 'broadcast' and private is true;

-- Without a policy nobody but the owner and bypassrls roles sees a row: private channels are
-- closed until a migration opens them.
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
grant all on realtime.messages to postgres;
-- Probes a policy with a row that it rolls back.
grant select, insert on realtime.messages to realtime_gateway;

create function realtime.maintain_partitions()
returns void
language plpgsql
volatile
security definer
-- Not empty: a type of the caller's session would come before Postgres's own.
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
-- A new partition locks the parent; rather try again later than hold up every insert.
set lock_timeout = '2s'
as $$
declare
    today constant date := current_date;
    day date;
    expired record;
begin
    for day in select generate_series(today - 1, today + 3, interval '1 day')::date loop
        -- Asked first: creating a partition locks the parent even when it is there already.
        if to_regclass(format('realtime.%I', to_char(day, '"messages_"YYYY_MM_DD'))) is null then
            execute format(
                'create table if not exists realtime.%I partition of realtime.messages for values from (%L) to (%L)',
                to_char(day, '"messages_"YYYY_MM_DD'), day, day + 1
            );
        end if;
    end loop;

    for expired in
        select c.relname
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'realtime.messages'::regclass
          and c.relname ~ '^messages_\d{4}_\d{2}_\d{2}$'
          and to_date(c.relname, '"messages_"YYYY_MM_DD') < today - 3
    loop
        execute format('drop table realtime.%I', expired.relname);
    end loop;
end
$$;
comment on function realtime.maintain_partitions() is
    'Creates the partitions of yesterday to three days ahead and drops those older than three days. Not on Supabase, where the Realtime server does this from outside.';
revoke all on function realtime.maintain_partitions() from public;
grant execute on function realtime.maintain_partitions() to realtime_gateway;

select realtime.maintain_partitions();

reset role;

-- Not through the partition root: rows arrive under the names of the partitions, as on Supabase.
create publication supabase_realtime_messages_publication for table realtime.messages;
