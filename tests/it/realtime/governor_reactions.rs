//! Totals of reactions have the window of viewer counts, which the governor plans by their rate and by the time of their last
//! broadcast.

use anyhow::Result;
use stream_tests::governor::Governed;

/// Totals of two kinds that were sent so long ago, as after broadcasts of one and then of the other.
async fn note_totals(governed: &Governed, age_s: u32, other_age_s: u32) -> Result<()> {
    governed
        .change(&format!(
            "insert into stream.reaction_totals (session_id, kind, total, sent_at)
             select '{}', t.kind, 1, clock_timestamp() - t.age
             from (values ('fire', interval '{other_age_s} seconds'), ('love', interval '{age_s} seconds')) as t (kind, age)",
            governed.session
        ))
        .await
}

/// A stream of which the next plan knows no rates, as after a crash: no count and no reaction is expected because of one.
async fn without_rates() -> Result<Governed> {
    let governed = Governed::start(2_500, 4_000).await?;
    governed
        .change("delete from stream.governor; update stream.chat_relay set viewers_window_ms = 0")
        .await?;
    Ok(governed)
}

async fn viewers_window(governed: &Governed) -> Result<i64> {
    let windows = governed.windows().await?;
    Ok(windows[3].as_i64().unwrap_or_default())
}

/// So much of the limit is spent that their window has to last beyond the next plan.
#[tokio::test]
async fn the_window_of_reactions_lasts_from_their_last_broadcast() -> Result<()> {
    for (has_totals, longer_than_ms) in [(false, 2_000), (true, 22_000)] {
        let governed = without_rates().await?;
        governed.spend(145_000, 0).await?;
        governed
            .change("update stream.chat_relay set viewers_sent_at = clock_timestamp()")
            .await?;
        if has_totals {
            note_totals(&governed, 20, 57).await?;
        }
        governed.plan().await?;
        let window_ms = viewers_window(&governed).await?;
        // Nobody is supposed to begin to react, and of two kinds the later broadcast counts.
        let most_ms = longer_than_ms + 18_000;
        assert!(
            (longer_than_ms..most_ms).contains(&window_ms),
            "totals: {has_totals}, {window_ms} ms"
        );
    }
    Ok(())
}

/// Otherwise it would end as soon as it has kept them from being broadcast for a while.
#[tokio::test]
async fn reactions_are_expected_while_their_window_is_open() -> Result<()> {
    for (age_s, is_expected) in [(5, true), (50, false)] {
        let governed = without_rates().await?;
        governed
            .change(
                "update stream.chat_relay
                 set viewers_window_ms = 30000, viewers_sent_at = clock_timestamp() - interval '61 seconds',
                     viewers_sent_count = 4000",
            )
            .await?;
        note_totals(&governed, age_s, 57).await?;
        governed.plan().await?;
        let window_ms = viewers_window(&governed).await?;
        assert_eq!(window_ms > 5_000, is_expected, "{age_s} s: {window_ms} ms");
    }
    Ok(())
}

#[tokio::test]
async fn counts_and_reactions_are_expected_after_one_of_them() -> Result<()> {
    for kind in ["counts", "reactions"] {
        let governed = without_rates().await?;
        governed.plan().await?;
        assert_eq!(viewers_window(&governed).await?, 0, "{kind}");
        if kind == "counts" {
            governed.set_viewers(4_001).await?;
        } else {
            governed
                .change(&format!(
                    "insert into stream.realtime_sends (kind, session_id) values ('reactions', '{}')",
                    governed.session
                ))
                .await?;
        }
        governed.plan().await?;
        let window_ms = viewers_window(&governed).await?;
        assert!(window_ms > 5_000, "{kind}: {window_ms} ms");
    }
    Ok(())
}
