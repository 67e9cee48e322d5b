//! Bids above READ COMMITTED on the SQL edition: a statement there cannot change a head or a relay row that others have
//! changed since the bid's snapshot, so such a bid is refused, whole, and succeeds when it is made again.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use tokio_postgres::Error;
use uuid::Uuid;
use xtask::edition::Edition;

const BIDS: &str = "
create table public.bids (auction_id uuid not null, amount numeric not null);
grant select, insert on public.bids to authenticated;
create constraint trigger bids_log after insert on public.bids
deferrable initially deferred for each row
execute function stream.auction_update_trigger('auction_id', 'amount')";

const ABOVE_READ_COMMITTED: [&str; 2] = ["repeatable read", "serializable"];

/// A live stream of an auction with bids.
struct Auction {
    database: TestDatabase,
    session: Uuid,
    bid: String,
    bidder: Session,
    writer: Session,
}

impl Auction {
    async fn start() -> Result<Self> {
        let database = TestDatabase::of_edition(Edition::Sql).await?;
        database.change(BIDS).await?;
        let session = database.stream_in(StreamState::Active).await?;
        let row = database.session_row(session).await?;
        let auction = row["auction_id"].as_str().context("no auction")?;
        Ok(Self {
            bidder: database.user(demo::ADA).await?,
            writer: database.viewer(session, demo::BEN).await?,
            bid: format!("insert into public.bids (auction_id, amount) values ('{auction}', 5)"),
            database,
            session,
        })
    }

    /// A bid whose transaction sees nothing that is committed from now on. The log is taken at its commit.
    async fn begin_bid(&self, isolation: &str) -> Result<(), Error> {
        self.bidder.begin_at(isolation).await?;
        self.bidder.execute_within(&self.bid).await
    }

    /// The refused bid has left nothing, and the same bid again is logged and sent, without a hole.
    async fn assert_refused(&self, committed: Result<(), Error>, isolation: &str) -> Result<()> {
        expect_refusal(ErrorCode::IsolationLevel, committed).context(isolation.to_owned())?;
        let bids = "select count(*) from public.bids";
        assert_eq!(self.database.value::<i64>(bids).await?, 0, "{isolation}");
        self.begin_bid(isolation).await?;
        self.bidder.commit().await?;
        assert_eq!(self.database.value::<i64>(bids).await?, 1, "{isolation}");
        self.database.tick().await?;
        let log = self.database.log(self.session).await?;
        let last = log.last().context("an empty log")?;
        assert_eq!(last["metadata"]["amount"], 5, "{last}");
        let dense: Vec<i64> = (1..).take(log.len()).collect();
        assert_eq!(numbers(&log), dense);
        let mut sent = Vec::new();
        for frame in self.database.frames(self.session).await? {
            sent.extend(numbers(frame["messages"].as_array().context("no list")?));
        }
        assert_eq!(sent, numbers(&log), "{isolation}");
        Ok(())
    }
}

#[tokio::test]
async fn a_bid_behind_a_message_that_it_cannot_see_is_refused_and_succeeds_again() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        auction.begin_bid(isolation).await?;
        send_message(&auction.writer, auction.session, "one").await?;
        let committed = auction.bidder.commit().await;
        auction.assert_refused(committed, isolation).await?;
    }
    Ok(())
}

/// The head is as it was; a frame that a ticker has sent since has changed the relay row.
#[tokio::test]
async fn a_bid_behind_a_frame_that_it_cannot_see_is_refused_and_succeeds_again() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        auction.begin_bid(isolation).await?;
        auction
            .database
            .change("update stream.chat_relay set flushed_at = clock_timestamp()")
            .await?;
        let committed = auction.bidder.commit().await;
        auction.assert_refused(committed, isolation).await?;
    }
    Ok(())
}

/// Never 40001, which PostgREST up to 14 retries without end.
#[tokio::test]
async fn a_bid_that_waits_for_a_message_is_refused_and_succeeds_again() -> Result<()> {
    for isolation in ABOVE_READ_COMMITTED {
        let auction = Auction::start().await?;
        auction.begin_bid(isolation).await?;
        auction.writer.begin().await?;
        let message =
            json!({"session_id": auction.session, "user_id": Value::Null, "content": "first"});
        auction.writer.rpc_within("send_message", message).await?;
        let waiting = auction.bidder.backend().await?;
        let (committed, released) = tokio::join!(auction.bidder.commit(), async {
            wait_until_blocked(&auction.database.owner, waiting).await?;
            auction.writer.commit().await?;
            anyhow::Ok(())
        });
        released?;
        auction.assert_refused(committed, isolation).await?;
    }
    Ok(())
}
