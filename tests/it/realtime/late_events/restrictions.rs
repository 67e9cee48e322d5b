//! Mutes and bans of a time without today's partition.

use anyhow::Result;
use serde_json::json;
use stream_tests::demo;
use stream_tests::moderation::{lift, restrict};

use super::{events, missed, without_partition};

#[tokio::test]
async fn a_restriction_is_told_late_while_it_is_in_force() -> Result<()> {
    for (function, kind, event) in [
        ("mute_user", "mute", "restricted"),
        ("ban_user", "ban", "revoked"),
    ] {
        let (database, id, seller) = without_partition().await?;
        restrict(&seller, function, id, demo::ADA).await?;
        database.bring_partition_back().await?;
        database.tick().await?;
        let sent = events(&database, &format!("user:{}", demo::ADA)).await?;
        let expected = json!({
            "session_id": id, "restriction": kind, "is_in_force": true, "until": null,
        });
        assert_eq!(sent, [(event.to_owned(), expected)]);
    }
    Ok(())
}

/// Of a restriction and its end the end is told.
#[tokio::test]
async fn a_restriction_that_was_lifted_without_a_partition_is_told_as_lifted() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    restrict(&seller, "ban_user", id, demo::ADA).await?;
    lift(&seller, id, demo::ADA, "ban").await?;
    database.bring_partition_back().await?;
    database.tick().await?;
    let sent = events(&database, &format!("user:{}", demo::ADA)).await?;
    let expected = json!({
        "session_id": id, "restriction": "ban", "is_in_force": false, "until": null,
    });
    assert_eq!(sent, [("restricted".to_owned(), expected)]);
    Ok(())
}

#[tokio::test]
async fn a_restriction_that_is_over_is_replaced_by_one_hint() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    for function in ["mute_user", "ban_user"] {
        restrict(&seller, function, id, demo::ADA).await?;
    }
    // As the sweep does when they are over.
    database
        .change("delete from stream.chat_restrictions")
        .await?;
    database.bring_partition_back().await?;
    database.tick().await?;
    let sent = events(&database, &format!("user:{}", demo::ADA)).await?;
    assert_eq!(sent, [missed(id)]);
    Ok(())
}

#[tokio::test]
async fn a_moderator_at_work_is_waited_for_by_nobody() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    restrict(&seller, "mute_user", id, demo::ADA).await?;
    database.bring_partition_back().await?;
    seller.begin().await?;
    let arguments = json!({"session_id": id, "user_id": demo::ADA, "kind": "mute"});
    seller.rpc_within("lift_restriction", arguments).await?;
    database.tick().await?;
    let topic = format!("user:{}", demo::ADA);
    assert!(events(&database, &topic).await?.is_empty());
    seller.commit().await?;
    database.tick().await?;
    let sent = events(&database, &topic).await?;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0].1["is_in_force"], false);
    assert_eq!(sent[1], missed(id));
    Ok(())
}
