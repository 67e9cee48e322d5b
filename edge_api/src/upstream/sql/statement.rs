//! The statement of each operation: one, so the cache of prepared statements holds as many.

use std::collections::HashMap;

use crate::contract::{Contract, Operation, Rows};

/// One statement for each operation, by the operation's name. The names in a statement are those of
/// the contract, never of a request.
pub(super) struct Statements(HashMap<&'static str, String>);

impl Statements {
    pub(super) fn of(contract: &'static Contract) -> Self {
        let operations = contract.operations();
        Self(
            operations
                .map(|operation| (operation.name, statement(operation)))
                .collect(),
        )
    }

    /// The statement that calls an operation of the contract.
    pub(super) fn calling(&self, operation: &Operation) -> &str {
        &self.0[operation.name]
    }
}

fn statement(operation: &Operation) -> String {
    let parameters = operation.parameters.iter().zip(1..);
    let arguments: Vec<_> = parameters
        .map(|(parameter, number)| format!("\"{}\" => ${number}", parameter.name))
        .collect();
    let result = match operation.rows {
        Rows::None | Rows::One => "to_json(answer)",
        Rows::Many => "coalesce(json_agg(answer), '[]'::json)",
    };
    format!(
        "select {result} from stream.\"{}\"({}) as answer",
        operation.name,
        arguments.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement_of(name: &str) -> String {
        statement(Contract::get().operation(name).expect("an operation"))
    }

    #[test]
    fn a_statement_names_its_arguments_and_answers_one_value() {
        assert_eq!(
            statement_of("sync"),
            "select to_json(answer) from stream.\"sync\"(\"session_id\" => $1, \
             \"after_seq\" => $2, \"epoch\" => $3) as answer"
        );
        assert_eq!(
            statement_of("tick"),
            "select to_json(answer) from stream.\"tick\"() as answer"
        );
    }

    #[test]
    fn a_set_is_answered_as_one_array() {
        assert_eq!(
            statement_of("list_blocked_terms"),
            "select coalesce(json_agg(answer), '[]'::json) from stream.\"list_blocked_terms\"\
             (\"session_id\" => $1) as answer"
        );
    }
}
