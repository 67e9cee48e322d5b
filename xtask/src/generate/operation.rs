//! Operations: annotated functions of `stream_private`, checked and with what they mean.

use anyhow::{Context, Result, bail};
use stream_core::error::ErrorCode;

use super::annotations::Annotated;
use super::catalogue::{Argument, Catalogue, Function, PRIVATE};
use super::values::Value;

/// The roles of the API that an operation can be granted to.
pub const CALLERS: &[&str] = &["authenticated", "service_role"];

/// The errors that every call can give, whatever it does: who calls is judged, its values are read, and
/// Postgres has its own reasons.
pub const COMMON_ERRORS: &[&str] = &[
    "unauthenticated",
    "token_invalid",
    "forbidden",
    "permission_denied",
    "invalid_text",
    "invalid_escape",
    "invalid_syntax",
    "out_of_range",
    "statement_timeout",
    "lock_timeout",
    "deadlock",
    "read_only",
    "too_many_connections",
    "disk_full",
    "out_of_memory",
    "resource_limit",
    "storage_failed",
    "server_stopping",
    "server_crashed",
    "server_starting",
    "internal",
];

/// The argument that the generator adds where a body that does not take it is safe to repeat with it.
pub const REQUEST_ID: &str = "request_id";
/// The error that such an operation can give besides.
const REQUEST_ID_CONFLICT: &str = "request_id_conflict";

/// A function of `stream_private` that API roles may execute.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The function as callers see it.
    pub function: Function,
    /// The hand-written one, where [`REQUEST_ID`] was added to what callers see: nobody may execute it.
    pub inner: Option<Function>,
    pub description: String,
    pub callers: Vec<String>,
    pub repeat: Repeat,
    /// Codes of the catalogue beyond [`COMMON_ERRORS`].
    pub errors: Vec<String>,
    pub is_null: bool,
    /// The native function that the generated body forwards to.
    pub native: Option<String>,
    /// Whether the generated body plans statements, so that it sets how. Annotation `@plans nothing` denies it.
    pub plans: bool,
    /// For policies: it has no wrapper.
    pub is_policy: bool,
    /// The defaults of the arguments, in their order.
    pub defaults: Vec<Option<Value>>,
}

/// The effect of making the same call again, because its answer was lost for instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeat {
    Safe,
    /// The same value of this argument again returns the first result.
    SafeWith(String),
    Unsafe,
}

impl Operation {
    pub fn reads_only(&self) -> bool {
        self.function.volatility != "volatile"
    }

    /// All of a catalogue, by name. Those without `@callers` are internal.
    pub fn all(catalogue: &Catalogue) -> Result<Vec<Self>> {
        let mut operations: Vec<Self> = Vec::new();
        for function in catalogue.of_schema(PRIVATE) {
            let comment = Annotated::parse(function.comment.as_deref().unwrap_or_default());
            let operation = Self::of(function, &comment)
                .with_context(|| format!("the comment of {}", function.signature()))?;
            let Some(operation) = operation else {
                continue;
            };
            if operations
                .last()
                .is_some_and(|last| last.function.name == function.name)
            {
                bail!(
                    "{} exists twice: PostgREST cannot tell them apart",
                    function.name
                );
            }
            operations.push(operation);
        }
        Ok(operations)
    }

    fn of(function: &Function, comment: &Annotated) -> Result<Option<Self>> {
        if !comment.has("callers") {
            comment.expect(&[])?;
            return Ok(None);
        }
        comment.expect(&[
            "callers", "repeat", "errors", "null", "native", "plans", "policy",
        ])?;
        if comment.description.is_empty() {
            bail!("says nothing of what it does");
        }
        let callers = comment.list("callers");
        if callers.is_empty() || callers.iter().any(|role| !CALLERS.contains(&role.as_str())) {
            bail!("@callers names roles of {CALLERS:?}");
        }
        for argument in &function.arguments {
            if ["limit", "offset"].contains(&argument.name.trim_matches('"')) {
                bail!("PostgREST takes an argument {} for its own", argument.name);
            }
        }
        let mut errors = comment.list("errors");
        for code in &errors {
            if COMMON_ERRORS.contains(&code.as_str()) {
                bail!("{code} is one of the common errors");
            }
            match ErrorCode::parse(code) {
                None => bail!("{code} is no code of the catalogue"),
                Some(code) if code.sqlstate().is_none() => {
                    bail!("{} is given by edge_api alone", code.as_str())
                }
                Some(_) => {}
            }
        }
        let native = comment.get("native").map(|name| match name {
            "" => function.name.clone(),
            name => name.to_owned(),
        });
        let plans = match (comment.get("plans"), &native) {
            (None, _) => true,
            (Some("nothing"), Some(_)) => false,
            (Some("nothing"), None) => {
                bail!("@plans is for generated bodies; others say it themselves")
            }
            (Some(_), _) => bail!("@plans is nothing, or not there"),
        };
        let repeat = repeat(function, comment.get("repeat"))?;
        let takes_id = function
            .arguments
            .iter()
            .any(|argument| argument.name == REQUEST_ID);
        let adds_id = repeat == Repeat::SafeWith(REQUEST_ID.to_owned()) && !takes_id;
        let inner = adds_id.then(|| function.clone());
        let mut function = function.clone();
        if adds_id {
            errors.push(REQUEST_ID_CONFLICT.to_owned());
            add_request_id(&mut function)?;
        }
        let defaults = function.arguments.iter().map(|argument| {
            let default = argument.default.as_deref().map(Value::parse).transpose();
            default.with_context(|| format!("the default of {}", argument.name))
        });
        Ok(Some(Self {
            description: comment.description.clone(),
            callers,
            repeat,
            errors,
            is_null: comment.has("null"),
            native,
            plans,
            is_policy: comment.has("policy"),
            defaults: defaults.collect::<Result<_>>()?,
            function,
            inner,
        }))
    }

    /// The operation as its body was written by hand, without the added argument.
    pub fn without_request_id(&self) -> Self {
        let function = self.body().clone();
        let mut operation = self.clone();
        operation.defaults.truncate(function.arguments.len());
        operation.function = function;
        operation
    }

    /// The function with the body that does the work.
    pub fn body(&self) -> &Function {
        self.inner.as_ref().unwrap_or(&self.function)
    }
}

fn add_request_id(function: &mut Function) -> Result<()> {
    if function.is_set || function.result == "void" || function.arguments.is_empty() {
        bail!("only one result of something can be kept for a {REQUEST_ID}");
    }
    function.types.push_str(", uuid");
    function.arguments.push(Argument {
        name: REQUEST_ID.to_owned(),
        type_name: "uuid".to_owned(),
        default: Some("NULL::uuid".to_owned()),
    });
    Ok(())
}

fn repeat(function: &Function, annotation: Option<&str>) -> Result<Repeat> {
    let Some(text) = annotation else {
        if function.volatility == "volatile" {
            bail!("@repeat is missing: it is safe, safe with <argument> or unsafe");
        }
        return Ok(Repeat::Safe);
    };
    if function.volatility != "volatile" {
        bail!("@repeat says nothing of a {} function", function.volatility);
    }
    match text.split(' ').collect::<Vec<_>>()[..] {
        ["safe"] => Ok(Repeat::Safe),
        ["unsafe"] => Ok(Repeat::Unsafe),
        ["safe", "with", argument] => {
            if argument != REQUEST_ID
                && function
                    .arguments
                    .iter()
                    .all(|known| known.name != argument)
            {
                bail!("@repeat names {argument}, which is no argument");
            }
            Ok(Repeat::SafeWith(argument.to_owned()))
        }
        _ => bail!("@repeat is safe, safe with <argument> or unsafe"),
    }
}
