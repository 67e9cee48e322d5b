//! Bids at the application's own isolation level, whose snapshot may be older than the log: they leave no gap
//! in what is sent.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, numbers, send_message};
use uuid::Uuid;

const BIDS: &str = "
    create table public.bids (
        id bigint generated always as identity primary key,
        auction_id uuid not null,
        amount numeric(30, 2) not null
    );
    grant select, insert on public.bids to authenticated;
    create constraint trigger bids_log after insert on public.bids
    deferrable initially deferred for each row
    execute function stream.auction_update_trigger('auction_id', 'amount')";

const ABOVE_READ_COMMITTED: [&str; 2] = ["repeatable read", "serializable"];

/// A live stream of an auction with bids, and somebody who chats.
struct Auction {
    database: TestDatabase,
    session: Uuid,
    auction: String,
    ada: Session,
    ben: Session,
}

impl Auction {
    async fn start() -> Result<Self> {
        let database = TestDatabase::create().await?;
        database.change(BIDS).await?;
        let session = database.stream_in(StreamState::Active).await?;
        let auction = database.session_row(session).await?["auction_id"].clone();
        Ok(Self {
            ada: database.user(demo::ADA).await?,
            ben: database.viewer(session, demo::BEN).await?,
            auction: auction.as_str().context("no auction")?.to_owned(),
            database,
            session,
        })
    }

    /// Ada's bid.
    async fn bid_at(&self, isolation: &str) -> Result<()> {
        bid_at(&self.ada, isolation, &self.auction).await
    }

    async fn send_message(&self, text: &str) -> Result<()> {
        send_message(&self.ben, self.session, text).await?;
        Ok(())
    }

    /// Two messages that no frame carries yet, as a window leaves them.
    async fn leave_unflushed(&self) -> Result<()> {
        self.database
            .change(&format!(
                "with head as (
                     update stream.chat_heads
                     set last_seq = last_seq + 2, last_at = clock_timestamp() + interval '2 us'
                     where session_id = '{session}'
                     returning last_seq - 2 as above, last_at - interval '2 us' as before
                 )
                 insert into stream.chat_messages
                     (session_id, seq, user_id, username, content, created_at, updated_at)
                 select '{session}', h.above + n, '{ben}', 'ben', 'waits', at.time, at.time
                 from head as h
                 cross join generate_series(1, 2) as n
                 cross join lateral (select h.before + n * interval '1 us' as time) as at;
                 insert into stream.chat_tails (session_id) values ('{session}')",
                session = self.session,
                ben = demo::BEN,
            ))
            .await
    }

    /// The numbers that frames carry, in the order in which they went out.
    async fn sent(&self) -> Result<Vec<i64>> {
        let mut sent = Vec::new();
        for frame in self.database.frames(self.session).await? {
            sent.extend(numbers(frame["messages"].as_array().context("no list")?));
        }
        Ok(sent)
    }

    async fn log(&self) -> Result<Vec<i64>> {
        Ok(numbers(&self.database.log(self.session).await?))
    }
}

/// A bid whose transaction sees nothing that is committed from now on. The log is taken at its commit.
async fn bid_at(bidder: &Session, isolation: &str, auction: &str) -> Result<()> {
    bidder.begin_at(isolation).await?;
    let statement = format!("insert into public.bids (auction_id, amount) values ('{auction}', 5)");
    Ok(bidder.execute_within(&statement).await?)
}

#[tokio::test]
async fn messages_that_a_bid_cannot_see_are_not_left_out_of_the_frames() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        auction.bid_at(isolation).await?;
        auction.leave_unflushed().await?;
        auction.ada.commit().await?;
        auction.database.tick().await?;
        assert_eq!(auction.log().await?, [1, 2, 3, 4, 5]);
        assert_eq!(auction.sent().await?, [1, 2, 3, 4, 5], "{isolation}");
    }
    Ok(())
}

/// Without a ticker, too: whoever writes next sends what waits.
#[tokio::test]
async fn a_bid_behind_messages_that_it_cannot_see_goes_out_with_the_next_message() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        auction.bid_at(isolation).await?;
        auction.leave_unflushed().await?;
        auction.ada.commit().await?;
        auction.send_message("after it").await?;
        assert_eq!(auction.sent().await?, [1, 2, 3, 4, 5, 6], "{isolation}");
    }
    Ok(())
}

/// Frames, the state and the count have moved on, and nothing waits.
#[tokio::test]
async fn a_bid_goes_out_at_once_behind_frames_that_it_cannot_see() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        auction.bid_at(isolation).await?;
        auction.send_message("one").await?;
        let seller = auction.database.user(demo::SELLER).await?;
        move_to(&seller, auction.session, StreamState::Paused).await?;
        auction.database.tick().await?;
        auction.ada.commit().await?;
        assert_eq!(auction.log().await?, [1, 2, 3, 4, 5]);
        assert_eq!(auction.sent().await?, [1, 2, 3, 4, 5], "{isolation}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bid_that_waits_for_a_message_follows_it() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        auction.bid_at(isolation).await?;
        auction.ben.begin().await?;
        let message = json!({"session_id": auction.session, "user_id": null, "content": "first"});
        auction.ben.rpc_within("send_message", message).await?;
        let waiting = auction.ada.backend().await?;
        let (committed, released) = tokio::join!(auction.ada.commit(), async {
            wait_until_blocked(&auction.database.owner, waiting).await?;
            auction.ben.commit().await?;
            anyhow::Ok(())
        });
        released?;
        committed?;
        assert_eq!(auction.sent().await?, [1, 2, 3, 4], "{isolation}");
    }
    Ok(())
}

/// Each has its snapshot before the other one's commit.
#[tokio::test]
async fn bids_at_once_are_all_sent() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        let bidders = [&auction.ada, &auction.ben];
        for bidder in bidders {
            bid_at(bidder, isolation, &auction.auction).await?;
        }
        for bidder in bidders {
            bidder.commit().await?;
        }
        assert_eq!(auction.log().await?, [1, 2, 3, 4]);
        assert_eq!(auction.sent().await?, [1, 2, 3, 4], "{isolation}");
    }
    Ok(())
}

/// Also when the note about the messages before it is lost: the bid notes the session itself.
#[tokio::test]
async fn a_bid_that_cannot_send_is_queued_itself() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        auction.bid_at(isolation).await?;
        auction.leave_unflushed().await?;
        auction
            .database
            .change("delete from stream.chat_tails")
            .await?;
        auction.ada.commit().await?;
        let queued: i64 = auction
            .database
            .value("select count(*) from stream.chat_tails")
            .await?;
        assert_eq!(queued, 1, "{isolation}");
        auction.database.tick().await?;
        assert_eq!(auction.sent().await?, [1, 2, 3, 4, 5], "{isolation}");
    }
    Ok(())
}
