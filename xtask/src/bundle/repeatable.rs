//! The repeatable migration: bodies, views, triggers, policies and rights, so that they can be applied again to a database that has
//! them, of this release or an earlier one.
//!
//! The view `stream_private.code_objects` holds what the migration made. The next one drops what of it is gone or has a form that
//! `create or replace` cannot change, and nothing else. Making a view, a trigger or a policy locks a table for those who write, so an
//! unchanged one is left as it is. One whose function or view is dropped is dropped before it: what it names is in its form.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::made::{Kind, Made};
use crate::hex;
use crate::product_sql::SqlFile;
use crate::statements::{split, squeezed, without_comments};

/// What comes before the list of objects.
const BEGIN: &str = "\
do $$
begin
    -- Until the end of this migration: names without a schema are Postgres's own, whatever stands in schema public.
    perform pg_catalog.set_config('pg_stream.path_before', pg_catalog.current_setting('search_path'), true);
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    -- Until the end of this transaction. Whoever waits for a table makes others wait behind it.
    perform pg_catalog.set_config('lock_timeout', '5s', true);
    perform pg_catalog.set_config('pg_stream.migration', pg_catalog.pg_current_xact_id()::pg_catalog.text, true);
end
$$;
do $$
begin
    if pg_catalog.current_setting('pg_stream.migration', true)
        operator(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.text
    then
        return;
    end if;
    -- An error would let psql go on with the next statement, each in a transaction of its own.
    raise warning 'apply this migration in one transaction, as supabase db push and psql --single-transaction do';
    perform pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());
end
$$;
do $$
begin
    if not exists (
        select from pg_catalog.pg_class as c
        where c.oid = 'stream.stream_sessions'::regclass and c.relowner = current_user::regrole
    ) then
        raise exception 'apply this migration as the role that owns the tables of schema stream';
    end if;
end
$$;

-- What the release before made.
create temporary table code_objects_before (place integer, kind text, name text, form text) on commit drop;
do $$
begin
    if to_regclass('stream_private.code_objects') is not null then
        insert into code_objects_before select o.place, o.kind, o.name, o.form from stream_private.code_objects as o;
        drop view stream_private.code_objects;
    end if;
end
$$;
";

/// What comes after it.
const DROP: &str = "\
comment on view stream_private.code_objects is
    'What the repeatable migration makes, as drop names it, so that the next release can drop what it no longer makes.';
revoke all on table stream_private.code_objects from public, anon, authenticated, service_role;

-- Drops what this release makes otherwise or no more. Whatever of the application hangs on it is named in the error.
do $$
declare
    before record;
begin
    for before in
        select b.kind, b.name from code_objects_before as b
        where not exists (
            select from stream_private.code_objects as o
            where (o.kind, o.name, o.form) = (b.kind, b.name, b.form)
        )
        order by array_position('{trigger,policy,view}', b.kind) nulls last, b.place desc
    loop
        execute format('drop %s if exists %s', before.kind, before.name);
    end loop;
end
$$;
";

/// For what else the transaction does.
const END: &str = "
select pg_catalog.set_config('search_path', pg_catalog.current_setting('pg_stream.path_before'), true);
";

/// The migration of files that are given in the order in which they are applied.
pub fn write<'a>(files: impl IntoIterator<Item = &'a SqlFile>) -> Result<String> {
    let files: Vec<&SqlFile> = files.into_iter().collect();
    let functions = functions(&files)?;
    let mut objects: Vec<Made> = Vec::new();
    let mut views = Sha256::new();
    let mut text = String::new();
    for file in files {
        write!(text, "\n-- {}\n\n", file.path)?;
        let mut begin = 0;
        for statement in split(&file.text) {
            begin += statement.len();
            let made = Made::of(statement).with_context(|| file.path.clone())?;
            let Some(mut made) = made else {
                text.push_str(&named(statement, &objects));
                continue;
            };
            match made.kind {
                Kind::Function | Kind::Procedure => {}
                // A view may read those before it, and goes with them.
                Kind::View => {
                    views.update(with_forms(statement, &functions));
                    made.form = hex::of(&views.clone().finalize());
                }
                Kind::Trigger | Kind::Policy => {
                    let made_before = objects.iter().filter(|made| made.kind == Kind::View);
                    let whole = with_forms(statement, functions.iter().chain(made_before));
                    made.form = hex::of(&Sha256::digest(whole));
                }
            }
            text.push_str(&repeatable(statement, &made));
            add(&mut objects, made).with_context(|| file.path.clone())?;
        }
        text.push_str(file.text[begin..].trim_end());
        text.push('\n');
    }
    Ok(format!("{BEGIN}{}{DROP}{text}{END}", list(&objects)))
}

/// The functions of all files, also of those behind the one that names them.
fn functions(files: &[&SqlFile]) -> Result<Vec<Made>> {
    let mut functions = Vec::new();
    for file in files {
        for statement in split(&file.text) {
            let made = Made::of(statement).with_context(|| file.path.clone())?;
            functions.extend(made.filter(|made| made.kind == Kind::Function));
        }
    }
    Ok(functions)
}

/// The text of a statement without its comments, and the forms of the objects that it names: with one of them it is made anew.
fn with_forms<'a>(statement: &str, objects: impl IntoIterator<Item = &'a Made>) -> String {
    let text = squeezed(statement);
    let named = objects.into_iter().filter(|made| names(&text, made));
    let forms: String = named
        .map(|made| format!("\n{} {}", made.name, made.form))
        .collect();
    text + &forms
}

/// Whether a text names a function or a view by its schema and name.
fn names(text: &str, made: &Made) -> bool {
    let name = made.name.split('(').next().unwrap_or_default();
    let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].ends_with(is_of_name) && !text[at + name.len()..].starts_with(is_of_name)
    })
}

/// Notes an object; a body may replace its declaration, which has the same form.
fn add(objects: &mut Vec<Made>, made: Made) -> Result<()> {
    let same = objects
        .iter()
        .find(|other| (other.kind, &other.name) == (made.kind, &made.name));
    match same {
        Some(same) if *same == made => {}
        Some(_) => bail!("{} {} is made twice", made.kind.as_str(), made.name),
        None => objects.push(made),
    }
    Ok(())
}

/// A statement with the arguments of the function that it is about: when it runs again there may be another of this name.
fn named(statement: &str, objects: &[Made]) -> String {
    const COMMENT: &str = "comment on function ";
    let text = without_comments(statement);
    let name = text
        .strip_prefix(COMMENT)
        .and_then(|rest| rest.split(' ').next());
    let function = name.and_then(|name| {
        let signature = format!("{name}(");
        objects
            .iter()
            .find(|made| made.kind == Kind::Function && made.name.starts_with(&signature))
    });
    match (name, function) {
        (Some(name), Some(function)) => statement.replacen(
            &format!("{COMMENT}{name} "),
            &format!("{COMMENT}{} ", function.name),
            1,
        ),
        _ => statement.to_owned(),
    }
}

/// A statement that can be run where its object is there.
fn repeatable(statement: &str, made: &Made) -> String {
    let text = without_comments(statement);
    let comments = &statement[..statement.len() - text.len()];
    let is_missing = match made.kind {
        Kind::Function | Kind::Procedure => {
            let rest = text.strip_prefix("create or replace ");
            let rest = rest.or_else(|| text.strip_prefix("create "));
            return format!("{comments}create or replace {}", rest.unwrap_or(text));
        }
        Kind::View => format!("to_regclass('{}') is null", made.name),
        Kind::Trigger => is_missing_on_table("trigger", "tg", made),
        Kind::Policy => is_missing_on_table("policy", "pol", made),
    };
    let create = text.trim_end_matches(';');
    format!(
        "{comments}do $missing$\nbegin\n    if {is_missing} then\n        execute $create$\n{create}\n$create$;\n    \
         end if;\nend\n$missing$;"
    )
}

fn is_missing_on_table(kind: &str, prefix: &str, made: &Made) -> String {
    let (name, table) = made.name.split_once(" on ").expect("is on a table");
    format!(
        "not exists (select from pg_catalog.pg_{kind} as o\n        where o.{prefix}relid = '{table}'::regclass and \
         o.{prefix}name = '{name}')"
    )
}

fn list(objects: &[Made]) -> String {
    let rows: Vec<String> = objects
        .iter()
        .enumerate()
        .map(|(place, made)| {
            let (kind, name, form) = (made.kind.as_str(), &made.name, &made.form);
            format!("    ({place}, '{kind}', '{name}', '{form}')")
        })
        .collect();
    format!(
        "create view stream_private.code_objects as\nselect o.place::integer, o.kind::text, o.name::text, o.form::text\n\
         from (values\n{}\n) as o (place, kind, name, form);\n",
        rows.join(",\n")
    )
}

#[cfg(test)]
mod tests;
