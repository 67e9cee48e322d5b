//! Collecting the arguments of a call from a path, a query and a body, each checked by the contract.
//!
//! A refusal names the argument and never repeats its value.

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::contract::{Argument, Defect, Operation};
use crate::error::ApiError;
use crate::upstream::{Call, Subject};

/// The arguments of one call, as far as they are known.
#[derive(Debug)]
pub struct Arguments {
    operation: &'static Operation,
    given: Vec<Option<Argument>>,
}

impl Arguments {
    pub fn of(operation: &'static Operation) -> Self {
        let given = operation.parameters.iter().map(|_| None).collect();
        Self { operation, given }
    }

    /// Takes an argument from a path or a query.
    pub fn give_text(&mut self, name: &str, text: &str) -> Result<(), ApiError> {
        let position = self.free_position(name)?;
        let argument_type = self.operation.parameters[position].argument_type;
        self.fill(position, argument_type.from_text(text))
    }

    /// Takes an argument from a body.
    pub fn give_json(&mut self, name: &str, value: &RawValue) -> Result<(), ApiError> {
        let position = self.free_position(name)?;
        let argument_type = self.operation.parameters[position].argument_type;
        self.fill(position, argument_type.from_json(value))
    }

    /// The call, in which the contract's defaults stand for what was not given.
    pub fn into_call(self, caller: Caller, deadline: Instant) -> Result<Call, ApiError> {
        let parameters = &self.operation.parameters;
        let arguments = self.given.into_iter().zip(parameters);
        let arguments = arguments.map(|(given, parameter)| {
            given
                .or_else(|| parameter.default.clone())
                .ok_or_else(|| ApiError::invalid_field(parameter.name, "missing"))
        });
        let arguments: Vec<_> = arguments.collect::<Result<_, _>>()?;
        Ok(Call {
            operation: self.operation,
            subject: Subject::of(self.operation, &arguments),
            arguments,
            caller,
            deadline,
        })
    }

    fn free_position(&self, name: &str) -> Result<usize, ApiError> {
        let position = self
            .operation
            .position(name)
            .ok_or_else(|| ApiError::invalid_field(name, "unknown"))?;
        match self.given[position] {
            None => Ok(position),
            Some(_) => Err(ApiError::invalid_field(name, "given twice")),
        }
    }

    fn fill(&mut self, position: usize, read: Result<Argument, Defect>) -> Result<(), ApiError> {
        let parameter = &self.operation.parameters[position];
        let argument = read.map_err(|defect| match defect {
            Defect::Malformed => ApiError::invalid_field(parameter.name, "malformed"),
            Defect::Nul => ApiError::invalid_text(parameter.name),
        })?;
        // No operation has a use for null where it has no default.
        if argument == Argument::Null && parameter.default.is_none() {
            return Err(ApiError::invalid_field(parameter.name, "malformed"));
        }
        self.given[position] = Some(argument);
        Ok(())
    }
}
