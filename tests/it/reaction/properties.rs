//! Reactions of several people in transactions that overlap: the totals are what was accepted, and nothing is kept.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::reactions::{accepted, react, react_within};
use stream_tests::session::Session;
use stream_tests::stateful::{Model, Outcome, check_model};
use stream_tests::stream::move_to;
use uuid::Uuid;

const KINDS: [&str; 3] = ["clap", "fire", "love"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Person {
    Ada,
    Ben,
    Cleo,
    Seller,
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    /// Alone, or in the transaction that the person has open.
    React(Person, usize),
    Begin(Person),
    Commit(Person),
    Rollback(Person),
    Join(Person),
    Leave(Person),
    Mute(Person),
    Lift(Person),
    /// A round within the windows of what was sent before, or behind them.
    Tick {
        is_due: bool,
    },
}

fn people() -> impl Strategy<Value = Person> {
    use Person::*;
    prop_oneof![Just(Ada), Just(Ben), Just(Cleo), Just(Seller)]
}

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![
        12 => (people(), 0..KINDS.len()).prop_map(|(who, kind)| Operation::React(who, kind)),
        3 => people().prop_map(Operation::Begin),
        2 => people().prop_map(Operation::Commit),
        1 => people().prop_map(Operation::Rollback),
        2 => people().prop_map(Operation::Join),
        1 => people().prop_map(Operation::Leave),
        1 => people().prop_map(Operation::Mute),
        1 => people().prop_map(Operation::Lift),
        3 => any::<bool>().prop_map(|is_due| Operation::Tick { is_due }),
    ]
}

struct Reacting {
    database: TestDatabase,
    people: BTreeMap<Person, (Uuid, Session)>,
}

/// What a stream should have had.
struct Stream {
    session: Uuid,
    viewers: BTreeSet<Person>,
    muted: BTreeSet<Person>,
    /// The reactions of transactions that are open.
    open: BTreeMap<Person, Vec<&'static str>>,
    accepted: BTreeMap<String, i64>,
}

impl Stream {
    fn count(&mut self, kinds: &[&'static str]) {
        for kind in kinds {
            *self.accepted.entry((*kind).to_owned()).or_default() += 1;
        }
    }

    fn answer(&self, who: Person) -> Outcome {
        if who == Person::Seller {
            return Outcome::Value(accepted());
        }
        if !self.viewers.contains(&who) {
            return Outcome::Refusal(ErrorCode::NotViewer);
        }
        if self.muted.contains(&who) {
            return Outcome::Refusal(ErrorCode::Muted);
        }
        Outcome::Value(accepted())
    }
}

impl Model for Reacting {
    type Operation = Operation;
    type State = Stream;

    fn operations() -> impl Strategy<Value = Vec<Operation>> {
        vec(operations(), 4..32)
    }

    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        database.let_react_often().await?;
        let mut people = BTreeMap::new();
        for (person, id) in [
            (Person::Ada, demo::ADA),
            (Person::Ben, demo::BEN),
            (Person::Cleo, demo::CLEO),
            (Person::Seller, demo::SELLER),
        ] {
            people.insert(person, (id, database.user(id).await?));
        }
        Ok(Self { database, people })
    }

    async fn begin(&self) -> Result<Stream> {
        // A case that failed may have left some open.
        for (_, connection) in self.people.values() {
            connection.rollback().await?;
        }
        let session = self.database.stream_in(StreamState::Active).await?;
        let mut stream = Stream {
            session,
            viewers: BTreeSet::new(),
            muted: BTreeSet::new(),
            open: BTreeMap::new(),
            accepted: BTreeMap::new(),
        };
        for person in [Person::Ada, Person::Ben] {
            self.step(&mut stream, &Operation::Join(person)).await?;
        }
        Ok(stream)
    }

    async fn step(&self, stream: &mut Stream, operation: &Operation) -> Result<()> {
        let of = json!({"session_id": stream.session});
        match *operation {
            Operation::React(who, kind) => self.react(stream, who, KINDS[kind]).await?,
            Operation::Begin(who) if !stream.open.contains_key(&who) => {
                self.people[&who].1.begin().await?;
                stream.open.insert(who, Vec::new());
            }
            Operation::Commit(who) => {
                if let Some(kinds) = stream.open.remove(&who) {
                    self.people[&who].1.commit().await?;
                    stream.count(&kinds);
                }
            }
            Operation::Rollback(who) if stream.open.remove(&who).is_some() => {
                self.people[&who].1.rollback().await?;
            }
            Operation::Tick { is_due: true } => self.database.tick_after_windows().await?,
            Operation::Tick { is_due: false } => self.database.tick().await?,
            // The others wait for whoever has reacted and not committed.
            _ if !stream.open.is_empty() => {}
            Operation::Join(who) if who != Person::Seller => {
                self.people[&who].1.rpc("add_viewer", of).await?;
                stream.viewers.insert(who);
            }
            Operation::Leave(who) if stream.viewers.remove(&who) => {
                self.people[&who].1.rpc("remove_viewer", of).await?;
            }
            Operation::Mute(who) if who != Person::Seller => {
                self.moderate("mute_user", stream.session, who, json!({}))
                    .await?;
                stream.muted.insert(who);
            }
            Operation::Lift(who) if stream.muted.remove(&who) => {
                let kind = json!({"kind": "mute"});
                self.moderate("lift_restriction", stream.session, who, kind)
                    .await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn compare(&self, mut stream: Stream) -> Result<()> {
        for (who, kinds) in std::mem::take(&mut stream.open) {
            self.people[&who].1.commit().await?;
            stream.count(&kinds);
        }
        let seller = &self.people[&Person::Seller].1;
        move_to(seller, stream.session, StreamState::Ended).await?;
        self.database.tick_after_windows().await?;
        let totals = self.database.totals_sent(stream.session).await?;
        let expected = stream.accepted;
        ensure!(totals == expected, "{totals:?} instead of {expected:?}");
        self.database.keeps_no_reactions(stream.session).await
    }
}

impl Reacting {
    async fn react(&self, stream: &mut Stream, who: Person, kind: &'static str) -> Result<()> {
        let connection = &self.people[&who].1;
        let expected = stream.answer(who);
        let is_accepted = matches!(expected, Outcome::Value(_));
        if !stream.open.contains_key(&who) {
            expected.compare(react(connection, stream.session, kind).await)?;
            if is_accepted {
                stream.count(&[kind]);
            }
            return Ok(());
        }
        expected.compare(react_within(connection, stream.session, kind).await)?;
        if is_accepted {
            stream.open.entry(who).or_default().push(kind);
        } else {
            // The refusal has ended the transaction, and all that was in it.
            connection.rollback().await?;
            stream.open.remove(&who);
        }
        Ok(())
    }

    async fn moderate(
        &self,
        function: &str,
        session: Uuid,
        who: Person,
        mut arguments: Value,
    ) -> Result<()> {
        arguments["session_id"] = json!(session);
        arguments["user_id"] = json!(self.people[&who].0);
        let seller = &self.people[&Person::Seller].1;
        let answer = seller.rpc(function, arguments).await;
        answer.with_context(|| format!("{function} {who:?}"))?;
        Ok(())
    }
}

#[test]
fn totals_are_what_was_accepted_and_nothing_is_kept_after_the_end() -> Result<()> {
    check_model::<Reacting>()
}
