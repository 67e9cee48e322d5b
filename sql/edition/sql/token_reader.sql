-- Reading the fields of a token. No refusal quotes anything of it.
create function stream_ext.token_read(content bytea, at integer, bytes integer) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    value pg_catalog.int8 := 0;
begin
    if $2 + $3 > length($1) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token ends in the middle of a field');
    end if;
    for place in reverse $3 - 1..0 loop
        value := value << 8 | get_byte($1, $2 + place);
    end loop;
    return value;
end
$$;
comment on function stream_ext.token_read(bytea, integer, integer) is 'A number of a token, the lowest byte first; refuses beyond the end.';

create function stream_ext.token_read_bytes(content bytea, at integer) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    bytes constant pg_catalog.int4 := stream_ext.token_read($1, $2, 2);
begin
    if $2 + 2 + bytes > length($1) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token ends in the middle of a field');
    end if;
    return substr($1, $2 + 3, bytes);
end
$$;
comment on function stream_ext.token_read_bytes(bytea, integer) is 'Bytes behind their length; refuses beyond the end.';

create function stream_ext.token_read_text(bytes bytea) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return convert_from($1, 'UTF8');
exception
    when others then
        perform stream_ext.refuse_with_hint('invalid_argument', 'a text in the token is not valid UTF-8');
        return null;
end
$$;
comment on function stream_ext.token_read_text(bytea) is 'A text of a token; the refusal quotes nothing of it.';

create function stream_ext.token_base64(encoded text) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 !~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' collate "C"
        or replace(encode(decode($1, 'base64'), 'base64'), e'\n', '') <> $1
    then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token is not standard base64');
    end if;
    return decode($1, 'base64');
end
$$;
comment on function stream_ext.token_base64(text) is 'The bytes of standard Base64, in its one form.';

create function stream_ext.token_app_id(bytes bytea) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    app_id constant pg_catalog.text := stream_ext.token_read_text($1);
begin
    if app_id !~ '^[0-9a-fA-F]{32}$' collate "C" then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the app id of the token is malformed');
    end if;
    return app_id;
end
$$;
comment on function stream_ext.token_app_id(bytea) is 'The App ID in a token.';
