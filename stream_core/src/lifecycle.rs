//! The states of a stream and the legal transitions between them.

/// The state of a stream session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamState {
    /// Created; the seller is not publishing yet.
    Initializing,
    /// The seller is publishing.
    Active,
    /// The seller interrupted the broadcast on purpose.
    Paused,
    /// Over for good.
    Ended,
    /// The host is lost or failed; a returning host takes the stream up again.
    Error,
}

/// The effect of a legal transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The state changes, and subscribers get an event.
    Changed,
    /// The stream is in that state already: a success without an event.
    Unchanged,
}

/// A transition that the lifecycle does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stream cannot move from {} to {}", from.as_str(), to.as_str())]
pub struct IllegalTransition {
    pub from: StreamState,
    pub to: StreamState,
}

impl StreamState {
    pub const ALL: &'static [Self] = &[
        Self::Initializing,
        Self::Active,
        Self::Paused,
        Self::Ended,
        Self::Error,
    ];

    /// The name in SQL, JSON and TypeScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Ended => "ended",
            Self::Error => "error",
        }
    }

    /// The state with this name; names are lower case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|state| state.as_str() == name)
    }
}

/// Judges a transition. The same state again is [`Transition::Unchanged`], for an ended stream too, so that a
/// repeated request succeeds.
pub const fn transition(
    from: StreamState,
    to: StreamState,
) -> Result<Transition, IllegalTransition> {
    use StreamState::{Active, Ended, Error, Initializing, Paused};

    match (from, to) {
        (Initializing, Initializing)
        | (Active, Active)
        | (Paused, Paused)
        | (Ended, Ended)
        | (Error, Error) => Ok(Transition::Unchanged),
        (Initializing, Active | Error | Ended)
        | (Active, Paused | Error | Ended)
        | (Paused, Active | Error | Ended)
        // A returning host goes back to whatever the state was before the error.
        | (Error, Initializing | Active | Paused | Ended) => Ok(Transition::Changed),
        (Initializing, Paused) | (Active | Paused, Initializing) | (Ended, _) => {
            Err(IllegalTransition { from, to })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::StreamState::{Active, Ended, Error, Initializing, Paused};
    use super::*;
    use property_seed::config;

    /// Rows: from; columns: to; both in the order of `StreamState::ALL`.
    /// `+` changes, `=` changes nothing, `-` is illegal.
    const TABLE: [(StreamState, &str); 5] = [
        (Initializing, "=+-++"),
        (Active, "-=+++"),
        (Paused, "-+=++"),
        (Ended, "---=-"),
        (Error, "++++="),
    ];

    #[test]
    fn every_pair_of_states_is_judged_as_the_table_says() {
        for (from, row) in TABLE {
            for (to, expected) in StreamState::ALL.iter().copied().zip(row.chars()) {
                let judged = match transition(from, to) {
                    Ok(Transition::Changed) => '+',
                    Ok(Transition::Unchanged) => '=',
                    Err(refused) => {
                        assert_eq!(refused, IllegalTransition { from, to });
                        '-'
                    }
                };
                assert_eq!(judged, expected, "{} to {}", from.as_str(), to.as_str());
            }
        }
    }

    #[test]
    fn a_state_is_found_by_its_name_and_by_no_other() {
        for state in StreamState::ALL {
            assert_eq!(StreamState::parse(state.as_str()), Some(*state));
        }
        assert_eq!(StreamState::parse("ACTIVE"), None);
        assert_eq!(StreamState::parse("active "), None);
        assert_eq!(StreamState::parse(""), None);
    }

    #[test]
    fn a_refusal_names_both_states() {
        assert_eq!(
            transition(Ended, Active).unwrap_err().to_string(),
            "a stream cannot move from ended to active"
        );
    }

    /// The state after several requests: a refused one leaves the state as it was.
    fn after(state: StreamState, requests: &[StreamState]) -> StreamState {
        requests
            .iter()
            .fold(state, |state, request| match transition(state, *request) {
                Ok(_) => *request,
                Err(_) => state,
            })
    }

    #[test]
    fn every_state_is_reached_from_the_first_and_can_be_ended() {
        for path in [
            &[][..],
            &[Active],
            &[Active, Paused],
            &[Active, Error],
            &[Error, Paused],
        ] {
            let state = after(Initializing, path);
            assert_eq!(state, path.last().copied().unwrap_or(Initializing));
            assert_eq!(after(state, &[Ended]), Ended);
        }
    }

    fn requests() -> impl Strategy<Value = Vec<StreamState>> {
        proptest::collection::vec(proptest::sample::select(StreamState::ALL), 0..40)
    }

    proptest! {
        #![proptest_config(config(512))]

        /// Feature: streaming-realtime-fixes, Property 5: For any stream lifecycle event (start,
        /// pause, resume, end, error), the Stream_Service should update Stream_State accurately,
        /// notify subscribers, and maintain consistency across network interruptions
        #[test]
        fn a_move_that_is_asked_for_twice_changes_the_state_once(before in requests(), to in requests()) {
            let mut state = after(Initializing, &before);
            for request in to {
                if transition(state, request).is_ok() {
                    state = request;
                    prop_assert_eq!(transition(state, request), Ok(Transition::Unchanged));
                }
            }
        }

        /// Feature: streaming-realtime-fixes, Property 14: For any stream session lifecycle event
        /// (start, pause, resume, end, timeout), the Stream_Service should initialize/cleanup
        /// resources appropriately, maintain session state correctly, notify participants of
        /// changes, and handle session timeouts automatically
        #[test]
        fn no_path_leaves_ended(before in requests(), afterwards in requests()) {
            let state = after(Initializing, &before);
            prop_assert_eq!(transition(state, Ended).is_ok(), true);
            prop_assert_eq!(after(Ended, &afterwards), Ended);
            for request in afterwards {
                let expected = if request == Ended {
                    Ok(Transition::Unchanged)
                } else {
                    Err(IllegalTransition { from: Ended, to: request })
                };
                prop_assert_eq!(transition(Ended, request), expected);
            }
        }
    }
}
