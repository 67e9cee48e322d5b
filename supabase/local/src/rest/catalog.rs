//! The function that a call names: looked up in the catalogue for every call, so that a function
//! created a moment ago is found.

use serde::Deserialize;
use tokio_postgres::GenericClient;

use crate::jwt::ApiRole;
use crate::rest::error::{RestError, Wanted};
use crate::rest::hint;
use crate::rest::request::Arguments;

/// `$1` schema, `$2` function, `$3` role. Types are named with their schema, so that what they
/// mean does not hang on a search path. Only the timeouts among the role's settings are wanted:
/// the login role's would apply otherwise, a SET ROLE does not bring the new role's.
const LOOK_UP: &str = r#"
select
    coalesce((
        select pg_catalog.json_agg(pg_catalog.json_build_object(
            'volatile', p.provolatile = 'v',
            'returns_set', p.proretset,
            'returns_void', p.prorettype = 'pg_catalog.void'::pg_catalog.regtype,
            'returns_row', t.typtype = 'c'
                or p.prorettype = 'pg_catalog.record'::pg_catalog.regtype
                or coalesce(p.proargmodes && '{o,b,t}'::"char"[], false),
            'parameters', coalesce((
                select pg_catalog.json_agg(pg_catalog.json_build_object(
                    'name', a.name,
                    'type', pg_catalog.format('%I.%I', tn.nspname, at.typname),
                    'shown_type', pg_catalog.format_type(at.oid, null),
                    'variadic', a.mode = 'v',
                    'required', a.position <= p.pronargs - p.pronargdefaults
                ) order by a.position)
                from (
                    select
                        u.name,
                        u.type,
                        coalesce(u.mode, 'i') as mode,
                        pg_catalog.row_number() over (order by u.ordinal) as position
                    from rows from (
                        pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::pg_catalog.oid[])),
                        pg_catalog.unnest(p.proargnames),
                        pg_catalog.unnest(p.proargmodes)
                    ) with ordinality as u (type, name, mode, ordinal)
                    where u.type is not null and coalesce(u.mode, 'i') in ('i', 'b', 'v')
                ) as a
                join pg_catalog.pg_type as at on at.oid = a.type
                join pg_catalog.pg_namespace as tn on tn.oid = at.typnamespace
            ), '[]')
        ))
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        join pg_catalog.pg_type as t on t.oid = p.prorettype
        where n.nspname = $1
          and p.proname = $2
          and p.prokind = 'f'
          and p.prorettype not in (
              'pg_catalog.trigger'::pg_catalog.regtype,
              'pg_catalog.event_trigger'::pg_catalog.regtype
          )
    ), '[]')::text as functions,
    coalesce((
        select pg_catalog.json_object_agg(
            pg_catalog.split_part(s.setting, '=', 1),
            pg_catalog.substr(s.setting, pg_catalog.strpos(s.setting, '=') + 1)
        )
        from pg_catalog.pg_roles as r
        cross join pg_catalog.unnest(r.rolconfig) as s (setting)
        where r.rolname = $3
          and pg_catalog.split_part(s.setting, '=', 1) in (
              'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'
          )
    ), '{}')::text as role_settings,
    -- For the hint that nothing found gives.
    coalesce((
        select pg_catalog.json_agg(distinct p.proname)
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        where n.nspname = $1
          and p.prokind = 'f'
          and not exists (
              select from pg_catalog.pg_proc as same
              where same.pronamespace = n.oid and same.proname = $2
          )
    ), '[]')::text as others
"#;

/// A function as the catalogue describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Function {
    pub volatile: bool,
    pub returns_set: bool,
    pub returns_void: bool,
    /// A composite type, or OUT or TABLE columns: an object rather than a bare value.
    pub returns_row: bool,
    pub parameters: Vec<Parameter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Parameter {
    /// `None` or empty when it is unnamed.
    pub name: Option<String>,
    /// Quoted, with its schema.
    #[serde(rename = "type")]
    pub type_name: String,
    /// As Postgres shows it.
    pub shown_type: String,
    pub variadic: bool,
    pub required: bool,
}

/// The result of the look-up.
pub struct Found {
    pub functions: Vec<Function>,
    /// Timeouts that were set on the role.
    pub role_settings: Vec<(String, String)>,
    /// The names of the schema's functions, where none has the name.
    pub others: Vec<String>,
}

/// Looks up every function of this name, and the settings of the role.
pub async fn look_up(
    client: &deadpool_postgres::Client,
    schema: &str,
    function: &str,
    role: ApiRole,
) -> Result<Found, RestError> {
    let statement = client.prepare_cached(LOOK_UP).await?;
    let row = GenericClient::query_one(
        &***client,
        &statement,
        &[&schema, &function, &role.as_str()],
    )
    .await?;
    let functions = serde_json::from_str(row.get("functions")).map_err(RestError::Catalog)?;
    let settings: std::collections::BTreeMap<String, String> =
        serde_json::from_str(row.get("role_settings")).map_err(RestError::Catalog)?;
    let others = serde_json::from_str(row.get("others")).map_err(RestError::Catalog)?;
    Ok(Found {
        functions,
        role_settings: settings.into_iter().collect(),
        others,
    })
}

/// The one function that takes these arguments: all of its required parameters are given, and
/// nothing else. With none, a function of one unnamed JSON parameter takes the whole body.
pub fn choose(
    functions: Vec<Function>,
    others: &[String],
    wanted: Wanted,
    arguments: &Arguments,
) -> Result<Function, RestError> {
    let (mut matching, rest): (Vec<_>, Vec<_>) = functions
        .into_iter()
        .partition(|function| function.takes(arguments));
    match matching.len() {
        1 => Ok(matching.remove(0)),
        0 => {
            let hint = hint(&rest, others, &wanted);
            let whole_body = rest.into_iter().find(Function::takes_whole_body);
            whole_body.ok_or(RestError::NoFunction { wanted, hint })
        }
        _ => Err(RestError::SeveralFunctions(
            matching
                .iter()
                .map(|function| format!("{}({})", wanted.name, function.parameter_list()))
                .collect(),
        )),
    }
}

/// The name most like the wanted one; where the name is right, the parameters most like the given ones.
fn hint(functions: &[Function], others: &[String], wanted: &Wanted) -> Option<String> {
    const MEANT: &str = "Perhaps you meant to call the function";
    let (schema, name) = wanted.name.split_once('.')?;
    if functions.is_empty() {
        let names = others.iter().map(String::as_str);
        let found = hint::most_like(name, names, hint::OF_NAMES)?;
        return Some(format!("{MEANT} {schema}.{found}"));
    }
    let in_parentheses = |mut names: Vec<&str>| {
        names.sort_unstable();
        format!("({})", names.join(", "))
    };
    let lists: Vec<String> = functions
        .iter()
        .map(|function| in_parentheses(function.parameter_names().collect()))
        .collect();
    let given = in_parentheses(wanted.arguments.iter().map(String::as_str).collect());
    let lists = lists.iter().map(String::as_str);
    let found = hint::most_like(&given, lists, hint::OF_PARAMETERS)?;
    Some(format!("{MEANT} {}{found}", wanted.name))
}

impl Function {
    pub fn takes_whole_body(&self) -> bool {
        match self.parameters.as_slice() {
            [only] => {
                only.is_unnamed()
                    && matches!(
                        only.type_name.as_str(),
                        "pg_catalog.json" | "pg_catalog.jsonb"
                    )
            }
            _ => false,
        }
    }

    fn parameter_names(&self) -> impl Iterator<Item = &str> {
        let names = self.parameters.iter().map(|one| one.name.as_deref());
        names.map(Option::unwrap_or_default)
    }

    /// As PostgREST lists them: `a => integer, b => text`.
    fn parameter_list(&self) -> String {
        let types = self.parameters.iter().map(|one| &one.shown_type);
        let list = self.parameter_names().zip(types);
        let list: Vec<_> = list
            .map(|(name, shown)| format!("{name} => {shown}"))
            .collect();
        list.join(", ")
    }

    fn takes(&self, arguments: &Arguments) -> bool {
        if self.parameters.iter().any(Parameter::is_unnamed) {
            return false;
        }
        let given = |parameter: &Parameter| {
            arguments
                .names
                .iter()
                .any(|name| Some(name) == parameter.name.as_ref())
        };
        let known = self
            .parameters
            .iter()
            .filter(|parameter| given(parameter))
            .count();
        known == arguments.names.len()
            && self
                .parameters
                .iter()
                .all(|parameter| !parameter.required || given(parameter))
    }
}

impl Parameter {
    fn is_unnamed(&self) -> bool {
        self.name.as_deref().unwrap_or_default().is_empty()
    }
}

#[cfg(test)]
mod tests;
