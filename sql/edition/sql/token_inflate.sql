-- Inflating the zlib stream of a token (RFC 1950 and 1951), for inspect_token alone: slow, and bounded to what a token can hold.
create function stream_ext.inflate_table(lengths integer[], out counts integer[], out symbols integer[])
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- How many codes have each length from 1 to 15, and the symbols by length and then by number: a canonical Huffman code.
    counts := array(
        select (select count(*)::integer from unnest($1) as s (bits) where s.bits = l.bits)
        from generate_series(1, 15) as l (bits) order by l.bits);
    symbols := array(
        select (s.place - 1)::integer from unnest($1) with ordinality as s (bits, place)
        where s.bits > 0 order by s.bits, s.place);
end
$$;
comment on function stream_ext.inflate_table(integer[]) is 'The table of a Huffman code, from the lengths of the codes of all symbols.';

create function stream_ext.inflate_bits(zlib bytea, at integer, bits integer) returns integer
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    value pg_catalog.int4 := 0;
begin
    if $2 + $3 > 8 * length($1) then
        return null;
    end if;
    for place in 0..$3 - 1 loop
        value := value | (get_bit($1, $2 + place) << place);
    end loop;
    return value;
end
$$;
comment on function stream_ext.inflate_bits(bytea, integer, integer) is 'A number of so many bits, the lowest first; null beyond the end.';

create function stream_ext.inflate_symbol(zlib bytea, at integer, counts integer[], symbols integer[], out symbol integer, out bits integer)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    code pg_catalog.int4 := 0;
    first pg_catalog.int4 := 0;
    index pg_catalog.int4 := 0;
begin
    for length_bits in 1..15 loop
        if $2 + length_bits > 8 * length($1) then
            return;
        end if;
        code := code | get_bit($1, $2 + length_bits - 1);
        if code - counts[length_bits] < first then
            symbol := symbols[index + code - first + 1];
            bits := length_bits;
            return;
        end if;
        index := index + counts[length_bits];
        first := (first + counts[length_bits]) << 1;
        code := code << 1;
    end loop;
end
$$;
comment on function stream_ext.inflate_symbol(bytea, integer, integer[], integer[]) is
    'The symbol whose code begins here, and how many bits it takes; null where there is none.';

create function stream_ext.inflate_code(
    zlib bytea, at integer, out literals integer[], out distances integer[], out after integer
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    literal_count constant pg_catalog.int4 := stream_ext.inflate_bits($1, $2, 5) + 257;
    distance_count constant pg_catalog.int4 := stream_ext.inflate_bits($1, $2 + 5, 5) + 1;
    length_count constant pg_catalog.int4 := stream_ext.inflate_bits($1, $2 + 10, 4) + 4;
    places constant pg_catalog.int4[] := '{16,17,18,0,8,7,9,6,10,5,11,4,12,3,13,2,14,1,15}';
    lengths pg_catalog.int4[] := array_fill(0, array[19]);
    decoded pg_catalog.int4[] := '{}';
    tables pg_catalog.record;
    found_symbol pg_catalog.record;
    repeated pg_catalog.int4;
    value pg_catalog.int4;
begin
    after := $2 + 14;
    if length_count is null or literal_count > 286 then
        after := null;
        return;
    end if;
    for place in 1..length_count loop
        lengths[places[place] + 1] := stream_ext.inflate_bits($1, after, 3);
        after := after + 3;
    end loop;
    if array_position(lengths, null) is not null then
        after := null;
        return;
    end if;
    select t.counts, t.symbols into tables from stream_ext.inflate_table(lengths) as t;
    while cardinality(decoded) < literal_count + distance_count loop
        select s.symbol, s.bits into found_symbol from stream_ext.inflate_symbol($1, after, tables.counts, tables.symbols) as s;
        if found_symbol.symbol is null then
            after := null;
            return;
        end if;
        after := after + found_symbol.bits;
        if found_symbol.symbol < 16 then
            decoded := decoded || found_symbol.symbol;
            continue;
        end if;
        value := case when found_symbol.symbol = 16 then decoded[cardinality(decoded)] else 0 end;
        repeated := case found_symbol.symbol
            when 16 then 3 + stream_ext.inflate_bits($1, after, 2)
            when 17 then 3 + stream_ext.inflate_bits($1, after, 3)
            else 11 + stream_ext.inflate_bits($1, after, 7) end;
        after := after + case found_symbol.symbol when 16 then 2 when 17 then 3 else 7 end;
        if repeated is null or value is null or cardinality(decoded) + repeated > literal_count + distance_count then
            after := null;
            return;
        end if;
        decoded := decoded || array_fill(value, array[repeated]);
    end loop;
    literals := decoded[1:literal_count];
    distances := decoded[literal_count + 1:];
end
$$;
comment on function stream_ext.inflate_code(bytea, integer) is
    'The lengths of the codes that stand before a dynamic block, and where that begins; null where they are malformed.';

create function stream_ext.inflate(zlib bytea, out content bytea, out problem text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    bytes constant pg_catalog.int4 := length($1);
    lengths constant pg_catalog.int4[] := '{3,4,5,6,7,8,9,10,11,13,15,17,19,23,27,31,35,43,51,59,67,83,99,115,131,163,195,227,258}';
    length_bits constant pg_catalog.int4[] := '{0,0,0,0,0,0,0,0,1,1,1,1,2,2,2,2,3,3,3,3,4,4,4,4,5,5,5,5,0}';
    distances constant pg_catalog.int4[] :=
        '{1,2,3,4,5,7,9,13,17,25,33,49,65,97,129,193,257,385,513,769,1025,1537,2049,3073,4097,6145,8193,12289,16385,24577}';
    distance_bits constant pg_catalog.int4[] := '{0,0,0,0,1,1,2,2,3,3,4,4,5,5,6,6,7,7,8,8,9,9,10,10,11,11,12,12,13,13}';
    at pg_catalog.int4 := 16;
    is_last pg_catalog.bool := false;
    kind pg_catalog.int4;
    literal_code pg_catalog.record;
    distance_code pg_catalog.record;
    code pg_catalog.record;
    token pg_catalog.record;
    size pg_catalog.int4;
    distance pg_catalog.int4;
    sum pg_catalog.int8 := 1;
    sum_of_sums pg_catalog.int8 := 0;
begin
    problem := 'the token holds no whole zlib stream';
    content := '';
    if bytes < 6 or get_byte($1, 0) & 15 <> 8 or get_byte($1, 0) >> 4 > 7 or get_byte($1, 1) & 32 <> 0
        or (get_byte($1, 0) * 256 + get_byte($1, 1)) % 31 <> 0
    then
        return;
    end if;
    while not is_last loop
        is_last := stream_ext.inflate_bits($1, at, 1) = 1;
        kind := stream_ext.inflate_bits($1, at + 1, 2);
        at := at + 3;
        if kind is null or kind = 3 then
            return;
        end if;
        if kind = 0 then
            at := (at + 7) / 8 * 8;
            size := stream_ext.inflate_bits($1, at, 16);
            if size is null or size # 65535 is distinct from stream_ext.inflate_bits($1, at + 16, 16)
                or at / 8 + 4 + size > bytes
            then
                return;
            end if;
            content := content || substr($1, at / 8 + 5, size);
            at := at + 32 + 8 * size;
            if length(content) > 4096 then
                problem := 'the token is larger than any real one';
                return;
            end if;
            continue;
        end if;
        if kind = 1 then
            select t.counts, t.symbols into literal_code from stream_ext.inflate_table(
                array_fill(8, array[144]) || array_fill(9, array[112]) || array_fill(7, array[24]) || array_fill(8, array[8])) as t;
            select t.counts, t.symbols into distance_code from stream_ext.inflate_table(array_fill(5, array[30])) as t;
        else
            select c.literals, c.distances, c.after into code from stream_ext.inflate_code($1, at) as c;
            if code.after is null then
                return;
            end if;
            at := code.after;
            select t.counts, t.symbols into literal_code from stream_ext.inflate_table(code.literals) as t;
            select t.counts, t.symbols into distance_code from stream_ext.inflate_table(code.distances) as t;
        end if;
        loop
            select s.symbol, s.bits into token from stream_ext.inflate_symbol($1, at, literal_code.counts, literal_code.symbols) as s;
            if token.symbol is null or token.symbol > 285 then
                return;
            end if;
            at := at + token.bits;
            exit when token.symbol = 256;
            if token.symbol < 256 then
                content := content || set_byte(e'\\x00'::bytea, 0, token.symbol);
            else
                size := lengths[token.symbol - 256] + stream_ext.inflate_bits($1, at, length_bits[token.symbol - 256]);
                at := at + length_bits[token.symbol - 256];
                select s.symbol, s.bits into token
                from stream_ext.inflate_symbol($1, at, distance_code.counts, distance_code.symbols) as s;
                if size is null or token.symbol is null or token.symbol > 29 then
                    return;
                end if;
                at := at + token.bits;
                distance := distances[token.symbol + 1] + stream_ext.inflate_bits($1, at, distance_bits[token.symbol + 1]);
                at := at + distance_bits[token.symbol + 1];
                if distance is null or distance > length(content) then
                    return;
                end if;
                for place in 1..size loop
                    content := content || substr(content, length(content) - distance + 1, 1);
                end loop;
            end if;
            if length(content) > 4096 then
                problem := 'the token is larger than any real one';
                return;
            end if;
        end loop;
    end loop;
    at := (at + 7) / 8;
    for place in 0..length(content) - 1 loop
        sum := sum + get_byte(content, place);
        sum_of_sums := sum_of_sums + sum;
    end loop;
    if bytes < at + 4 or substr($1, at + 1, 4) <> substr(int8send(((sum_of_sums % 65521) << 16) | (sum % 65521)), 5) then
        return;
    end if;
    problem := case when bytes > at + 4 then 'the token has bytes behind its end' end;
end
$$;
comment on function stream_ext.inflate(bytea) is 'The content of a zlib stream of at most 4 KiB, or why there is none.';
