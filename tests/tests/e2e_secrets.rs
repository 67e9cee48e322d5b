//! Does any secret reach the server's log, the statistics of its statements or the logs of the services?
//!
//! On a server of its own that logs every statement and whatever the extension says while it works.
//! What callers pass as parameters is not logged (`log_parameter_max_length = 0`): that would be the
//! operator's own choice, and no work of the product.

use std::fs;

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::services::Services;
use stream_tests::services::access_token::claims_of;
use uuid::Uuid;
use xtask::cluster::Options;
use xtask::test_environment::TestEnvironment;

/// A certificate of the other kind, and a text that was stored in the place of one.
const SECONDARY: &str = "5ec0nda2y-certificate-0123456789";
const MALFORMED: &str = "malformed-certificate-0123456789";

/// With every secret that a mint could meet in the Vault, whose decryption can be made to fail.
const VAULT: &str = "create extension pg_stat_statements;
    create function vault.fail(secret text) returns text language plpgsql
        as $$ begin raise 'cannot decrypt %', secret; end $$";

struct Stack {
    services: Services,
    stream: Uuid,
    /// Whatever must not be found.
    secrets: Vec<(&'static str, String)>,
}

impl Stack {
    async fn ask(&mut self, user: Uuid, path: &str, body: Value) -> Result<Value> {
        let token = self.services.token_of(user);
        self.send(&token, path, body).await
    }

    async fn send(&mut self, token: &str, path: &str, body: Value) -> Result<Value> {
        let answer = self
            .services
            .edge_json(token, Method::POST, path, body)
            .await?
            .json();
        self.remember(&answer);
        Ok(answer)
    }

    fn remember(&mut self, answer: &Value) {
        for token in [&answer["token"], &answer["token"]["token"]] {
            if let Some(token) = token.as_str() {
                self.secrets.push(("a minted token", token.to_owned()));
            }
        }
    }

    /// Every function that mints or reads tokens, through both doors.
    async fn use_every_function(&mut self) -> Result<()> {
        let channel = json!({"channelId": self.stream});
        let join = format!("/v1/streams/{}/join", self.stream);
        let heartbeat = format!("/v1/streams/{}/heartbeat", self.stream);
        self.services
            .database
            .change(
                "update stream.stream_viewers set token_issued_at = now() - interval '1 hour',
                     token_expires_at = now() + interval '1 second'",
            )
            .await?;
        for (user, path, body) in [
            (demo::SELLER, "/v1/tokens/seller", &channel),
            (demo::ADA, "/v1/tokens/buyer", &channel),
            (demo::ADA, "/v1/tokens/seller", &channel),
            (demo::BEN, "/v1/tokens/buyer", &channel),
            (demo::ADA, "/v1/tokens/refresh", &channel),
            (demo::ADA, &heartbeat, &json!({})),
            (demo::ADA, &join, &json!({})),
        ] {
            self.ask(user, path, body.clone()).await?;
        }
        let ada = self.services.token_of(demo::ADA);
        for function in ["generate_buyer_token", "refresh_token"] {
            let user = if function == "refresh_token" {
                "user_id"
            } else {
                "buyer_id"
            };
            let arguments = json!({user: null, "channel_id": self.stream});
            let answer = self.services.rpc(&ada, function, arguments).await?.json();
            self.remember(&answer);
        }
        let service = self.services.keys.service_role_key.clone();
        let minted = self
            .secrets
            .iter()
            .rev()
            .find(|(what, _)| *what == "a minted token");
        let token = minted.map_or_else(String::new, |(_, token)| token.clone());
        for text in [token.clone(), format!("{token}AAAA")] {
            self.send(&service, "/v1/tokens/inspect", json!({"token": text}))
                .await?;
        }
        self.ask(demo::ADA, "/v1/tokens/inspect", json!({"token": token}))
            .await?;
        Ok(())
    }
}

async fn start(environment: TestEnvironment) -> Result<Stack> {
    let certificate = environment.agora.certificate.clone();
    let database = TestDatabase::create_in(environment).await?;
    let owner = &database.owner;
    for (secret, name) in [(SECONDARY, "secondary"), (MALFORMED, "malformed")] {
        owner
            .execute("select vault.create_secret($1, $2)", &[&secret, &name])
            .await?;
    }
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let services = Services::start_on(database)?;
    let mut secrets = vec![
        ("the certificate", certificate),
        ("the secondary certificate", SECONDARY.to_owned()),
        ("the malformed certificate", MALFORMED.to_owned()),
        ("the JWT secret", services.jwt_secret.clone()),
        ("the service key", services.keys.service_role_key.clone()),
    ];
    let signature = |token: &str| token.rsplit('.').next().unwrap_or_default().to_owned();
    for user in [demo::SELLER, demo::ADA, demo::BEN] {
        let token = services.signer.sign(&claims_of(user));
        secrets.push(("the signature of an access token", signature(&token)));
    }
    Ok(Stack {
        services,
        stream,
        secrets,
    })
}

#[tokio::test]
async fn no_secret_is_logged_whatever_succeeds_or_fails() -> Result<()> {
    let mut options = Options::temporary("secrets")?;
    options.settings.extend(
        [
            "shared_preload_libraries=pg_stat_statements,pg_stream_ext",
            "pg_stat_statements.track=all",
            "pg_stat_statements.track_utility=on",
            "log_statement=all",
            "log_min_messages=debug1",
            "log_error_verbosity=verbose",
            "log_parameter_max_length=0",
            "log_parameter_max_length_on_error=0",
        ]
        .map(str::to_owned),
    );
    let own = OwnCluster::start(options)?;
    let mut environment = own.make_template(VAULT)?;
    let log_dir = tempfile_directory()?;
    environment.log_dir.clone_from(&log_dir);
    let mut stack = start(environment).await?;

    stack.use_every_function().await?;
    let minted = stack
        .secrets
        .iter()
        .filter(|(what, _)| *what == "a minted token");
    let minted = minted.count();
    ensure!(minted >= 6, "only {minted} tokens");
    for broken in [
        "update stream.config set agora_secondary_certificate_secret = 'secondary'",
        "update stream.config set agora_certificate_secret = 'gone'",
        "update stream.config set agora_certificate_secret = 'malformed'",
        "update stream.config set agora_app_id = null",
        "update stream.config set agora_app_id = repeat('a', 32),
             agora_certificate_secret = 'agora_app_certificate'",
    ] {
        stack.services.database.change(broken).await?;
        stack.use_every_function().await?;
    }
    let superuser = stack.services.database.superuser().await?;
    superuser
        .batch_execute(
            "create or replace view vault.decrypted_secrets as
             select s.id, s.name, s.description, s.secret, vault.fail(s.secret) as decrypted_secret,
                 s.key_id, s.nonce, s.created_at, s.updated_at
             from vault.secrets as s",
        )
        .await?;
    stack.use_every_function().await?;
    superuser
        .batch_execute("select * from stream.doctor()")
        .await
        .err();
    let service = stack.services.keys.service_role_key.clone();
    stack.services.rpc(&service, "doctor", json!({})).await?;

    let statements: String = superuser
        .query_one(
            "select string_agg(query, chr(10)) from public.pg_stat_statements",
            &[],
        )
        .await?
        .get(0);
    let mut places = vec![
        ("the server's log".to_owned(), own.log()?),
        ("pg_stat_statements".to_owned(), statements),
    ];
    for file in fs::read_dir(&log_dir)? {
        let path = file?.path();
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        places.push((path.display().to_string(), text));
    }
    // So that nothing is proven about logs that are empty.
    for (place, text) in places.iter().take(2) {
        let seen = "from vault.decrypted_secrets as d";
        ensure!(
            place != "pg_stat_statements" || text.contains(seen),
            "{place}"
        );
        ensure!(text.contains("generate_buyer_token"), "{place} is empty");
    }
    ensure!(places.len() >= 4, "the services logged nothing");
    for (place, text) in &places {
        for (what, secret) in &stack.secrets {
            ensure!(!secret.is_empty(), "{what} is empty");
            ensure!(!text.contains(secret.as_str()), "{place} holds {what}");
        }
    }
    drop(stack);
    fs::remove_dir_all(&log_dir).context("cannot remove the logs")?;
    Ok(())
}

fn tempfile_directory() -> Result<std::path::PathBuf> {
    let directory = std::env::temp_dir().join(format!("stream-tests-{}", Uuid::new_v4()));
    fs::create_dir(&directory)?;
    Ok(directory)
}
