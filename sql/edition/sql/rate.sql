-- Rate limits, each stored as one time in a row: the theoretical arrival time of GCRA, compared with the present moment and not
-- with the transaction's begin, so that a call that waited for the row counts the calls that it waited for.
create function stream_ext.rate_backlog_us(noted timestamptz, at timestamptz, longest_us bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    backlog_us pg_catalog.int8;
begin
    -- An infinite time is compared and never subtracted.
    if $1 is null or $1 <= $2 or $1 > $2 + $3 * interval '1 microsecond' then
        -- A backlog that no burst could have left is of a clock that was set back since, and counts as none.
        return 0;
    end if;
    backlog_us := extract(epoch from $1 - $2) * 1000000;
    return backlog_us;
end
$$;
comment on function stream_ext.rate_backlog_us(timestamptz, timestamptz, bigint) is
    'How far a rate limiter is ahead of the clock, in microseconds; longest_us is the most that a burst leaves.';

create function stream_ext.rate_wait_ms(interval_us bigint, tolerance_us bigint, noted timestamptz) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    backlog_us constant pg_catalog.int8 := stream_ext.rate_backlog_us($3, clock_timestamp(), $1 + $2);
begin
    if backlog_us <= $2 then
        return 0;
    end if;
    return (backlog_us - $2 + 999) / 1000;
end
$$;
comment on function stream_ext.rate_wait_ms(bigint, bigint, timestamptz) is 'Milliseconds until one more call is within a limit; 0: it is.';

create function stream_ext.rate_judge(interval_us bigint, tolerance_us bigint, noted timestamptz) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    at constant pg_catalog.timestamptz := clock_timestamp();
    backlog_us constant pg_catalog.int8 := stream_ext.rate_backlog_us($3, at, $1 + $2);
begin
    if backlog_us > $2 then
        return null;
    end if;
    return at + (backlog_us + $1) * interval '1 microsecond';
end
$$;
comment on function stream_ext.rate_judge(bigint, bigint, timestamptz) is
    'The time to store for one more call, or null beyond the limit. noted is the stored time, null before the first call.';

create function stream_ext.rate_take(interval_us bigint, tolerance_us bigint, noted timestamptz) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    taken constant pg_catalog.timestamptz := stream_ext.rate_judge($1, $2, $3);
begin
    if taken is null then
        perform stream_ext.error_retry_after('rate_limited', greatest(stream_ext.rate_wait_ms($1, $2, $3), 1));
    end if;
    return taken;
end
$$;
comment on function stream_ext.rate_take(bigint, bigint, timestamptz) is 'The time to store for one more call, or a refusal with the wait.';

create function stream_ext.rate_minute_us(per_minute integer) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return greatest(60000000 / greatest(abs($1::bigint), 1), 1);
end
$$;
comment on function stream_ext.rate_minute_us(integer) is
    'The interval of a limit of so many a minute, all of which may come at once: its tolerance is what is left of the minute.';

create function stream_ext.take_rate(per_minute integer, noted timestamptz) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    interval_us pg_catalog.int8;
begin
    if $1 is null then
        perform stream_ext.error_null('per_minute');
    end if;
    interval_us := stream_ext.rate_minute_us($1);
    return stream_ext.rate_take(interval_us, 60000000 - interval_us, $2);
end
$$;
comment on function stream_ext.take_rate(integer, timestamptz) is
    'Counts one call against a limit a minute; returns the time to store, or refuses with the wait.';

create function stream_ext.rate_spend(
    interval_us bigint, tolerance_us bigint, backlog_us bigint, out spent_us bigint, out wait_ms bigint
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- A backlog that no burst could have left is of a clock that was set back since, and counts as none.
    backlog constant pg_catalog.int8 := case when $3 between 0 and $1 + $2 then $3 else 0 end;
begin
    if backlog > $2 then
        $5 := (backlog - $2 + 999) / 1000;
    else
        $4 := backlog + $1;
    end if;
end
$$;
comment on function stream_ext.rate_spend(bigint, bigint, bigint) is
    'The backlog of a rate limiter after one more call (GCRA, ITU-T I.371), or how many milliseconds to wait for it.';

create function stream_ext.rate_ahead_us(tat timestamptz, at timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null or $1 <= $2 then
        return 0;
    end if;
    return case when isfinite($1) then (extract(epoch from $1 - $2) * 1000000)::bigint else 9223372036854775807 end;
end
$$;
comment on function stream_ext.rate_ahead_us(timestamptz, timestamptz) is 'By how many microseconds a rate limiter is ahead of the clock.';
