//! Random cases played on the product and held against a model: generation, comparison, the smallest failure, replay.
//!
//! A [`Model`] brings its operations, its state and its comparisons; a [`Property`] plays cases of any other shape, as
//! connections that call at the same time. The seed of a failing run repeats it.

use std::fmt::Debug;
use std::thread;

use anyhow::{Context, Result, anyhow, bail, ensure};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use serde_json::{Map, Value};
use stream_core::error::ErrorCode;
use tokio::runtime::Runtime;
use tokio_postgres::Error;

use crate::refusal::expect_refusal;
use property_seed::{config, config_with_seed};

/// Something that holds for every case.
pub trait Property: Sized {
    type Case: Debug;
    const CASES: u32 = 256;
    /// How often a failing case is made smaller; 0 where the server's own timing decides the outcome.
    const MAX_SHRINKS: u32 = 256;

    fn cases() -> impl Strategy<Value = Self::Case>;

    /// Makes the database and the connections that all cases share.
    fn enter() -> impl Future<Output = Result<Self>>;

    /// Plays one case; an error is a failure of the product.
    fn play(&self, case: &Self::Case) -> impl Future<Output = Result<()>>;
}

/// Operations one after the other, each of which is played on the product and applied to a state in memory.
pub trait Model: Sized {
    type Operation: Debug;
    /// What one case names, and what the product should hold.
    type State;

    fn operations() -> impl Strategy<Value = Vec<Self::Operation>>;

    /// Makes the database and the connections that all cases share.
    fn enter() -> impl Future<Output = Result<Self>>;

    /// Makes what one case is played on.
    fn begin(&self) -> impl Future<Output = Result<Self::State>>;

    /// Plays one operation on both and compares what it returned.
    fn step(
        &self,
        state: &mut Self::State,
        operation: &Self::Operation,
    ) -> impl Future<Output = Result<()>>;

    /// Compares everything that is stored and was sent.
    fn compare(&self, state: Self::State) -> impl Future<Output = Result<()>>;
}

/// A model as a property of sequences.
struct Sequences<M>(M);

impl<M: Model> Property for Sequences<M> {
    type Case = Vec<M::Operation>;

    fn cases() -> impl Strategy<Value = Self::Case> {
        M::operations()
    }

    async fn enter() -> Result<Self> {
        Ok(Self(M::enter().await?))
    }

    async fn play(&self, operations: &Self::Case) -> Result<()> {
        let mut state = self.0.begin().await?;
        for (number, operation) in operations.iter().enumerate() {
            let step = self.0.step(&mut state, operation).await;
            step.with_context(|| format!("operation {number}, {operation:?}"))?;
        }
        self.0.compare(state).await
    }
}

/// Plays random sequences of a model.
pub fn check_model<M: Model>() -> Result<()> {
    check::<Sequences<M>>()
}

/// Plays random cases of a property.
pub fn check<P: Property>() -> Result<()> {
    check_with::<P>(Config {
        max_shrink_iters: P::MAX_SHRINKS,
        ..config(P::CASES)
    })
}

fn check_with<P: Property>(config: Config) -> Result<()> {
    let RngSeed::Fixed(seed) = config.rng_seed else {
        bail!("without a seed");
    };
    let first_cases = || drawn(&P::cases(), seed, 8);
    ensure!(
        first_cases()? == first_cases()?,
        "the seed does not decide the cases"
    );
    let runtime = Runtime::new()?;
    let property = runtime.block_on(P::enter())?;
    let played = TestRunner::new(config).run(&P::cases(), |case| {
        runtime
            .block_on(property.play(&case))
            .map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    match played {
        Ok(()) => Ok(()),
        Err(TestError::Abort(reason)) => bail!("no cases: {reason}"),
        Err(TestError::Fail(reason, case)) => bail!(
            "{reason}\nin the smallest case that fails: {case:#?}\n\
             again: PROPERTY_SEED={seed} cargo x test {}",
            thread::current().name().unwrap_or_default()
        ),
    }
}

/// The first cases of a seed, as text.
fn drawn(strategy: &impl Strategy<Value: Debug>, seed: u64, count: u32) -> Result<Vec<String>> {
    let mut runner = TestRunner::new(config_with_seed(seed, count));
    (0..count)
        .map(|_| {
            let tree = strategy.new_tree(&mut runner);
            let tree = tree.map_err(|reason| anyhow!("no case: {reason}"))?;
            Ok(format!("{:?}", tree.current()))
        })
        .collect()
}

/// What a model says about the outcome of a call.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing.
    Unspecified,
    /// It succeeds, with whatever value.
    Success,
    Value(Value),
    /// These members of what is returned.
    Members(Map<String, Value>),
    Refusal(ErrorCode),
}

impl From<Result<Outcome, ErrorCode>> for Outcome {
    fn from(result: Result<Self, ErrorCode>) -> Self {
        result.unwrap_or_else(Self::Refusal)
    }
}

/// The members of an object, and all of any other value.
impl From<Result<Value, ErrorCode>> for Outcome {
    fn from(result: Result<Value, ErrorCode>) -> Self {
        match result {
            Ok(Value::Object(members)) => Self::Members(members),
            Ok(value) => Self::Value(value),
            Err(code) => Self::Refusal(code),
        }
    }
}

impl Outcome {
    /// Fails unless a call ended like this.
    pub fn compare(self, returned: Result<Value, Error>) -> Result<()> {
        match self {
            Self::Unspecified => {}
            Self::Refusal(code) => expect_refusal(code, returned)?,
            Self::Success => {
                returned?;
            }
            Self::Value(expected) => {
                let value = returned?;
                ensure!(value == expected, "{value} instead of {expected}");
            }
            Self::Members(expected) => {
                let value = returned?;
                for (name, expected) in expected {
                    let found = &value[&name];
                    ensure!(
                        *found == expected,
                        "{name} is {found} instead of {expected}"
                    );
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A counter that loses what is added from 3 on, where it is broken.
    struct Counter<const IS_BROKEN: bool>(Cell<u32>);

    impl<const IS_BROKEN: bool> Model for Counter<IS_BROKEN> {
        type Operation = u32;
        type State = u32;

        fn operations() -> impl Strategy<Value = Vec<u32>> {
            vec(1..50_u32, 0..20)
        }

        async fn enter() -> Result<Self> {
            Ok(Self(Cell::new(0)))
        }

        async fn begin(&self) -> Result<u32> {
            self.0.set(0);
            Ok(0)
        }

        async fn step(&self, state: &mut u32, operation: &u32) -> Result<()> {
            *state += operation;
            if !IS_BROKEN || self.0.get() < 3 {
                self.0.set(self.0.get() + operation);
            }
            ensure!(self.0.get() == *state, "another value");
            Ok(())
        }

        async fn compare(&self, state: u32) -> Result<()> {
            ensure!(self.0.get() == state, "another value at the end");
            Ok(())
        }
    }

    #[test]
    fn a_sound_product_passes() -> Result<()> {
        check_with::<Sequences<Counter<false>>>(config_with_seed(7, 64))
    }

    #[test]
    fn a_failure_is_told_with_its_smallest_case_and_its_seed() {
        let failure = check_with::<Sequences<Counter<true>>>(config_with_seed(7, 64));
        let text = failure.expect_err("a failure").to_string();
        let case: String = text.split_whitespace().collect();
        assert!(case.contains("[3,1,]"), "{text}");
        assert!(text.contains("operation 1, 1: another value"), "{text}");
        assert!(text.contains("PROPERTY_SEED=7 cargo x test "), "{text}");
    }

    /// A strategy with randomness of its own cannot be replayed.
    struct Unrepeatable;

    impl Property for Unrepeatable {
        type Case = uuid::Uuid;

        fn cases() -> impl Strategy<Value = uuid::Uuid> {
            Just(()).prop_map(|()| uuid::Uuid::new_v4())
        }

        async fn enter() -> Result<Self> {
            Ok(Self)
        }

        async fn play(&self, _: &uuid::Uuid) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn cases_that_their_seed_does_not_decide_are_refused() {
        let failure = check_with::<Unrepeatable>(config_with_seed(7, 1));
        assert!(failure.is_err_and(|error| error.to_string().contains("does not decide")));
    }
}
