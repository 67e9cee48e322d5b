-- The server's time, checked for being plausible: Agora refuses tokens of a server whose clock is wrong, without a visible reason.
create function stream_ext.clock_s() returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return floor(extract(epoch from clock_timestamp()))::bigint;
end
$$;
comment on function stream_ext.clock_s() is 'The present moment in whole Unix seconds.';

create function stream_ext.clock_refusal() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    seconds constant pg_catalog.int8 := stream_ext.clock_s();
begin
    -- The years 2024 to 2099.
    if seconds >= 1704067200 and seconds < 4102444800 then
        return null;
    end if;
    return format('the server''s clock says %s s since 1970: correct it', seconds);
end
$$;
comment on function stream_ext.clock_refusal() is 'The hint with which clock_wrong is refused; null while the clock can be right.';

create function stream_ext.check_clock() returns boolean
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
declare
    refusal constant pg_catalog.text := stream_ext.clock_refusal();
begin
    if refusal is not null then
        perform stream_ext.refuse_with_hint('clock_wrong', refusal);
    end if;
    return true;
end
$$;
comment on function stream_ext.check_clock() is 'Raises clock_wrong when no token can be minted for that reason; otherwise returns true.';

create function stream_ext.is_preloaded() returns boolean
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream_ext.is_preloaded() is 'False: this edition has no library.';
