//! The view `stream.metrics` through PostgREST.

use super::*;

#[tokio::test]
async fn figures_are_rows_of_the_view_read_with_the_key_of_the_service() {
    let rows = r#"[{"name":"pg_stream_sessions","labels":{"state":"active"},"value":2},
        {"name":"pg_stream_canary_lag_seconds","labels":{},"value":0.25}]"#;
    let (server, upstream) = server(200, rows, Some("le.ga.cy")).await;
    let figures = upstream.figures().await.expect("figures");
    let found: Vec<_> = figures
        .iter()
        .map(|figure| (figure.name.as_str(), figure.labels.len(), figure.value))
        .collect();
    assert_eq!(
        found,
        [
            ("pg_stream_sessions", 1, 2.0),
            ("pg_stream_canary_lag_seconds", 0, 0.25)
        ]
    );
    let asked = server.asked.lock().expect("no panic");
    let [(uri, headers, body)] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(uri.path(), "/rest/v1/metrics");
    assert_eq!(uri.query(), Some("select=name%2Clabels%2Cvalue"));
    for (name, value) in [
        ("accept-profile", "stream"),
        ("apikey", "le.ga.cy"),
        ("authorization", "Bearer le.ga.cy"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert_eq!(body, "");
}

#[tokio::test]
async fn figures_that_are_refused_or_have_another_form_are_an_error() {
    let refusal = r#"{"code":"42501","message":"permission denied for view metrics"}"#;
    let (_, upstream) = server(403, refusal, Some("k")).await;
    let refused = upstream.figures().await.expect_err("a refusal");
    assert!(
        matches!(
            refused,
            UpstreamError::Refused {
                code: ErrorCode::PermissionDenied,
                ..
            }
        ),
        "{refused:?}"
    );
    for text in ["{}", r#"[{"name":"x"}]"#, "no JSON"] {
        let (_, upstream) = server(200, text, Some("k")).await;
        let error = upstream.figures().await.expect_err(text);
        assert!(
            matches!(error, UpstreamError::Unexpected { .. }),
            "{error:?}"
        );
    }
    let (server, upstream) = server(200, "[]", None).await;
    assert!(upstream.figures().await.is_err());
    assert!(server.asked.lock().expect("no panic").is_empty());
}
