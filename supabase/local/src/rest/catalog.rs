//! The function that a call names: looked up in the catalogue for every call, so that a function
//! created a moment ago is found.

use serde::Deserialize;
use tokio_postgres::GenericClient;

use crate::jwt::ApiRole;
use crate::rest::error::RestError;
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
    ), '{}')::text as role_settings
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
    pub variadic: bool,
    pub required: bool,
}

/// The result of the look-up.
pub struct Found {
    pub functions: Vec<Function>,
    /// Timeouts that were set on the role.
    pub role_settings: Vec<(String, String)>,
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
    Ok(Found {
        functions,
        role_settings: settings.into_iter().collect(),
    })
}

/// The one function that takes these arguments: all of its required parameters are given, and
/// nothing else. With none, a function of one unnamed JSON parameter takes the whole body.
pub fn choose(
    functions: Vec<Function>,
    schema: &str,
    name: &str,
    arguments: &Arguments,
) -> Result<Function, RestError> {
    let (mut matching, rest): (Vec<_>, Vec<_>) = functions
        .into_iter()
        .partition(|function| function.takes(arguments));
    match matching.len() {
        1 => Ok(matching.remove(0)),
        0 => rest
            .into_iter()
            .find(Function::takes_whole_body)
            .ok_or_else(|| RestError::NoFunction {
                schema: schema.to_owned(),
                name: name.to_owned(),
                arguments: arguments.names.join(", "),
            }),
        _ => Err(RestError::SeveralFunctions {
            schema: schema.to_owned(),
            name: name.to_owned(),
        }),
    }
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
mod tests {
    use super::*;

    fn parameter(name: &str, required: bool) -> Parameter {
        Parameter {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            type_name: "pg_catalog.jsonb".to_owned(),
            variadic: false,
            required,
        }
    }

    fn function(parameters: Vec<Parameter>) -> Function {
        Function {
            volatile: true,
            returns_set: false,
            returns_void: false,
            returns_row: false,
            parameters,
        }
    }

    fn arguments(names: &[&str]) -> Arguments {
        Arguments {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            json: "{}".to_owned(),
            paging: crate::rest::paging::Paging::default(),
        }
    }

    #[test]
    fn defaults_may_be_left_out_and_the_rest_may_not() {
        let one = function(vec![parameter("a", true), parameter("b", false)]);
        for (names, found) in [
            (&["a"][..], true),
            (&["a", "b"], true),
            (&["b"], false),
            (&["a", "c"], false),
            (&[], false),
        ] {
            let chosen = choose(vec![one.clone()], "s", "f", &arguments(names));
            assert_eq!(chosen.is_ok(), found, "{names:?}");
        }
    }

    #[test]
    fn two_functions_that_match_are_ambiguous() {
        let two = vec![
            function(vec![parameter("a", true)]),
            function(vec![parameter("a", true), parameter("b", false)]),
        ];
        assert!(matches!(
            choose(two.clone(), "s", "f", &arguments(&["a"])),
            Err(RestError::SeveralFunctions { .. })
        ));
        assert!(choose(two, "s", "f", &arguments(&["a", "b"])).is_ok());
    }

    #[test]
    fn an_unnamed_json_parameter_takes_what_nothing_else_takes() {
        let two = vec![
            function(vec![parameter("", true)]),
            function(vec![parameter("a", true)]),
        ];
        assert_eq!(
            choose(two.clone(), "s", "f", &arguments(&["a"])).unwrap(),
            two[1]
        );
        assert_eq!(
            choose(two.clone(), "s", "f", &arguments(&["z"])).unwrap(),
            two[0]
        );
    }
}
