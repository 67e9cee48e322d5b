//! The SQL of a call: one statement whose only parameter is the whole body, with the arguments
//! typed by the function's signature and the answer made into JSON by Postgres.

use std::fmt::Write;

use crate::jwt::ApiRole;
use crate::rest::catalog::Function;
use crate::rest::error::RestError;
use crate::rest::paging::{Paging, quote};
use crate::rest::request::{Arguments, Shape};

/// PostgREST's `db-max-rows` on Supabase: more rows of a set are cut off.
const MAX_ROWS: u64 = 1000;

/// A statement that answers (body text, rows bigint, status text, headers text).
pub struct Statement {
    pub sql: String,
    /// True when the arguments are parameter `$1`.
    pub has_parameter: bool,
}

/// Builds the call of `schema.name`. The role goes into the text because a prepared statement
/// keeps the USAGE checks of whoever prepared it; so each role prepares its own.
pub fn build(
    schema: &str,
    name: &str,
    function: &Function,
    arguments: &Arguments,
    shape: Shape,
    role: ApiRole,
) -> Result<Statement, RestError> {
    let paging = &arguments.paging;
    if !paging.is_empty()
        && (!function.returns_set || (paging.names_columns() && !function.returns_row))
    {
        let what = "select, order, limit and offset where a function returns no rows";
        return Err(RestError::NotModelled(what.to_owned()));
    }
    let whole_body = function.takes_whole_body();
    let given: Vec<_> = function
        .parameters
        .iter()
        .filter_map(|parameter| {
            let name = parameter.name.as_ref()?;
            arguments.names.contains(name).then_some((name, parameter))
        })
        .collect();
    let has_parameter = whole_body || !given.is_empty();

    let mut call = format!("{}.{}(", quote(schema), quote(name));
    if whole_body {
        let _ = write!(call, "$1::text::{}", function.parameters[0].type_name);
    } else {
        for (index, (name, parameter)) in given.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let variadic = if parameter.variadic { "variadic " } else { "" };
            let name = quote(name);
            let _ = write!(
                call,
                "{comma}{variadic}{name} := (select arguments.{name} from arguments)"
            );
        }
    }
    call.push(')');

    let mut sql = format!("/* {} */ with ", role.as_str());
    if !whole_body && has_parameter {
        let columns: Vec<String> = given
            .iter()
            .map(|(name, parameter)| format!("{} {}", quote(name), parameter.type_name))
            .collect();
        let _ = write!(
            sql,
            "arguments as materialized (select * from pg_catalog.json_to_record($1::text::json) as _ ({})), ",
            columns.join(", ")
        );
    }
    push_result(&mut sql, &result(function, &call, shape, paging));
    Ok(Statement { sql, has_parameter })
}

/// Reads `schema.name`, whose rows are shaped like those of a function that returns them.
pub fn of_relation(
    schema: &str,
    name: &str,
    rows: &Function,
    paging: &Paging,
    shape: Shape,
    role: ApiRole,
) -> Statement {
    let relation = format!("{}.{}", quote(schema), quote(name));
    let mut sql = format!("/* {} */ with ", role.as_str());
    push_result(&mut sql, &result(rows, &relation, shape, paging));
    Statement {
        sql,
        has_parameter: false,
    }
}

fn push_result(sql: &mut String, result: &str) {
    let _ = write!(
        sql,
        "result as materialized ({result}) select body, rows, pg_catalog.current_setting('response.status', true), \
         pg_catalog.current_setting('response.headers', true) from result",
    );
}

fn result(function: &Function, call: &str, shape: Shape, paging: &Paging) -> String {
    if function.returns_void {
        return format!("select {call}::text as body, 1::bigint as rows");
    }
    let tail = paging.tail_sql(MAX_ROWS);
    if shape == Shape::Csv {
        return csv(function, call, paging, &tail);
    }
    let value = if function.returns_row {
        format!("(select {} from {call} {tail}) as q", paging.columns_sql())
    } else if function.returns_set {
        format!("(select v.v from {call} as v (v) {tail}) as q")
    } else {
        format!("(select {call} as v) as q")
    };
    let element = if function.returns_row { "q" } else { "q.v" };
    if !function.returns_set {
        return format!(
            "select pg_catalog.to_json({element})::text as body, 1::bigint as rows from {value}"
        );
    }
    let first = match shape {
        Shape::Natural | Shape::Csv => "",
        Shape::Object => "->0",
    };
    format!(
        "select (coalesce(pg_catalog.json_agg({element}), '[]'){first})::text as body, \
         pg_catalog.count(*) as rows from {value}"
    )
}

/// As PostgREST makes it: the names of the first row, and of every row what Postgres writes between the parentheses of a record.
fn csv(function: &Function, call: &str, paging: &Paging, tail: &str) -> String {
    let source = if function.returns_row {
        format!("select {} from {call} {tail}", paging.columns_sql())
    } else if function.returns_set {
        format!("select v.pgrst_scalar from {call} as v (pgrst_scalar) {tail}")
    } else {
        format!("select {call} as pgrst_scalar")
    };
    format!(
        "with source as materialized ({source}) select \
         (select coalesce(pg_catalog.string_agg(k.k, ','), '') from (\
             select pg_catalog.json_object_keys(pg_catalog.row_to_json(first)) as k \
             from (select * from source limit 1) as first) as k) \
         || E'\\n' || coalesce(pg_catalog.string_agg(\
             pg_catalog.substr(q::text, 2, pg_catalog.length(q::text) - 2), E'\\n'), '') as body, \
         pg_catalog.count(*) as rows from source as q"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::catalog::Parameter;

    fn function(returns_set: bool, returns_row: bool, returns_void: bool) -> Function {
        Function {
            volatile: true,
            returns_set,
            returns_void,
            returns_row,
            parameters: vec![Parameter {
                name: Some("a\"b".to_owned()),
                type_name: "pg_catalog.int4".to_owned(),
                shown_type: "integer".to_owned(),
                variadic: false,
                required: false,
            }],
        }
    }

    fn sql(function: &Function, names: &[&str], shape: Shape) -> Statement {
        let arguments = Arguments {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            json: "{}".to_owned(),
            paging: Paging::default(),
        };
        build("s", "f", function, &arguments, shape, ApiRole::Anon).unwrap()
    }

    #[test]
    fn identifiers_are_quoted_and_values_are_a_parameter() {
        let statement = sql(&function(false, false, false), &["a\"b"], Shape::Natural);
        assert!(statement.has_parameter);
        assert!(
            statement
                .sql
                .contains(r#""s"."f"("a""b" := (select arguments."a""b" from arguments))"#)
        );
        assert!(statement.sql.contains(r#"as _ ("a""b" pg_catalog.int4)"#));
    }

    #[test]
    fn a_call_without_arguments_has_no_parameter() {
        let statement = sql(&function(false, false, false), &[], Shape::Natural);
        assert!(!statement.has_parameter);
        assert!(!statement.sql.contains("$1"));
    }

    #[test]
    fn every_role_has_its_own_text() {
        assert!(
            sql(&function(false, false, false), &[], Shape::Natural)
                .sql
                .starts_with("/* anon */")
        );
    }

    #[test]
    fn the_shape_follows_the_return_type() {
        let of = |set, row, void, shape| sql(&function(set, row, void), &[], shape).sql;
        assert!(of(false, false, true, Shape::Natural).contains("()::text as body"));
        assert!(of(false, false, false, Shape::Natural).contains("to_json(q.v)"));
        assert!(of(false, true, false, Shape::Natural).contains("to_json(q)"));
        assert!(of(true, false, false, Shape::Natural).contains("json_agg(q.v), '[]'))::text"));
        assert!(of(true, true, false, Shape::Natural).contains("json_agg(q), '[]'))::text"));
        assert!(of(true, true, false, Shape::Object).contains("json_agg(q), '[]')->0)::text"));
    }
}
