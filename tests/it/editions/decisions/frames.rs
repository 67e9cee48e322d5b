//! Entries are cut into frames, and frames written, in SQL as by stream_core.

use anyhow::Result;
use proptest::prelude::*;
use stream_core::frame;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

use super::drawn;

#[tokio::test]
async fn entries_are_cut_into_frames_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let sizes = prop::collection::vec(prop_oneof![1_usize..400, 1_usize..70_000], 0..250);
    for (sizes, payload_bytes) in drawn((sizes, 10_000_usize..400_000)) {
        let entries: Vec<frame::Entry> = (1..)
            .zip(&sizes)
            .map(|(seq, size)| frame::Entry {
                seq,
                json: "7".repeat(*size),
            })
            .collect();
        let wanted: Vec<i32> = frame::split(&entries, payload_bytes)
            .filter_map(|run| Some(i32::try_from(run.last()?.seq).unwrap_or(0)))
            .collect();
        let sizes = sizes
            .iter()
            .map(|size| i32::try_from(*size))
            .collect::<Result<Vec<_>, _>>()?;
        let ends: Vec<i32> = database
            .owner
            .query_one(
                "select stream_ext.frame_runs($1, $2)",
                &[&sizes, &i32::try_from(payload_bytes)?],
            )
            .await?
            .get(0);
        assert_eq!(ends, wanted);
    }
    Ok(())
}

/// The entries as SQL takes them: joined, with the numbers of the first and the last.
fn joined(entries: &[frame::Entry]) -> (String, i64, i64) {
    let texts: Vec<&str> = entries.iter().map(|entry| entry.json.as_str()).collect();
    let seq = |entry: Option<&frame::Entry>| entry.map_or(0, |entry| entry.seq);
    (texts.join(","), seq(entries.first()), seq(entries.last()))
}

#[tokio::test]
async fn frames_are_written_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let text = prop_oneof![
        (1_usize..4_000).prop_map(|length| "7".repeat(length)),
        (1_usize..1_500).prop_map(|count| format!("[{}0]", "\"\",".repeat(count))),
        (1_usize..900).prop_map(|count| format!("\"{}\"", "\u{E9}".repeat(count))),
    ];
    let header = (
        1_i64..1_000_000,
        0_i64..500,
        prop_oneof![Just(None), (50_i32..60_000).prop_map(Some)],
    );
    let least = i32::try_from(frame::LEAST_PAYLOAD_BYTES)?;
    let (mut whole, mut digests) = (0, 0);
    for (texts, (first, ahead, poll_ms), payload_bytes) in
        drawn((prop::collection::vec(text, 1..6), header, least..30_000))
    {
        let entries: Vec<_> = (first..)
            .zip(texts)
            .map(|(seq, json)| frame::Entry { seq, json })
            .collect();
        let (messages, from_seq, to_seq) = joined(&entries);
        let head_seq = to_seq + ahead;
        let header = frame::Header {
            session_id: "00000000-0000-4000-8000-00000000000a",
            epoch: "0123456789abcdef",
            head_seq,
            server_time_json: "\"2026-01-01T00:00:00+00:00\"",
            poll_ms,
        };
        let payload: String = database
            .owner
            .query_one(
                "select stream_ext.frame_payload($1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9)",
                &[
                    &header.session_id,
                    &header.epoch,
                    &from_seq,
                    &to_seq,
                    &head_seq,
                    &header.server_time_json,
                    &poll_ms,
                    &messages,
                    &payload_bytes,
                ],
            )
            .await?
            .get(0);
        let wanted = frame::payload(&header, &entries, usize::try_from(payload_bytes)?);
        digests += usize::from(payload.contains("\"digest\":true"));
        whole += usize::from(payload.contains("\"digest\":false"));
        assert_eq!(Some(payload), wanted, "{payload_bytes}");
    }
    assert!(
        whole > 20 && digests > 10,
        "{whole} whole, {digests} digests"
    );
    Ok(())
}
