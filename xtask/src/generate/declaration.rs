//! CREATE FUNCTION statements in the form in which people write them here.

use super::catalogue::{Column, Function};
use super::operation::Operation;
use super::values::literal;

const SEARCH_PATH: &str = "search_path=pg_catalog, pg_temp";
const WIDTH: usize = 120;
/// The settings under which statements behind the boundary are planned; hand-written bodies have the same line. CONTRIBUTING.md
/// gives the reasons.
const PLANNING: &str = "set jit = off set enable_seqscan = off set enable_bitmapscan = off";

/// The parts of a declaration that do not come from the operation.
pub struct Declaration<'a> {
    pub schema: &'a str,
    pub replaces: bool,
    pub is_definer: bool,
    /// Whether its statements are planned as [`PLANNING`] says.
    pub plans: bool,
    /// `name=value`, without the search path.
    pub settings: Vec<&'a str>,
    /// The lines between `as $$` and `$$`.
    pub body: String,
}

impl Declaration<'_> {
    pub fn write(&self, operation: &Operation) -> String {
        let function = &operation.function;
        let create = if self.replaces {
            "create or replace function"
        } else {
            "create function"
        };
        let arguments: Vec<String> = function
            .arguments
            .iter()
            .zip(&operation.defaults)
            .map(|(argument, default)| {
                let declared = format!("{} {}", argument.name, short(&argument.type_name));
                match default {
                    Some(default) => format!("{declared} default {}", default.sql()),
                    None => declared,
                }
            })
            .collect();
        let head = format!("{create} {}.{}", self.schema, function.name);
        let mut line = format!("{head}({})", arguments.join(", "));
        if line.len() > WIDTH {
            line = format!("{head}(\n    {}\n)", arguments.join(",\n    "));
        }
        let mut text = format!("{line}\nreturns {}\nlanguage plpgsql", returned(function));
        if function.volatility != "volatile" {
            text.push_str(&format!(" {}", function.volatility));
        }
        if function.parallel != "unsafe" {
            text.push_str(&format!(" parallel {}", function.parallel));
        }
        if self.is_definer {
            text.push_str(" security definer");
        }
        text.push_str("\nset search_path = pg_catalog, pg_temp\n");
        if self.plans {
            text.push_str(&format!("{PLANNING}\n"));
        }
        for setting in &self.settings {
            if let Some((name, value)) = setting.split_once('=') {
                text.push_str(&format!("set {name} = {}\n", literal(value)));
            }
        }
        text.push_str(&format!("as $$\n{}$$;\n", self.body));
        text
    }
}

/// The settings of a function but its search path, which every function has.
pub fn settings(function: &Function) -> Vec<&str> {
    function
        .settings
        .iter()
        .map(String::as_str)
        .filter(|setting| *setting != SEARCH_PATH)
        .collect()
}

/// Lines of a block, which begins with BEGIN where nothing is declared.
pub fn block(statements: &[String]) -> String {
    let mut text = String::from("begin\n");
    for statement in statements {
        text.push_str(&format!("    {statement}\n"));
    }
    text.push_str("end\n");
    text
}

/// The names of columns behind one alias, with the casts that the fields need.
pub fn wrapped(items: &[String], indent: &str) -> String {
    let mut lines = vec![String::new()];
    for (place, item) in items.iter().enumerate() {
        let item = if place + 1 < items.len() {
            format!("{item},")
        } else {
            item.clone()
        };
        let line = lines.last_mut().expect("there is one");
        if line.is_empty() {
            line.push_str(&item);
        } else if indent.len() + line.len() + item.len() + 8 > WIDTH {
            lines.push(item);
        } else {
            line.push(' ');
            line.push_str(&item);
        }
    }
    lines.join(&format!("\n{indent}    "))
}

fn returned(function: &Function) -> String {
    let result = short(&function.result);
    if function.is_set {
        format!("setof {result}")
    } else {
        result.to_owned()
    }
}

/// The name that people use.
pub fn short(type_name: &str) -> &str {
    match type_name {
        "timestamp with time zone" => "timestamptz",
        other => other,
    }
}

/// The column of this name.
pub fn column<'a>(columns: &'a [Column], name: &str) -> Option<&'a Column> {
    columns.iter().find(|column| column.name == name)
}
