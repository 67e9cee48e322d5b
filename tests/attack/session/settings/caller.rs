//! A caller with direct SQL, whose session has a setting and nothing else that a test would set.

use anyhow::{Context, Result};
use serde_json::Value;
use stream_tests::database::TestDatabase;
use stream_tests::identity::Identity;
use stream_tests::session::{Session, literal};

/// Somebody whose sessions have the settings, and nothing else that a test would set.
pub struct DirectCaller {
    session: Session,
    identity: Identity,
}

impl DirectCaller {
    pub async fn open(database: &TestDatabase, identity: Identity, settings: &str) -> Result<Self> {
        let session = database.session(identity.clone()).await?;
        session.execute_within("do 'begin end'").await?;
        session
            .execute_within(settings)
            .await
            .with_context(|| settings.to_owned())?;
        Ok(Self { session, identity })
    }

    /// In a transaction that begins without saying how.
    pub async fn call(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<Vec<Value>, tokio_postgres::Error> {
        self.begin().await?;
        let answer = self.session.rpc_rows_within(function, arguments).await;
        self.end(answer).await
    }

    pub async fn write(&self, statement: &str) -> Result<Vec<Value>, tokio_postgres::Error> {
        self.begin().await?;
        let answer = self
            .session
            .execute_within(statement)
            .await
            .map(|()| Vec::new());
        self.end(answer).await
    }

    async fn begin(&self) -> Result<(), tokio_postgres::Error> {
        let begin = format!(
            "begin; select set_config('role', {}, true), set_config('request.jwt.claims', {}, true)",
            literal(self.identity.role),
            literal(&self.identity.claims_text())
        );
        self.session.execute_within(&begin).await
    }

    async fn end(
        &self,
        answer: Result<Vec<Value>, tokio_postgres::Error>,
    ) -> Result<Vec<Value>, tokio_postgres::Error> {
        match answer {
            Ok(rows) => self.session.commit().await.map(|()| rows),
            Err(error) => {
                self.session.rollback().await?;
                Err(error)
            }
        }
    }
}
