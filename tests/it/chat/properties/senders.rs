//! One connection that sends, and what it was told.

use std::cell::RefCell;
use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::identity::Identity;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::waiting::wait_until;
use tokio::sync::mpsc::UnboundedSender;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use super::plan::{MessageId, PlannedMessage, Transaction, TransactionEnd};

/// A connection of one person, or of the service.
pub struct Connection {
    pub session: Session,
    backend: i32,
    /// Whose it is; nothing for the service.
    person: Option<usize>,
}

impl Connection {
    pub async fn open(
        database: &TestDatabase,
        people: &[Uuid],
        person: Option<usize>,
    ) -> Result<Self> {
        let identity = match person {
            Some(person) => Identity::user(people[person]),
            None => Identity::service(),
        };
        let session = database.session(identity).await?;
        let backend = session.backend().await?;
        Ok(Self {
            session,
            backend,
            person,
        })
    }
}

/// What everybody in a case shares.
pub struct SharedCase<'a> {
    pub database: &'a TestDatabase,
    /// Terminates server processes, which no role of the product can do.
    pub superuser: &'a Client,
    pub people: &'a [Uuid],
    pub streams: Vec<Uuid>,
    /// For each person, the ids that their connections have in common.
    pub common_ids: Vec<Vec<Uuid>>,
    pub may_end: bool,
    /// Every message that somebody was told is stored, by stream and id.
    pub acknowledged: RefCell<HashMap<(Uuid, Uuid), Value>>,
}

/// One message as it is sent, and sent again.
#[derive(Clone)]
struct Draft {
    stream: Uuid,
    user: Uuid,
    id: Uuid,
    content: String,
}

impl Draft {
    fn arguments(&self) -> Value {
        json!({
            "session_id": self.stream, "user_id": self.user, "content": self.content, "id": self.id,
        })
    }
}

/// What became of a call: for each message the row that was answered, or nothing when the stream
/// had ended.
type Answers = Vec<Option<Value>>;

pub struct PlannedSender<'a> {
    scene: &'a SharedCase<'a>,
    connection: Connection,
    number: usize,
    sent: Vec<Draft>,
}

impl<'a> PlannedSender<'a> {
    pub fn new(scene: &'a SharedCase<'a>, connection: Connection, number: usize) -> Self {
        Self {
            scene,
            connection,
            number,
            sent: Vec::new(),
        }
    }

    /// Plays a script; says after each step that it is done.
    pub async fn play(
        mut self,
        steps: &[Transaction],
        done: UnboundedSender<()>,
    ) -> Result<Connection> {
        for step in steps {
            self.step(step)
                .await
                .with_context(|| format!("connection {}: {step:?}", self.number))?;
            done.send(())?;
        }
        Ok(self.connection)
    }

    async fn step(&mut self, step: &Transaction) -> Result<()> {
        let mut drafts: Vec<Draft> = step
            .messages
            .iter()
            .map(|message| self.draft(message))
            .collect();
        if self.connection.person.is_some() && step.fate != TransactionEnd::Commit {
            // A transaction of several calls takes its locks in no order that the product chooses.
            let first = drafts[0].stream;
            drafts.retain(|draft| draft.stream == first);
        }
        match step.fate {
            TransactionEnd::Commit => self.send(&drafts).await,
            TransactionEnd::KillCall => self.lose_call(&drafts).await,
            fate => self.transact(&drafts, fate).await,
        }
    }

    fn draft(&mut self, message: &PlannedMessage) -> Draft {
        if let MessageId::Again(number) = message.id
            && !self.sent.is_empty()
        {
            let mut again = self.sent[number % self.sent.len()].clone();
            // Whatever was stored first counts.
            again.content.push_str(" again");
            return again;
        }
        let person = self.connection.person.unwrap_or(message.person);
        let draft = Draft {
            stream: self.scene.streams[message.session],
            user: self.scene.people[person],
            id: match message.id {
                MessageId::Common(number) => self.scene.common_ids[person][number],
                MessageId::New | MessageId::Again(_) => Uuid::new_v4(),
            },
            content: format!("{} of {}", self.sent.len(), self.number),
        };
        self.sent.push(draft.clone());
        draft
    }

    /// Each message alone; a service's together.
    async fn send(&self, drafts: &[Draft]) -> Result<()> {
        let session = &self.connection.session;
        if self.connection.person.is_none() {
            let rows = session.rpc_rows("send_messages", items(drafts)).await?;
            return self.acknowledge(drafts, self.read(rows)?);
        }
        for draft in drafts {
            let answer = session.rpc("send_message", draft.arguments()).await;
            self.acknowledge(std::slice::from_ref(draft), vec![self.settled(answer)?])?;
        }
        Ok(())
    }

    /// The same inside a transaction.
    async fn send_within(&self, drafts: &[Draft]) -> Result<Option<Answers>> {
        let session = &self.connection.session;
        if self.connection.person.is_none() {
            let rows = session
                .rpc_rows_within("send_messages", items(drafts))
                .await?;
            return self.read(rows).map(Some);
        }
        let mut answers = Vec::new();
        for draft in drafts {
            let answer = session.rpc_within("send_message", draft.arguments()).await;
            match self.settled(answer)? {
                Some(message) => answers.push(Some(message)),
                // The transaction has failed.
                None => return Ok(None),
            }
        }
        Ok(Some(answers))
    }

    async fn transact(&mut self, drafts: &[Draft], fate: TransactionEnd) -> Result<()> {
        self.connection.session.begin().await?;
        let Some(answers) = self.send_within(drafts).await? else {
            return Ok(self.connection.session.rollback().await?);
        };
        match fate {
            TransactionEnd::CommitLate => {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                self.connection.session.commit().await?;
                self.acknowledge(drafts, answers)
            }
            TransactionEnd::KillTransaction => {
                self.terminate().await?;
                self.reconnect().await?;
                self.send(drafts).await
            }
            TransactionEnd::KillCommit => {
                let (committed, terminated) =
                    tokio::join!(self.connection.session.commit(), self.terminate());
                terminated?;
                if committed.is_ok() {
                    self.acknowledge(drafts, answers)?;
                }
                self.reconnect().await?;
                self.send(drafts).await
            }
            TransactionEnd::Abort => Ok(self.connection.session.rollback().await?),
            TransactionEnd::Commit | TransactionEnd::KillCall => bail!("no fate of a transaction"),
        }
    }

    /// Whether the message was stored is only known after another try.
    async fn lose_call(&mut self, drafts: &[Draft]) -> Result<()> {
        let (sent, terminated) = tokio::join!(self.send(drafts), self.terminate());
        terminated?;
        if let Err(error) = sent {
            let lost = error.downcast_ref::<Error>();
            let is_ours = |error: &Error| {
                error.is_closed() || error.code().is_some_and(|code| code.code() == "57P01")
            };
            ensure!(lost.is_some_and(is_ours), "{error:#}");
        }
        self.reconnect().await?;
        self.send(drafts).await
    }

    /// Returns when the server process is gone, and its locks with it.
    async fn terminate(&self) -> Result<()> {
        let (superuser, backend) = (self.scene.superuser, self.connection.backend);
        superuser
            .execute("select pg_terminate_backend($1)", &[&backend])
            .await?;
        // With a timeout the function itself would only look every 100 ms.
        let is_gone =
            format!("select not exists (select from pg_stat_activity where pid = {backend})");
        wait_until(superuser, &is_gone).await
    }

    async fn reconnect(&mut self) -> Result<()> {
        let person = self.connection.person;
        self.connection = Connection::open(self.scene.database, self.scene.people, person).await?;
        Ok(())
    }

    fn read(&self, rows: Vec<Value>) -> Result<Answers> {
        rows.into_iter()
            .map(|mut row| match row["status"].as_str() {
                Some("ok") => Ok(Some(row["message"].take())),
                Some("stream_ended") if self.scene.may_end => Ok(None),
                _ => bail!("answered {row}"),
            })
            .collect()
    }

    fn settled(&self, answer: Result<Value, Error>) -> Result<Option<Value>> {
        match answer {
            Ok(message) => Ok(Some(message)),
            Err(error) if self.scene.may_end && error.as_db_error().is_some_and(is_refusal) => {
                expect_refusal(ErrorCode::StreamEnded, Err::<Value, _>(error))?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes what was told, which must be what was told about the same id before.
    fn acknowledge(&self, drafts: &[Draft], answers: Answers) -> Result<()> {
        ensure!(drafts.len() == answers.len(), "not an answer for each");
        for (draft, answer) in drafts.iter().zip(answers) {
            let Some(answer) = answer else {
                continue;
            };
            ensure!(answer["id"] == json!(draft.id), "{answer}");
            ensure!(answer["user_id"] == json!(draft.user), "{answer}");
            let mut acknowledged = self.scene.acknowledged.borrow_mut();
            let first = acknowledged
                .entry((draft.stream, draft.id))
                .or_insert_with(|| answer.clone());
            ensure!(*first == answer, "{answer} after {first}");
        }
        Ok(())
    }
}

fn items(drafts: &[Draft]) -> Value {
    let items: Vec<Value> = drafts.iter().map(Draft::arguments).collect();
    json!({"items": items})
}

fn is_refusal(error: &tokio_postgres::error::DbError) -> bool {
    error.code().code().starts_with("PT")
}
