//! Objects that a caller can make so that code which names things without a schema runs them.
//!
//! Made from the catalogue: a domain named like every type, a view named like every relation, and functions,
//! operators and casts named like those that our code uses. Whatever is run says as whom, in a warning.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Result;
use tokio_postgres::Client;
use xtask::workspace;

/// How every warning of a trap begins.
pub const SIGN: &str = "trap ";

/// The types between which operators, casts and polymorphic functions are made.
const TYPES: &[&str] = &[
    "text",
    "uuid",
    "jsonb",
    "json",
    "int4",
    "int8",
    "bool",
    "timestamptz",
    "interval",
    "name",
    "oid",
];

/// Of these, operators are made for all pairs of types and not only for those that the catalogue has.
const OPERATORS_OF_ALL_PAIRS: &[&str] = &["=", "||", "->>", "<"];

/// The statements that put traps into `pg_temp` of a session. Types come last: a statement after them would
/// find them itself.
pub async fn temporary(owner: &Client) -> Result<String> {
    let mut statements = String::from(
        "create function pg_temp.trap_value(value anyelement, what text) returns boolean language plpgsql
         set search_path = pg_catalog, pg_temp as $$
         begin raise warning 'trap % ran as %', what, current_user; return true; end $$;
         create function pg_temp.trap_relation(what text) returns boolean language plpgsql
         set search_path = pg_catalog, pg_temp as $$
         begin raise warning 'trap % ran as %', what, current_user; return true; end $$;",
    );
    statements.push_str(&collect(owner, RELATIONS, &[], "pg_temp.stream_sessions ").await?);
    let functions = [
        &names_in_use(owner).await?,
        &TYPES.map_to_vec(),
        &vec!["pg_temp".to_owned()],
    ];
    statements.push_str(&collect(owner, FUNCTIONS, &functions, "pg_temp.now(").await?);
    statements.push_str(&collect(owner, DOMAINS, &[], "pg_temp.text ").await?);
    Ok(statements)
}

/// The statements that put traps into `public`.
pub async fn public(owner: &Client) -> Result<String> {
    let functions = [
        &names_in_use(owner).await?,
        &TYPES.map_to_vec(),
        &vec!["public".to_owned()],
    ];
    let mut statements = collect(owner, FUNCTIONS, &functions, "public.now(").await?;
    let operators = [&TYPES.map_to_vec(), &OPERATORS_OF_ALL_PAIRS.map_to_vec()];
    statements.push_str(&collect(owner, OPERATORS, &operators, "public.=").await?);
    statements.push_str("create type public.bait as (x integer);");
    statements.push_str(&collect(owner, CASTS, &[&TYPES.map_to_vec()], "create cast").await?);
    Ok(statements)
}

trait Words {
    fn map_to_vec(&self) -> Vec<String>;
}

impl Words for [&str] {
    fn map_to_vec(&self) -> Vec<String> {
        self.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// Runs a query whose rows are statements, one of which has to make `trap`.
async fn collect(
    owner: &Client,
    query: &str,
    arguments: &[&Vec<String>],
    trap: &str,
) -> Result<String> {
    let arguments: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = arguments
        .iter()
        .map(|list| *list as &(dyn tokio_postgres::types::ToSql + Sync))
        .collect();
    let rows = owner.query(query, &arguments).await?;
    let statements: String = rows
        .iter()
        .map(|row| row.get::<_, String>(0) + ";\n")
        .collect();
    assert!(statements.contains(trap), "no trap {trap}: {statements}");
    Ok(statements)
}

/// A view for every relation of the system, of Supabase, of ours, and for every transition table.
const RELATIONS: &str = "
    select format('create view pg_temp.%1$I as select %2$s where pg_temp.trap_relation(%3$L);
        grant select on pg_temp.%1$I to public', c.name, c.columns, 'relation ' || c.name)
    from (
        select distinct on (c.relname) c.relname::text as name, (
            select string_agg(format('null::%s as %I',
                case when t.typnamespace = 'pg_catalog'::regnamespace and t.typtype = 'b' and t.typname <> '_pg_statistic'
                    then format('pg_catalog.%I', t.typname) else 'pg_catalog.text' end, a.attname), ', ' order by a.attnum)
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_type as t on t.oid = a.atttypid
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ) as columns
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'v', 'p')
            and n.nspname in ('pg_catalog', 'stream', 'stream_private', 'realtime', 'vault', 'auth', 'public')
        order by c.relname, n.nspname <> 'stream'
        ) as c
    where c.columns is not null
    union
    select format('create view pg_temp.%I as select null::pg_catalog.uuid as id, null::pg_catalog.uuid as session_id
        where pg_temp.trap_relation(%L)', r.name, 'transition table ' || r.name)
    from pg_catalog.pg_trigger as t
    cross join lateral (values (t.tgoldtable::text), (t.tgnewtable::text)) as r (name)
    where r.name is not null";

/// A domain for every type but those of relations, and for ours; what cannot be the base of one is a text.
const DOMAINS: &str = "
    select format('create domain pg_temp.%I as pg_catalog.%I check (pg_temp.trap_value(value, %L))',
        t.name, t.base, 'type ' || t.name)
    from (
        select distinct on (t.typname) t.typname::text as name,
            case when t.typtype in ('b', 'r', 'm') and t.typnamespace = 'pg_catalog'::regnamespace
                then t.typname else 'text' end as base
        from pg_catalog.pg_type as t
        join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
        left join pg_catalog.pg_class as c on c.oid = t.typrelid
        where n.nspname in ('pg_catalog', 'stream') and coalesce(c.relkind = 'c', true)
            -- The array of a domain takes its name.
            and t.typelem = 0
        order by t.typname, n.nspname
    ) as t";

/// A function for every signature of every function of the system whose name stands in our code; of those for
/// any type, one for each of ours, which fits better.
const FUNCTIONS: &str = "
    select distinct format('create function %I.%I(%s) returns %s language plpgsql as
        $$begin raise warning ''trap %% ran as %%'', %L, current_user; return null; end$$',
        s.schema, f.name, f.arguments, f.result, 'function ' || f.name)
    from unnest($3::text[]) as s (schema)
    cross join (
        select p.proname as name, coalesce((
                select string_agg(case
                    when t.typname in ('anyelement', 'anynonarray', 'any', 'anycompatible', 'anycompatiblenonarray')
                        then format('pg_catalog.%I', any_type)
                    when t.typname in ('anyarray', 'anycompatiblearray') then format('pg_catalog.%I[]', any_type)
                    else format('pg_catalog.%I', t.typname) end, ', ' order by a.place)
                from unnest(p.proargtypes::oid[]) with ordinality as a (type, place)
                join pg_catalog.pg_type as t on t.oid = a.type
            ), '') as arguments,
            case when r.typname like 'any%array' then format('pg_catalog.%I[]', any_type)
                when r.typname like 'any%' then format('pg_catalog.%I', any_type)
                when r.typtype = 'p' then 'pg_catalog.text'
                else format('pg_catalog.%I', r.typname) end as result
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_type as r on r.oid = p.prorettype
        cross join unnest($2::text[]) as any_type
        where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any ($1::text[])
            and not exists (
                select from unnest(p.proargtypes::oid[]) as a (type)
                join pg_catalog.pg_type as t on t.oid = a.type
                where t.typtype = 'p' and t.typname not in ('anyelement', 'anynonarray', 'any', 'anycompatible',
                    'anycompatiblenonarray', 'anyarray', 'anycompatiblearray'))
    ) as f";

/// An operator for every one of the system between our types, and some between any two of them.
const OPERATORS: &str = "
    select format('create function public.%1$I(%2$s) returns pg_catalog.%3$I language plpgsql as
        $$begin raise warning ''trap %% ran as %%'', %4$L, current_user; return null; end$$;
        create operator public.%5$s (%6$s function = public.%1$I)',
        'operator_' || row_number() over (), concat_ws(', ', 'pg_catalog.' || o.l, 'pg_catalog.' || o.r),
        o.result, 'operator ' || o.name, o.name,
        case when o.l is null then '' else format('leftarg = pg_catalog.%I, ', o.l) end || format('rightarg = pg_catalog.%I,', o.r))
    from (
        select o.oprname::text as name, l.typname::text as l, r.typname::text as r, t.typname::text as result
        from pg_catalog.pg_operator as o
        left join pg_catalog.pg_type as l on l.oid = o.oprleft
        join pg_catalog.pg_type as r on r.oid = o.oprright
        join pg_catalog.pg_type as t on t.oid = o.oprresult
        where coalesce(l.typname = any ($1::text[]), true) and r.typname = any ($1::text[])
        union
        select name, l, r, case when name in ('=', '<') then 'bool' else 'text' end
        from unnest($2::text[]) as name
        cross join unnest($1::text[]) as l
        cross join unnest($1::text[]) as r
        where not exists (
            select from pg_catalog.pg_operator as o
            where o.oprname = name and o.oprleft = ('pg_catalog.' || l)::regtype
                and o.oprright = ('pg_catalog.' || r)::regtype)
    ) as o";

/// Casts between our types and one of the attacker's, both ways and without being asked for.
const CASTS: &str = "
    select format('create function public.cast_to_%1$s(public.bait) returns pg_catalog.%1$I language plpgsql as
            $$begin raise warning ''trap %% ran as %%'', %2$L, current_user; return null; end$$;
        create function public.cast_from_%1$s(pg_catalog.%1$I) returns public.bait language plpgsql as
            $$begin raise warning ''trap %% ran as %%'', %2$L, current_user; return null; end$$;
        create cast (public.bait as pg_catalog.%1$I) with function public.cast_to_%1$s(public.bait) as implicit;
        create cast (pg_catalog.%1$I as public.bait) with function public.cast_from_%1$s(pg_catalog.%1$I) as implicit',
        t, 'cast of ' || t)
    from unnest($1::text[]) as t";

/// The names of functions of the system that stand in a body, in a statement of native code, or in none but
/// are called by Postgres for them.
async fn names_in_use(owner: &Client) -> Result<Vec<String>> {
    let mut texts: Vec<String> = owner
        .query(
            "select p.prosrc from pg_catalog.pg_proc as p
             where p.pronamespace in ('stream'::regnamespace, 'stream_private'::regnamespace)",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    read_sources(&workspace::root().join("pg_stream_ext/src"), &mut texts)?;
    let words: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .collect();
    let rows = owner
        .query(
            "select distinct p.proname::text from pg_catalog.pg_proc as p
                where p.pronamespace = 'pg_catalog'::regnamespace",
            &[],
        )
        .await?;
    let names: Vec<String> = rows
        .iter()
        .map(|row| row.get::<_, String>(0))
        .filter(|name| words.contains(name.as_str()))
        .collect();
    // From a body, and from a statement of native code.
    for used in ["now", "pg_current_snapshot"] {
        assert!(
            names.iter().any(|name| name == used),
            "no {used}: {names:?}"
        );
    }
    Ok(names)
}

fn read_sources(directory: &Path, texts: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            read_sources(&path, texts)?;
        } else {
            texts.push(fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
