//! The edge behind Debian's pgbouncer in session mode, which refuses options of a session unless it ignores them.

use anyhow::Result;
use edge_api::upstream::UpstreamError;
use edge_api::upstream::sql::SqlUpstream;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::direct_calls::{ask, plain_settings};
use stream_tests::pgbouncer::Pgbouncer;

#[tokio::test]
async fn a_pooler_in_session_mode_serves_the_edge_where_it_ignores_its_options() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let sync = json!({"session_id": stream, "after_seq": 0});
    for (ignored, is_served) in [("", false), ("options", true)] {
        let pgbouncer = Pgbouncer::start_in_session_mode(&database, ignored).await?;
        let upstream = SqlUpstream::new(plain_settings(&pgbouncer.url, 2)?)?;
        // The second call finds its statement prepared.
        for _ in 0..2 {
            let answer = ask(&upstream, demo::SELLER, "sync", &sync)?.await;
            match answer {
                Ok(_) => assert!(is_served),
                Err(UpstreamError::Unavailable { .. }) => assert!(!is_served),
                Err(other) => panic!("{other}"),
            }
        }
    }
    Ok(())
}
