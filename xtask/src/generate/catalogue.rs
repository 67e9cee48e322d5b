//! The catalogue of a database to which only the hand-written SQL was applied.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::annotations::Annotated;
use crate::cluster::Address;
use crate::database::OWNER;

/// The schema of the bodies, where the annotated comments are.
pub const PRIVATE: &str = "stream_private";
/// The schema that callers see.
pub const PUBLIC: &str = "stream";
/// The schema of the calls that edge_api makes.
pub const EDGE: &str = "stream_edge";
/// The schema of the native functions.
pub const NATIVE: &str = "stream_ext";

/// Everything that files are generated from.
#[derive(Debug, Deserialize)]
pub struct Catalogue {
    pub functions: Vec<Function>,
    /// The composite types of schema `stream`, in the order of their names.
    pub composites: Vec<Composite>,
}

/// One function, or a procedure. Names are quoted where SQL needs it, types named as `format_type` does.
#[derive(Debug, Clone, Deserialize)]
pub struct Function {
    pub schema: String,
    pub name: String,
    /// The types of the arguments, which with the name are its identity.
    pub types: String,
    pub is_procedure: bool,
    pub arguments: Vec<Argument>,
    /// The columns of RETURNS TABLE; empty otherwise.
    pub columns: Vec<Column>,
    pub result: String,
    pub is_set: bool,
    pub volatility: String,
    pub parallel: String,
    /// `name=value`, as the declaration sets them.
    pub settings: Vec<String>,
    pub body: String,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Argument {
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
    /// The expression.
    pub default: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Composite {
    pub name: String,
    pub comment: Option<String>,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Field {
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
    pub comment: Option<String>,
}

impl Catalogue {
    pub fn read(address: &Address, database: &str) -> Result<Self> {
        let text = address
            .psql(OWNER, database)
            .run(include_str!("catalogue.sql"))
            .context("cannot read the catalogue")?;
        serde_json::from_str(&text).context("the catalogue is not as expected")
    }

    pub fn of_schema<'a>(&'a self, schema: &'a str) -> impl Iterator<Item = &'a Function> {
        self.functions
            .iter()
            .filter(move |function| function.schema == schema)
    }

    /// The composite that a type name of schema `stream` means.
    pub fn composite(&self, type_name: &str) -> Option<&Composite> {
        let name = type_name.strip_prefix("stream.")?;
        self.composites
            .iter()
            .find(|composite| composite.name == name)
    }
}

impl Function {
    /// `schema.name(types)`, which identifies it in statements.
    pub fn signature(&self) -> String {
        format!("{}.{}({})", self.schema, self.name, self.types)
    }

    /// `$1, $2, ...`
    pub fn parameters(&self) -> String {
        let parameters: Vec<String> = (1..=self.arguments.len())
            .map(|place| format!("${place}"))
            .collect();
        parameters.join(", ")
    }
}

impl Composite {
    /// The parsed comment.
    pub fn annotated(&self) -> Annotated {
        Annotated::parse(self.comment.as_deref().unwrap_or_default())
    }

    /// True when it is the payload of an event.
    pub fn is_payload(&self) -> bool {
        self.annotated().has("event")
    }
}
