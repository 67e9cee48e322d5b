//! The services over a database of a server that logs all it can, on which the secrets are used.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use hyper::Method;
use serde_json::Value;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::secret::note;
use stream_tests::services::Services;
use stream_tests::services::access_token::claims_of;
use stream_tests::services::answer::Answer;
use stream_tests::services::request::Request;
use uuid::Uuid;
use xtask::cluster::Options;
use xtask::leaks::{self, Search, Secret};
use xtask::test_environment::TestEnvironment;

/// A certificate of the other kind, and a text that was stored in the place of one.
const SECONDARY: &str = "5ec0nda2y-certificate-0123456789";
const MALFORMED: &str = "malformed-certificate-0123456789";

/// For the Vault, whose decryption can be made to fail.
const VAULT: &str = "create function vault.fail(secret text) returns text language plpgsql
        as $$ begin raise 'cannot decrypt %', secret; end $$";

pub struct Stack {
    pub services: Services,
    pub stream: Uuid,
    /// What must not be found beside the secrets that were noted.
    secrets: Vec<Secret>,
    server: OwnCluster,
    /// Of the services alone.
    log_dir: PathBuf,
}

impl Stack {
    pub async fn start() -> Result<Self> {
        let mut options = Options::temporary("secrets")?;
        options.settings = [
            "shared_preload_libraries=pg_stream_ext",
            "log_statement=all",
            "log_min_messages=debug1",
            "log_error_verbosity=verbose",
            "log_parameter_max_length=0",
            "log_parameter_max_length_on_error=0",
        ]
        .map(str::to_owned)
        .to_vec();
        let server = OwnCluster::start(options)?;
        let mut environment = server.make_template(VAULT)?;
        let log_dir = std::env::temp_dir().join(format!("stream-tests-{}", Uuid::new_v4()));
        std::fs::create_dir(&log_dir)?;
        environment.log_dir.clone_from(&log_dir);
        let database = TestDatabase::create_in(environment).await?;
        for (certificate, name) in [(SECONDARY, "secondary"), (MALFORMED, "malformed")] {
            note(&format!("the {name} certificate"), certificate)?;
            database
                .owner
                .execute("select vault.create_secret($1, $2)", &[&certificate, &name])
                .await?;
        }
        let stream = database.stream_in(StreamState::Active).await?;
        database.viewer(stream, demo::ADA).await?;
        let services = Services::start_talkative_on(database)?;
        let mut secrets = Vec::new();
        for user in [demo::SELLER, demo::ADA, demo::BEN, demo::CLEO] {
            let token = services.signer.sign(&claims_of(user));
            let signature = token.rsplit('.').next().unwrap_or_default();
            secrets.push(secret("the signature of an access token", signature));
        }
        Ok(Self {
            services,
            stream,
            secrets,
            server,
            log_dir,
        })
    }

    /// Text that nothing else contains, and that must be nowhere.
    pub fn text(&mut self, what: &str) -> String {
        let text = format!("said-{}", Uuid::new_v4().simple());
        self.secrets.push(secret(what, &text));
        text
    }

    /// One more thing that must be nowhere.
    pub fn note(&mut self, what: &str, value: &str) {
        self.secrets.push(secret(what, value));
    }

    pub async fn post_as(&mut self, user: Uuid, path: &str, body: Value) -> Result<Answer> {
        let token = self.services.token_of(user);
        self.send(&token, path, body).await
    }

    pub async fn send(&mut self, token: &str, path: &str, body: Value) -> Result<Answer> {
        let edge = &self.services;
        let answer = edge.edge_json(token, Method::POST, path, body).await?;
        self.remember(&answer.json());
        Ok(answer)
    }

    pub async fn rpc(&mut self, user: Uuid, function: &str, arguments: Value) -> Result<Answer> {
        let token = self.services.token_of(user);
        let answer = self.services.rpc(&token, function, arguments).await?;
        self.remember(&answer.json());
        Ok(answer)
    }

    /// The same bytes through both doors, whatever they are.
    pub async fn send_bytes(&self, user: Uuid, path: &str, body: &str) -> Result<()> {
        let token = self.services.token_of(user);
        let edge = Request::post(path)
            .bearer(&token)
            .json_bytes(body.to_owned());
        edge.send(&self.services.edge_url).await?;
        let gateway = self.services.rpc_request("send_message").bearer(&token);
        let gateway = gateway.json_bytes(body.to_owned());
        gateway.send(&self.services.supabase_url).await?;
        Ok(())
    }

    pub fn minted(&self) -> impl DoubleEndedIterator<Item = &str> {
        let minted = |secret: &&Secret| secret.what == "a minted token";
        self.secrets
            .iter()
            .filter(minted)
            .map(|secret| secret.value.as_str())
    }

    fn remember(&mut self, answer: &Value) {
        for token in [
            &answer["token"],
            &answer["token"]["token"],
            &answer["access_token"],
            &answer["refresh_token"],
        ] {
            if let Some(token) = token.as_str() {
                self.secrets.push(secret("a minted token", token));
            }
        }
    }

    /// Each place where something was written down, and what. None of them is empty.
    fn places(&self) -> Result<Vec<(String, String)>> {
        let statements = leaks::statements(self.server.cluster.address())?;
        let mut places = vec![
            ("the server's log".to_owned(), self.server.log()?),
            ("pg_stat_statements".to_owned(), statements),
        ];
        for service in ["edge_api", "supabase_local"] {
            let log = self.log_dir.join(service).with_extension("log");
            places.push((service.to_owned(), std::fs::read_to_string(log)?));
        }
        Ok(places)
    }

    /// Fails if a secret is found, or if a place does not show what was done there.
    pub fn assert_nothing_leaked(&self) -> Result<()> {
        let places = self.places()?;
        for (place, sign) in [
            ("the server's log", "generate_buyer_token"),
            ("the server's log", "send_message"),
            ("pg_stat_statements", "from vault.decrypted_secrets as d"),
            ("pg_stat_statements", "stream_ext.send_messages"),
            ("edge_api", "/v1/tokens/"),
            ("supabase_local", "serving"),
        ] {
            let is_there = |(name, text): &(String, String)| name == place && text.contains(sign);
            ensure!(places.iter().any(is_there), "{place} shows no {sign}");
        }
        let noted = TestEnvironment::load()?.secrets()?;
        let secrets = [noted.as_slice(), &self.secrets].concat();
        let search = Search::new(&secrets)?;
        let found: Vec<String> = places
            .iter()
            .flat_map(|(place, text)| {
                let found = search.of(text).into_iter();
                found.map(move |found| format!("{place}, {found}"))
            })
            .collect();
        ensure!(found.is_empty(), "{found:#?}");
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.log_dir);
    }
}

fn secret(what: &str, value: &str) -> Secret {
    Secret {
        what: what.to_owned(),
        value: value.to_owned(),
    }
}
