//! An issuer of tokens: it signs with keys of ES256 and serves the key set as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge_api::auth::{KeySource, Keys, Verifier};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a fetch of the key set is answered with.
#[derive(Clone)]
pub enum Served {
    Keys(Vec<Value>),
    Text(String),
    Status(u16),
    /// To the same server, which would answer with the keys.
    Redirect(Vec<Value>),
    Never,
}

#[derive(Clone)]
pub struct Issuer {
    served: Arc<Mutex<Served>>,
    fetches: Arc<AtomicUsize>,
}

/// A key of ES256 and its name.
pub struct SigningKey {
    id: String,
    pair: KeyPair,
}

impl SigningKey {
    pub fn new(id: &str) -> Self {
        let pair = KeyPair::generate().expect("randomness");
        let id = id.to_owned();
        Self { id, pair }
    }

    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.clone());
        let key = EncodingKey::from_ec_der(&self.pair.serialize_der());
        encode(&header, claims, &key).expect("claims are JSON")
    }

    pub fn public(&self) -> Value {
        // 4 and the two coordinates (SEC 1, section 2.3.3).
        let point = self.pair.der_bytes();
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id,
            "x": coordinate(1..33), "y": coordinate(33..65),
        })
    }
}

impl Issuer {
    /// Serves from an address of its own until the runtime ends.
    pub async fn start(served: Served) -> (Self, Verifier) {
        let issuer = Self {
            served: Arc::new(Mutex::new(served)),
            fetches: Arc::default(),
        };
        let router = Router::new()
            .route("/jwks.json", get(serve))
            .route("/elsewhere.json", get(elsewhere))
            .with_state(issuer.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = format!("http://{address}/jwks.json");
        let source = KeySource::url(url.parse().expect("a URL")).expect("a client");
        let verifier = Verifier::with_keys(Keys::default());
        (issuer, verifier.with_key_source(source, Keys::default()))
    }

    pub fn serve(&self, served: Served) {
        *self.served.lock().expect("no test panics with the lock") = served;
    }

    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

async fn serve(State(issuer): State<Issuer>) -> Response {
    issuer.fetches.fetch_add(1, Ordering::SeqCst);
    let served = issuer.served.lock().expect("no panic").clone();
    match served {
        Served::Keys(keys) => json!({ "keys": keys }).to_string().into_response(),
        Served::Text(text) => text.into_response(),
        Served::Status(status) => StatusCode::from_u16(status)
            .expect("a status")
            .into_response(),
        Served::Redirect(_) => (StatusCode::FOUND, [(LOCATION, "/elsewhere.json")]).into_response(),
        Served::Never => std::future::pending().await,
    }
}

async fn elsewhere(State(issuer): State<Issuer>) -> Response {
    match issuer.served.lock().expect("no panic").clone() {
        Served::Redirect(keys) => json!({ "keys": keys }).to_string().into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
