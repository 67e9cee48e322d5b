//! The operations of the database, as `contract/operations.json` states them.
//!
//! The file is generated from the database's catalogue and built into the program: names, arguments,
//! access and results of calls come from it, and nothing here knows a single operation.

mod argument;
mod argument_type;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::caller::Role;

pub use argument::{Argument, JsonText};
pub(crate) use argument_type::depth as json_depth;
pub use argument_type::{ArgumentType, Defect, parse_uuid};

const FILE: &str = include_str!("../../contract/operations.json");

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    Contract::parse(FILE).expect("contract/operations.json is generated, and read by a test")
});

/// The agreement between clients and database.
#[derive(Debug)]
pub struct Contract {
    pub version: &'static str,
    /// The oldest version of the contract that a client may have been built with.
    pub oldest_client: &'static str,
    /// The codes with which any call may be refused, besides those of its operation.
    pub common_errors: Vec<&'static str>,
    operations: BTreeMap<&'static str, Operation>,
}

impl Contract {
    /// The one that this program was built with.
    pub fn get() -> &'static Self {
        &CONTRACT
    }

    /// Every operation, by name.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.values()
    }

    /// None: the database has no operation of this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    /// Reads a file of the form of `contract/operations.json`.
    pub fn parse(text: &'static str) -> serde_json::Result<Self> {
        let file: File = serde_json::from_str(text)?;
        let operations = file.operations.into_iter();
        Ok(Self {
            version: file.version,
            oldest_client: file.oldest_client,
            common_errors: file.common_errors,
            operations: operations
                .map(|(name, entry)| Ok((name, Operation::new(name, entry)?)))
                .collect::<serde_json::Result<_>>()?,
        })
    }
}

/// One function of schema `stream` that roles of the API may call.
#[derive(Debug)]
pub struct Operation {
    pub name: &'static str,
    pub description: String,
    /// The roles that may call it.
    pub callers: Vec<&'static str>,
    pub access: Access,
    pub repeat: Repeat,
    /// The codes of its own refusals.
    pub errors: Vec<&'static str>,
    /// In the order of the function's declaration.
    pub parameters: Vec<Parameter>,
    pub rows: Rows,
    /// The type of the answer, or of each row: a scalar as Postgres writes it, or a composite.
    pub result_type: &'static str,
    /// Whether a scalar answer may be null.
    pub result_may_be_null: bool,
}

/// A declared argument of an operation.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub argument_type: ArgumentType,
    /// The value of an argument that is left out; none: it must be given.
    pub default: Option<Argument>,
}

/// The access mode of a call's transaction. PostgREST derives the same from the function's volatility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    Read,
    Write,
}

/// Whether a call whose answer was lost may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    Safe,
    /// With the same value of this argument: the first result is returned again.
    SafeWith(&'static str),
    Unsafe,
}

/// The form of an operation's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Nothing.
    None,
    /// One value: its JSON is the answer.
    One,
    /// A set: a JSON array, in the order of the function, is the answer.
    Many,
}

impl Operation {
    /// Whether the role may call it: the database's own rule, known without asking it.
    pub fn admits(&self, role: Role) -> bool {
        self.callers.contains(&role.as_str())
    }

    /// The position of the argument in the declaration.
    pub fn position(&self, argument: &str) -> Option<usize> {
        self.parameters
            .iter()
            .position(|parameter| parameter.name == argument)
    }

    fn new(name: &'static str, entry: Entry<'static>) -> serde_json::Result<Self> {
        let rows = match (entry.result.r#type, entry.result.set) {
            ("void", _) => Rows::None,
            (_, true) => Rows::Many,
            (_, false) => Rows::One,
        };
        let repeat = match (entry.repeat.safe, entry.repeat.key) {
            (false, _) => Repeat::Unsafe,
            (true, None) => Repeat::Safe,
            (true, Some(key)) => Repeat::SafeWith(key),
        };
        let parameters = entry.arguments.into_iter().map(Parameter::new);
        Ok(Self {
            name,
            description: entry.description,
            callers: entry.callers,
            access: entry.access,
            repeat,
            errors: entry.errors,
            parameters: parameters.collect::<serde_json::Result<_>>()?,
            rows,
            result_type: entry.result.r#type,
            result_may_be_null: entry.result.null,
        })
    }
}

impl Parameter {
    fn new(entry: ArgumentEntry<'static>) -> serde_json::Result<Self> {
        let default = match (entry.required, entry.default) {
            (true, _) => None,
            (false, None) => Some(Argument::Null),
            (false, Some(value)) => {
                let value = entry.r#type.from_json(value);
                Some(value.map_err(serde_json::Error::custom)?)
            }
        };
        Ok(Self {
            name: entry.name,
            argument_type: entry.r#type,
            default,
        })
    }
}

#[derive(Deserialize)]
struct File<'a> {
    version: &'a str,
    oldest_client: &'a str,
    #[serde(borrow)]
    common_errors: Vec<&'a str>,
    #[serde(borrow)]
    operations: BTreeMap<&'a str, Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    /// With escapes, which no borrowed text can hold.
    description: String,
    #[serde(borrow)]
    callers: Vec<&'a str>,
    #[serde(borrow)]
    errors: Vec<&'a str>,
    access: Access,
    #[serde(borrow)]
    repeat: RepeatEntry<'a>,
    #[serde(borrow)]
    arguments: Vec<ArgumentEntry<'a>>,
    #[serde(borrow)]
    result: ResultEntry<'a>,
}

#[derive(Deserialize)]
struct RepeatEntry<'a> {
    safe: bool,
    #[serde(borrow, default, rename = "with")]
    key: Option<&'a str>,
}

#[derive(Deserialize)]
struct ArgumentEntry<'a> {
    name: &'a str,
    r#type: ArgumentType,
    required: bool,
    #[serde(borrow, default)]
    default: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ResultEntry<'a> {
    r#type: &'a str,
    set: bool,
    null: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_file_is_read_whole() {
        let contract = Contract::parse(FILE).expect("the file that is built in");
        let send = contract.operation("send_message").expect("an operation");
        assert_eq!((send.access, send.rows), (Access::Write, Rows::One));
        assert_eq!(send.repeat, Repeat::SafeWith("id"));

        let history = contract.operation("get_message_history");
        let history = history.expect("an operation");
        assert_eq!((history.access, history.rows), (Access::Read, Rows::Many));
        let default = |name| {
            let position = history.position(name).expect("an argument");
            history.parameters[position].default.clone()
        };
        assert_eq!(history.repeat, Repeat::Safe);
        assert_eq!(default("session_id"), None);
        assert_eq!(default("page_size"), Some(Argument::Integer(50)));
        assert_eq!(default("before_seq"), Some(Argument::Null));
    }
}
