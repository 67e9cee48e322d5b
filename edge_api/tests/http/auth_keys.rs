//! The key set of an issuer: when it is fetched, and that the known keys stay when a fetch fails.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use edge_api::auth::{
    AuthError, KeyRefresher, KeySource, Keys, REFRESH_INTERVAL, UNKNOWN_KEY_INTERVAL, Verifier,
};
use edge_api::metrics::recorder;
use edge_api::router::router;
use edge_api::state::AppState;
use serde_json::json;
use tokio::time::{advance, pause};

use crate::database::RecordingDatabase;
use crate::issuer::{Issuer, Served, SigningKey};
use crate::observed::Observed;
use crate::requests::{send, user_claims};

fn keys(keys: &[&SigningKey]) -> Served {
    Served::Keys(keys.iter().map(|key| key.public()).collect())
}

#[tokio::test]
async fn an_unknown_key_is_fetched_once_by_however_many_requests() {
    let key = SigningKey::new("one");
    let (issuer, verifier) = Issuer::start(keys(&[&key])).await;
    let (verifier, token) = (Arc::new(verifier), key.sign(&user_claims()));
    let requests = (0..20).map(|_| {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { verifier.verify(&token).await.map(|_| ()) })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.expect("no panic"), Ok(()));
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn tokens_of_made_up_keys_cause_one_fetch_in_ten_seconds() {
    let (known, unknown) = (SigningKey::new("known"), SigningKey::new("made up"));
    let (issuer, verifier) = Issuer::start(keys(&[&known])).await;
    verifier
        .verify(&known.sign(&user_claims()))
        .await
        .expect("known");
    assert_eq!(issuer.fetches(), 1);
    pause();
    for round in 2..4 {
        advance(UNKNOWN_KEY_INTERVAL).await;
        tokio::time::resume();
        for _ in 0..10 {
            let refused = verifier.verify(&unknown.sign(&user_claims())).await;
            assert_eq!(refused.map(|_| ()), Err(AuthError::UnknownKey));
        }
        pause();
        assert_eq!(issuer.fetches(), round);
    }
    tokio::time::resume();
    verifier
        .verify(&known.sign(&user_claims()))
        .await
        .expect("still known");
}

#[tokio::test]
async fn a_new_key_counts_from_its_first_token_on_and_a_withdrawn_one_no_longer() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let (issuer, verifier) = Issuer::start(keys(&[&old])).await;
    let (old_token, new_token) = (old.sign(&user_claims()), new.sign(&user_claims()));
    assert!(verifier.verify(&old_token).await.is_ok());
    issuer.serve(keys(&[&old, &new]));
    pause();
    advance(UNKNOWN_KEY_INTERVAL).await;
    tokio::time::resume();
    assert!(verifier.verify(&new_token).await.is_ok());
    assert!(verifier.verify(&old_token).await.is_ok());
    issuer.serve(keys(&[&new]));
    assert!(verifier.refresh().await);
    assert_eq!(
        verifier.verify(&old_token).await.map(|_| ()),
        Err(AuthError::UnknownKey)
    );
}

#[tokio::test]
async fn known_keys_stay_whatever_a_fetch_brings_instead() {
    let key = SigningKey::new("one");
    let (issuer, verifier) = Issuer::start(keys(&[&key])).await;
    let token = key.sign(&user_claims());
    verifier.verify(&token).await.expect("a fetch");
    let impostor = SigningKey::new("one");
    for served in [
        Served::Status(500),
        Served::Status(404),
        Served::Status(204),
        Served::Text("<html>".to_owned()),
        Served::Text(String::new()),
        Served::Keys(Vec::new()),
        // A set that would count, were it shorter.
        Served::Text(
            json!({"keys": [impostor.public()], "padding": "x".repeat(300_000)}).to_string(),
        ),
        Served::Redirect(vec![impostor.public()]),
    ] {
        issuer.serve(served);
        assert!(!verifier.refresh().await);
        assert!(verifier.verify(&token).await.is_ok());
        let forged = impostor.sign(&user_claims());
        assert_eq!(
            verifier.verify(&forged).await.map(|_| ()),
            Err(AuthError::Invalid("signature"))
        );
    }
}

#[tokio::test]
async fn a_fetch_that_does_not_end_is_given_up() {
    let key = SigningKey::new("one");
    let (_issuer, verifier) = Issuer::start(Served::Never).await;
    let refused = verifier.verify(&key.sign(&user_claims())).await;
    assert_eq!(refused.map(|_| ()), Err(AuthError::NoKeySet));
}

#[tokio::test]
async fn until_a_set_was_read_nobody_can_say_whose_token_it_is() {
    let key = SigningKey::new("one");
    let (issuer, verifier) = Issuer::start(Served::Status(503)).await;
    let verifier = Arc::new(verifier);
    let database = RecordingDatabase::answering("null");
    let service = router(
        AppState::new(Arc::new(database), verifier.clone()),
        Vec::new(),
    );
    let token = key.sign(&user_claims());
    let ask = async |path: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        send(
            service.clone(),
            request.body(Body::empty()).expect("a request"),
        )
        .await
    };
    let refused = ask("/v1/auctions/00000000-0000-4000-8000-000000000001/live-stream").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["code"], "upstream_unavailable");
    assert_eq!(refused.headers["retry-after"], "1");
    let ready = ask("/readyz").await.json();
    assert_eq!(ready["has_token_keys"], false);
    assert_eq!(ready["status"], "degraded");

    issuer.serve(keys(&[&key]));
    let _refresher = KeyRefresher::start(verifier.clone());
    while !verifier.has_key_set() {
        tokio::task::yield_now().await;
    }
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(ask("/readyz").await.json()["has_token_keys"], true);
    let unknown = SigningKey::new("another").sign(&user_claims());
    let refused = verifier.verify(&unknown).await;
    assert_eq!(refused.map(|_| ()), Err(AuthError::UnknownKey));
}

#[tokio::test(start_paused = true)]
async fn the_first_set_is_tried_for_every_second() {
    let file = std::env::temp_dir().join(format!("edge_api_first_set_{}", std::process::id()));
    let verifier = Verifier::with_keys(Keys::default());
    let verifier = verifier.with_key_source(KeySource::file(&file), Keys::default());
    let verifier = Arc::new(verifier);
    let _refresher = KeyRefresher::start(verifier.clone());
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(!verifier.has_key_set());
    let set = json!({"keys": [SigningKey::new("one").public()]});
    std::fs::write(&file, set.to_string()).expect("a file");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(verifier.has_key_set());
    std::fs::remove_file(&file).expect("it is there");
}

#[tokio::test]
async fn the_same_set_read_again_forgets_no_verified_token() {
    let key = SigningKey::new("one");
    let (_issuer, verifier) = Issuer::start(keys(&[&key])).await;
    let token = key.sign(&user_claims());
    let first = verifier.verify(&token).await.expect("a fetch");
    assert!(verifier.refresh().await);
    let second = verifier.verify(&token).await.expect("known");
    assert!(Arc::ptr_eq(&first, &second), "it was verified anew");
}

#[tokio::test]
async fn why_a_set_cannot_be_fetched_is_told_without_its_url() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let url = format!("http://user:hunter2@{address}/jwks.json?apikey=hunter3");
    let source = KeySource::url(url.parse().expect("a URL")).expect("a client");
    let error = source.read().await.expect_err("nobody is there");
    let causes = std::iter::successors(Some(&error as &dyn Error), |error| (*error).source());
    let told: String = causes.map(|error| format!("{error} {error:?}")).collect();
    assert!(told.contains("cannot be fetched"), "{told}");
    assert!(
        !told.contains("hunter") && !told.contains("jwks.json"),
        "{told}"
    );
}

#[tokio::test]
async fn the_set_is_read_at_the_start_and_regularly() {
    let key = SigningKey::new("one");
    let (issuer, verifier) = Issuer::start(keys(&[&key])).await;
    let verifier = Arc::new(verifier);
    let _refresher = KeyRefresher::start(verifier.clone());
    let fetched = async |count| {
        while issuer.fetches() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    fetched(1).await;
    // Waits until the first reading is over, and the task sleeps.
    verifier
        .verify(&key.sign(&user_claims()))
        .await
        .expect("read");
    while issuer.fetches() < 2 {
        pause();
        advance(REFRESH_INTERVAL).await;
        tokio::time::resume();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
pub async fn readings_of_the_key_set_are_counted_by_outcome() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let (issuer, verifier) = Issuer::start(keys(&[&SigningKey::new("one")])).await;
    assert!(verifier.refresh().await);
    issuer.serve(Served::Status(500));
    for _ in 0..2 {
        assert!(!verifier.refresh().await);
    }
    let fetches = |outcome: &str| {
        observed.value(&format!(r#"edge_key_fetches_total{{outcome="{outcome}"}}"#))
    };
    assert_eq!((fetches("ok"), fetches("failed")), (Some(1.0), Some(2.0)));
}
