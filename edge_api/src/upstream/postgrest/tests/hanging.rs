//! A PostgREST that takes requests and answers none: each request ends by its own timeout.

use tokio::sync::watch;
use tokio::time::{pause, resume, timeout};

use super::*;

/// Counts the requests that have arrived.
async fn take(State(arrived): State<watch::Sender<usize>>) {
    arrived.send_modify(|count| *count += 1);
    std::future::pending().await
}

#[tokio::test]
async fn a_request_without_an_answer_ends_after_its_longest_time() {
    let arrived = watch::Sender::new(0);
    let router = Router::new()
        .fallback(any(take))
        .with_state(arrived.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let key = SecretString::from("le.ga.cy");
    let project = Project::new(&format!("http://{address}"), &ANON.into(), Some(&key));
    let upstream = PostgrestUpstream::new(project.expect("a project"), 1).expect("a client");

    let state = call("get_stream_state", vec![Argument::Null], user("t"));
    let (called, pinged, counted) = (upstream.call(state), upstream.ping(), upstream.figures());
    let asked: [(u64, Pending<()>); 3] = [
        (10, Box::pin(async { called.await.map(drop) })),
        (5, Box::pin(async { pinged.await.map(drop) })),
        (5, Box::pin(async { counted.await.map(drop) })),
    ];
    let mut arrivals = arrived.subscribe();
    for (number, (seconds, asked)) in asked.into_iter().enumerate() {
        let begun = Instant::now();
        let asked = tokio::spawn(asked);
        let there = arrivals.wait_for(|count| *count > number).await;
        there.expect("the server counts");
        // From here on nothing is waited for but time, which passes by itself.
        pause();
        let ended = timeout(Duration::from_secs(3600), asked).await;
        let error = ended.expect("in an hour").expect("no panic");
        let expected = UpstreamError::Refused {
            code: ErrorCode::StatementTimeout,
            retry_after_ms: None,
        };
        assert_eq!(error, Err(expected));
        assert_eq!(begun.elapsed().as_secs(), seconds);
        resume();
    }
}
