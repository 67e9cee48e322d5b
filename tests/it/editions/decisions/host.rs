//! Changes of who is in a channel are left out, and those of a host judged, in SQL as by stream_core.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_core::webhook::host::{Heartbeats, Loss, Step, Stream, Verdict, judge, step};
use stream_core::webhook::{Cause, UserChange, UserKind};
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

use super::notices::kind_of_user;

/// Every kind with each reason that matters.
fn kinds() -> Vec<(UserKind, Option<i32>)> {
    let reasons = [0, 1, 2, 3, 4, 5, 9, 10, 12, 13, 99, 999].map(Some);
    let reasons = reasons.into_iter().chain([None]);
    reasons
        .flat_map(|reason| {
            [
                UserKind::Sends,
                UserKind::Watches,
                UserKind::Left(Cause::from_reason(reason)),
            ]
            .map(|kind| (kind, reason))
        })
        .collect()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Present => "present",
        Verdict::Waiting => "waiting",
        Verdict::Gone(loss) => loss.as_str(),
    }
}

#[tokio::test]
async fn changes_are_left_out_and_judged_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let ignored = "select stream_ext.webhook_ignored($1, $2, $3, $4)";
    let ignored = database.owner.prepare(ignored).await?;
    let verdict = "select stream_ext.webhook_verdict($1, $2, $3)";
    let verdict = database.owner.prepare(verdict).await?;
    for (kind, reason) in kinds() {
        let of_kind = kind_of_user(kind);
        for platform in [None, Some(1), Some(6)] {
            for client_type in [None, Some(3), Some(8)] {
                let change = UserChange {
                    uid: 1,
                    client_seq: 1,
                    ts: 1,
                    kind,
                    reason,
                    duration_s: None,
                    platform,
                    client_type,
                };
                let row = database
                    .owner
                    .query_one(&ignored, &[&of_kind, &reason, &platform, &client_type])
                    .await?;
                let wanted = change.ignored().map(|ignored| ignored.as_str());
                assert_eq!(row.get::<_, Option<&str>>(0), wanted, "{change:?}");
            }
        }
        for heartbeats in [Heartbeats::Fresh, Heartbeats::Missing] {
            let has_heartbeat = heartbeats == Heartbeats::Fresh;
            let row = database
                .owner
                .query_one(&verdict, &[&of_kind, &reason, &has_heartbeat])
                .await?;
            let wanted = word(judge(kind, heartbeats));
            assert_eq!(row.get::<_, &str>(0), wanted, "{kind:?} {heartbeats:?}");
        }
    }
    Ok(())
}

fn of_step(step: Step) -> &'static str {
    match step {
        Step::Note => "note",
        Step::See => "see",
        Step::Wait => "wait",
        Step::Return => "return",
        Step::Lose(_) => "lose",
        Step::Restate(_) => "restate",
    }
}

#[tokio::test]
async fn what_follows_for_a_stream_is_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let query = "select stream_ext.webhook_step($1, $2, $3, $4, $5)";
    let query = database.owner.prepare(query).await?;
    let verdicts = [
        Verdict::Present,
        Verdict::Waiting,
        Verdict::Gone(Loss::Lost),
        Verdict::Gone(Loss::Token),
    ];
    let before = StreamState::ALL.iter().copied().map(Some);
    let before: Vec<_> = before.chain([None]).collect();
    for state in StreamState::ALL.iter().copied() {
        for reason in [None, Some("host_lost"), Some("host_token"), Some("seller")] {
            for before_error in before.iter().copied() {
                for (may_return, verdict) in [true, false]
                    .into_iter()
                    .flat_map(|may| verdicts.map(|verdict| (may, verdict)))
                {
                    let is_error = state == StreamState::Error;
                    let stream = Stream {
                        state,
                        loss: reason.filter(|_| is_error).and_then(Loss::parse),
                        before_error,
                        may_return,
                    };
                    let before_error = before_error.map(StreamState::as_str);
                    let row = database
                        .owner
                        .query_one(
                            &query,
                            &[
                                &state.as_str(),
                                &reason,
                                &before_error,
                                &may_return,
                                &word(verdict),
                            ],
                        )
                        .await?;
                    let wanted = of_step(step(stream, verdict));
                    assert_eq!(row.get::<_, &str>(0), wanted, "{stream:?} {verdict:?}");
                }
            }
        }
    }
    Ok(())
}
