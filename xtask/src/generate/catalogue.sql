-- The functions and composite types of the product's schemas, as one JSON document.
set search_path = pg_catalog, pg_temp;

select json_build_object(
    'functions', (
        select coalesce(json_agg(f order by f.schema, f.name, f.types), '[]')
        from (
            select n.nspname as schema, quote_ident(p.proname) as name,
                oidvectortypes(p.proargtypes) as types, p.prokind = 'p' as is_procedure,
                (
                    select coalesce(json_agg(json_build_object(
                        'name', quote_ident(coalesce(p.proargnames[i], '')),
                        'type', format_type(p.proargtypes[i - 1], null),
                        'default', pg_get_function_arg_default(p.oid, i)
                    ) order by i), '[]')
                    from generate_series(1, p.pronargs::integer) as i
                ) as arguments,
                (
                    select coalesce(json_agg(json_build_object(
                        'name', quote_ident(a.name), 'type', format_type(a.type, null)
                    ) order by a.place), '[]')
                    from unnest(p.proallargtypes, p.proargmodes, p.proargnames)
                        with ordinality as a (type, mode, name, place)
                    where a.mode in ('o', 't')
                ) as columns,
                format_type(p.prorettype, null) as result, p.proretset as is_set,
                case p.provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end as volatility,
                case p.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end as parallel,
                coalesce(p.proconfig, '{}') as settings, p.prosrc as body,
                obj_description(p.oid, 'pg_proc') as comment
            from pg_proc as p
            join pg_namespace as n on n.oid = p.pronamespace
            where n.nspname in ('stream', 'stream_private', 'stream_ext')
        ) as f
    ),
    'composites', (
        select coalesce(json_agg(c order by c.name), '[]')
        from (
            select quote_ident(c.relname) as name, obj_description(c.reltype, 'pg_type') as comment,
                (
                    select json_agg(json_build_object(
                        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                        'comment', col_description(c.oid, a.attnum)
                    ) order by a.attnum)
                    from pg_attribute as a
                    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                ) as fields
            from pg_class as c
            where c.relnamespace = 'stream'::regnamespace and c.relkind = 'c'
        ) as c
    )
);
