//! Secrets and keys that change while the service runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use axum::http::Request;
use edge_api::auth::{KeySource, Keys, Verifier};
use edge_api::config::{Command, Config};
use edge_api::rotation::Rotation;
use edge_api::router::router;
use edge_api::state::AppState;
use serde_json::json;

use crate::database::RecordingDatabase;
use crate::issuer::SigningKey;
use crate::requests::{send, sign, user_claims};

const FIRST: &str = "the first secret, of thirty-two bytes";
const SECOND: &str = "the second secret, of thirty-two bytes";
const THIRD: &str = "the third secret, of thirty-two bytes";

/// A directory of files that is gone with it.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let directory = env::temp_dir().join(format!("edge_api_{name}_{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        Self(directory)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn config(files: &Files, variables: &[(&str, &str)]) -> Config {
    let database = ("DATABASE_URL", "postgres://a@127.0.0.1/a".to_owned());
    let named = variables.iter().map(|(variable, file)| {
        (
            *variable,
            files.path().join(file).to_str().expect("a name").to_owned(),
        )
    });
    let variables: Vec<_> = named.chain([database]).collect();
    let lookup = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value.into())
    };
    match Command::read([], lookup) {
        Ok(Command::Serve(config)) => *config,
        other => panic!("{other:?}"),
    }
}

fn verifier(config: &Config) -> Arc<Verifier> {
    let secrets = config.secrets.jwt.iter().map(|secret| secret.value());
    Arc::new(Verifier::with_keys(Keys::of_secrets(secrets)))
}

#[tokio::test]
async fn secrets_of_tokens_rotate_without_a_restart() {
    let files = Files::new("rotating");
    files.write("first", FIRST);
    files.write("second", &format!("{SECOND}\n"));
    let config = config(
        &files,
        &[
            ("JWT_SECRET_FILE", "first"),
            ("JWT_SECRET_SECONDARY_FILE", "second"),
        ],
    );
    let verifier = verifier(&config);
    let mut rotation = Rotation::new(config.secrets, verifier.clone());
    let counts = async |secret| verifier.verify(&sign(&user_claims(), secret)).await.is_ok();
    assert!(counts(FIRST).await && counts(SECOND).await && !counts(THIRD).await);

    files.write("first", THIRD);
    assert!(
        counts(FIRST).await && !counts(THIRD).await,
        "not before it is asked to"
    );
    rotation.read_again().await;
    assert!(counts(THIRD).await && counts(SECOND).await);
    assert!(!counts(FIRST).await, "a cached token of a withdrawn secret");

    // Each bad file keeps its own old secret, and no other.
    files.write("second", FIRST);
    for bad in ["", "\n", "too short"] {
        files.write("first", bad);
        rotation.read_again().await;
        assert!(counts(THIRD).await && counts(FIRST).await, "{bad:?}");
    }
    fs::remove_file(files.path().join("first")).expect("it is there");
    rotation.read_again().await;
    assert!(counts(THIRD).await);
}

#[tokio::test]
async fn a_key_set_in_a_file_is_read_again_and_a_bad_one_keeps_the_old_keys() {
    let files = Files::new("key_set");
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let set = |key: &SigningKey| json!({"keys": [key.public()]}).to_string();
    let file = files.write("jwks.json", &set(&old));
    files.write("secret", FIRST);
    let config = config(&files, &[("JWT_SECRET_FILE", "secret")]);
    let keys = KeySource::read_file(&file).expect("a key set");
    let verifier = Verifier::with_keys(Keys::default());
    let verifier = Arc::new(verifier.with_key_source(KeySource::file(&file), keys));
    let mut rotation = Rotation::new(config.secrets, verifier.clone());
    let counts = async |key: &SigningKey| verifier.verify(&key.sign(&user_claims())).await.is_ok();
    assert!(counts(&old).await);
    files.write("jwks.json", "{}");
    rotation.read_again().await;
    assert!(counts(&old).await);
    files.write("jwks.json", &set(&new));
    rotation.read_again().await;
    assert!(counts(&new).await && !counts(&old).await);
}

#[tokio::test]
async fn secrets_of_notices_rotate_without_a_restart() {
    // HMAC-SHA256 of "[]", by OpenSSL as in the tests of webhooks.
    const SIGNATURE: &str = "04bfb1b8b6a20085d7cced86d7f5ae13906b93bafb308e99adb67ff9111288d9";
    let files = Files::new("webhooks");
    files.write("jwt", FIRST);
    files.write("webhook", "another secret");
    let config = config(
        &files,
        &[
            ("JWT_SECRET_FILE", "jwt"),
            ("AGORA_WEBHOOK_SECRET_FILE", "webhook"),
        ],
    );
    let verifier = verifier(&config);
    let mut rotation = Rotation::new(config.secrets, verifier.clone());
    let database = RecordingDatabase::answering("null");
    let state = AppState::new(Arc::new(database), verifier)
        .with_rotating_webhook_secrets(rotation.webhooks());
    let service = router(state, Vec::new());
    let status = async || {
        let request = Request::post("/webhooks/agora")
            .header("content-type", "application/json")
            .header("agora-signature-v2", SIGNATURE)
            .body("[]".into())
            .expect("a request");
        send(service.clone(), request).await.status.as_u16()
    };
    assert_eq!(status().await, 401);
    files.write("webhook", "first secret");
    rotation.read_again().await;
    // Signed, and no notice.
    assert_eq!(status().await, 400);
}
