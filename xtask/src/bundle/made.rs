//! Objects that statements of the repeatable migration make, and how one is recognised in a database.

use anyhow::{Context, Result, bail};

use crate::statements::{until, without_comments};

/// An object, as `drop <kind> <name>` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub kind: Kind,
    /// Of a function with its arguments, of a trigger or policy with `on <table>`.
    pub name: String,
    /// What `create or replace` cannot change: an object of another form is dropped first. Of a function its result and how many of
    /// its arguments have a default; empty for the others, whose form is a digest of their statements.
    pub form: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Function,
    Procedure,
    View,
    Trigger,
    Policy,
}

/// What statements that make no object may begin with: they can be run again, and touch no row.
const REPEATABLE: [&str; 4] = ["comment on ", "revoke ", "grant ", "do "];

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::View => "view",
            Self::Trigger => "trigger",
            Self::Policy => "policy",
        }
    }

    const ALL: [Self; 5] = [
        Self::Function,
        Self::Procedure,
        Self::View,
        Self::Trigger,
        Self::Policy,
    ];
}

impl Made {
    /// What a statement makes; nothing where it makes no object. Fails for statements that cannot be run again.
    pub fn of(statement: &str) -> Result<Option<Self>> {
        let text = without_comments(statement);
        if REPEATABLE.iter().any(|begin| text.starts_with(begin)) {
            return Ok(None);
        }
        let made = text
            .strip_prefix("create or replace ")
            .or_else(|| text.strip_prefix("create "));
        let found = made.and_then(|made| {
            Kind::ALL.into_iter().find_map(|kind| {
                let rest = made.strip_prefix(kind.as_str())?.strip_prefix(' ')?;
                Some((kind, rest))
            })
        });
        let Some((kind, rest)) = found else {
            let line = text.lines().next().unwrap_or_default();
            bail!("`{line}` cannot be run again: tables and types belong in sql/schema/");
        };
        let (name, form) = match kind {
            Kind::Function | Kind::Procedure => function(rest)?,
            Kind::View => (first_word(rest).to_owned(), String::new()),
            Kind::Trigger | Kind::Policy => (on_table(rest)?, String::new()),
        };
        Ok(Some(Self { kind, name, form }))
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// `<name> on <table>`
fn on_table(text: &str) -> Result<String> {
    let table = words(text)
        .skip_while(|word| *word != "on")
        .nth(1)
        .with_context(|| format!("{} is on no table", first_word(text)))?;
    Ok(format!("{} on {table}", first_word(text)))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// `<name>(<arguments without their defaults>)`, and the rest of its form.
fn function(text: &str) -> Result<(String, String)> {
    let open = text.find('(').context("a function without arguments")?;
    let arguments = until(&text[open + 1..], &[")"]);
    let rest = &text[open + 1 + arguments.len() + 1..];
    let mut declared = Vec::new();
    let mut defaults = 0;
    let mut left = arguments;
    while !left.trim().is_empty() {
        let argument = until(left, &[","]);
        left = left[argument.len()..].trim_start_matches(',');
        let argument = words(argument).collect::<Vec<_>>().join(" ");
        let name_and_type = argument.split(" default ").next().unwrap_or_default();
        defaults += usize::from(name_and_type.len() < argument.len());
        declared.push(name_and_type.to_owned());
    }
    let result = words(rest)
        .take_while(|word| *word != "language")
        .collect::<Vec<_>>()
        .join(" ");
    Ok((
        format!("{}({})", &text[..open], declared.join(", ")),
        format!("{result} defaults {defaults}")
            .trim_start()
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(statement: &str) -> Option<(&'static str, String, String)> {
        let made = Made::of(statement).expect("can be run again")?;
        Some((made.kind.as_str(), made.name, made.form))
    }

    #[test]
    fn a_function_is_its_arguments_and_its_result() {
        assert_eq!(
            made(
                "-- Why.\ncreate function s.f(\n    a uuid,\n    b numeric(3, 1) default round(1.5),\n    c text default ',)'\n)\nreturns setof s.t\nlanguage sql\nas $$ select 1; $$;"
            ),
            Some((
                "function",
                "s.f(a uuid, b numeric(3, 1), c text)".to_owned(),
                "returns setof s.t defaults 2".to_owned()
            ))
        );
        assert_eq!(
            made("create or replace procedure s.p()\nlanguage plpgsql\nas 'begin end';"),
            Some(("procedure", "s.p()".to_owned(), "defaults 0".to_owned()))
        );
    }

    #[test]
    fn triggers_and_policies_are_on_a_table() {
        let trigger =
            "create trigger t\nafter insert or update on s.x\nfor each row execute function s.f();";
        assert_eq!(made(trigger).expect("is made").1, "t on s.x");
        let policy = "create policy p on s.y\nfor select to a using (true);";
        assert_eq!(made(policy).expect("is made").1, "p on s.y");
        assert_eq!(
            made("create view s.v as\nselect 1;").expect("is made").1,
            "s.v"
        );
    }

    #[test]
    fn only_what_can_be_run_again_is_taken() {
        assert_eq!(made("grant execute on function s.f() to a;"), None);
        for statement in [
            "create table s.t (id uuid);",
            "drop table s.t;",
            "insert into s.t default values;",
            "create type s.u as (a integer);",
            "alter table s.t add b text;",
        ] {
            assert!(Made::of(statement).is_err(), "{statement}");
        }
    }
}
