//! The statements of each operation: few, so the cache of prepared statements holds as many.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::contract::{Contract, Operation, Rows};
use crate::lock::Lock;

/// After its function was found missing or refused, an operation is called in four messages for so long.
const AVOIDED: Duration = Duration::from_secs(60);

/// The statements of each operation, by the operation's name. The names in a statement are those of
/// the contract, never of a request.
pub(super) struct Statements(HashMap<&'static str, OfOperation>);

/// The statements that call an operation.
pub(super) struct OfOperation {
    /// The whole call: the function of schema `stream_edge` takes on role and claims.
    pub(super) whole: Whole,
    /// The call alone, in a transaction that has them.
    pub(super) inner: String,
}

/// A statement that the database may lack, or refuse to the login role.
pub(super) struct Whole {
    text: String,
    avoided_until: Lock<Option<Instant>>,
}

impl Statements {
    pub(super) fn of(contract: &'static Contract) -> Self {
        let operations = contract.operations();
        Self(
            operations
                .map(|operation| (operation.name, OfOperation::new(operation)))
                .collect(),
        )
    }

    /// The statements that call an operation of the contract.
    pub(super) fn calling(&self, operation: &Operation) -> &OfOperation {
        &self.0[operation.name]
    }
}

impl OfOperation {
    fn new(operation: &Operation) -> Self {
        Self {
            whole: Whole {
                text: whole(operation),
                avoided_until: Lock::default(),
            },
            inner: inner(operation),
        }
    }
}

impl Whole {
    /// None while it is avoided.
    pub(super) fn text(&self) -> Option<&str> {
        let mut until = self.avoided_until.lock();
        if until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        *until = None;
        Some(&self.text)
    }

    /// Notes that the call is made without it, and not with it.
    pub(super) fn avoid(&self) {
        *self.avoided_until.lock() = Some(Instant::now() + AVOIDED);
    }
}

/// Role, claims, method, path and lock_timeout come before the arguments.
fn whole(operation: &Operation) -> String {
    let arguments = arguments(operation, 6);
    let separator = if arguments.is_empty() { "" } else { ", " };
    format!(
        "select stream_edge.\"{}\"($1, $2, $3, $4, $5{separator}{arguments})",
        operation.name
    )
}

fn inner(operation: &Operation) -> String {
    let result = match operation.rows {
        Rows::None | Rows::One => "to_json(answer)",
        Rows::Many => "coalesce(json_agg(answer), '[]'::json)",
    };
    format!(
        "select {result} from stream.\"{}\"({}) as answer",
        operation.name,
        arguments(operation, 1)
    )
}

/// By their names, the parameters from this number on.
fn arguments(operation: &Operation, first: usize) -> String {
    let parameters = operation.parameters.iter().zip(first..);
    let arguments: Vec<_> = parameters
        .map(|(parameter, number)| format!("\"{}\" => ${number}", parameter.name))
        .collect();
    arguments.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(name: &str) -> &'static Operation {
        Contract::get().operation(name).expect("an operation")
    }

    #[test]
    fn a_statement_names_its_arguments_and_answers_one_value() {
        assert_eq!(
            inner(operation("sync")),
            "select to_json(answer) from stream.\"sync\"(\"session_id\" => $1, \
             \"after_seq\" => $2, \"epoch\" => $3) as answer"
        );
        assert_eq!(
            inner(operation("tick")),
            "select to_json(answer) from stream.\"tick\"() as answer"
        );
    }

    #[test]
    fn a_set_is_answered_as_one_array() {
        assert_eq!(
            inner(operation("list_blocked_terms")),
            "select coalesce(json_agg(answer), '[]'::json) from stream.\"list_blocked_terms\"\
             (\"session_id\" => $1) as answer"
        );
    }

    #[test]
    fn a_whole_call_says_first_as_whom_it_is_made() {
        assert_eq!(
            whole(operation("list_blocked_terms")),
            "select stream_edge.\"list_blocked_terms\"($1, $2, $3, $4, $5, \"session_id\" => $6)"
        );
        assert_eq!(
            whole(operation("tick")),
            "select stream_edge.\"tick\"($1, $2, $3, $4, $5)"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_statement_that_the_database_lacks_is_tried_again_later() {
        let statements = OfOperation::new(operation("tick"));
        assert!(statements.whole.text().is_some());
        statements.whole.avoid();
        tokio::time::advance(AVOIDED - Duration::from_millis(1)).await;
        assert_eq!(statements.whole.text(), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(statements.whole.text().is_some());
    }
}
