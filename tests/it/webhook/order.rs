//! The order in which Agora's notices arrive makes no difference. Random histories are told twice: once as they
//! happened, and once doubled, shuffled and with delays.

use anyhow::{Context, Result, ensure};
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::session::Session;
use stream_tests::stateful::{Property, check};
use stream_tests::stream::{move_to, session_id};
use stream_tests::webhook::*;
use uuid::Uuid;

/// The host's uid after one takeover, so that there is an older phone too.
const HOST: i64 = 2;
const OLD_PHONE: i64 = 1;

/// How the stream is before Agora tells anything, and for how many seconds at most the notices are
/// delayed in all: no longer than those who left are remembered, and than the timeouts of that state.
#[derive(Debug, Clone, Copy)]
enum StartState {
    Initializing,
    /// Live; the app sends no heartbeats.
    Silent,
    /// Live, with heartbeats.
    WithHeartbeats,
    /// Lost, because heartbeats have stopped.
    Lost,
    Paused,
}

impl StartState {
    const ALL: [Self; 5] = [
        Self::Initializing,
        Self::Silent,
        Self::WithHeartbeats,
        Self::Lost,
        Self::Paused,
    ];

    const fn longest_delay_s(self) -> i64 {
        match self {
            Self::Initializing | Self::Silent | Self::Paused => 45,
            Self::WithHeartbeats | Self::Lost => 12,
        }
    }
}

/// Subject an event is about.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Subject {
    Host,
    OldPhone,
    Ada,
    Ben,
    Recorder,
    Channel,
}

#[derive(Debug, Clone)]
struct NoticeHistory {
    start: StartState,
    /// In the order in which they happened: who, and which of the things that can happen to them.
    history: Vec<(Subject, usize)>,
    /// Places in the history, each at least once, in the order of arrival.
    arrivals: Vec<usize>,
    /// Before which arrivals time passes, and how much.
    delays: Vec<(usize, i64)>,
}

fn cases() -> impl Strategy<Value = NoticeHistory> {
    use Subject::{Ada, Ben, Channel, Host, OldPhone, Recorder};
    let who = prop_oneof![
        6 => Just(Host), 1 => Just(OldPhone), 2 => Just(Ada), 2 => Just(Ben), 1 => Just(Recorder),
        1 => Just(Channel),
    ];
    let history = proptest::collection::vec((who, 0..100_usize), 1..10);
    let start = proptest::sample::select(&StartState::ALL[..]);
    (history, start).prop_flat_map(|(history, start)| {
        let places: Vec<_> = (0..history.len()).chain(0..history.len()).collect();
        let repeated = proptest::collection::vec(0..history.len(), 0..4);
        let arrivals = (Just(places), repeated)
            .prop_map(|(places, repeated)| [places, repeated].concat())
            .prop_shuffle();
        let delay = (0..2 * history.len(), 1..=start.longest_delay_s() / 3);
        let delays = proptest::collection::vec(delay, 0..3);
        (arrivals, delays).prop_map(move |(arrivals, delays)| NoticeHistory {
            start,
            history: history.clone(),
            arrivals,
            delays,
        })
    })
}

struct NoticeOrder {
    database: TestDatabase,
    seller: Session,
    viewers: [Session; 2],
    service: Session,
}

impl Property for NoticeOrder {
    type Case = NoticeHistory;

    fn cases() -> impl Strategy<Value = NoticeHistory> {
        cases()
    }

    /// Its connections serve all cases: making one costs more than all calls of a case.
    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        Ok(Self {
            seller: database.user(demo::SELLER).await?,
            viewers: [
                database.user(demo::ADA).await?,
                database.user(demo::BEN).await?,
            ],
            service: database.service().await?,
            database,
        })
    }

    async fn play(&self, case: &NoticeHistory) -> Result<()> {
        let one = self.stream(case.start).await?;
        for told in self.notices(one, &case.history).await? {
            send_notice(&self.service, &told).await?;
        }
        let other = self.stream(case.start).await?;
        let notices = self.notices(other, &case.history).await?;
        for (number, place) in case.arrivals.iter().enumerate() {
            for (_, seconds) in case.delays.iter().filter(|(before, _)| *before == number) {
                self.database.pass_time(other, *seconds).await?;
                self.sweep().await?;
            }
            send_notice(&self.service, &notices[*place])
                .await
                .with_context(|| format!("arrival {number}"))?;
        }
        let (expected, found) = (self.end_state(one).await?, self.end_state(other).await?);
        ensure!(
            expected == found,
            "in order: {expected}\nas it arrived: {found}"
        );

        let stored = self.database.stored_notices(other).await?.len();
        ensure!(stored == case.history.len(), "{stored} notices are stored");
        // Nobody meets them in the next case.
        for id in [one, other] {
            self.service
                .rpc("end_stream", json!({"session_id": id}))
                .await?;
        }
        Ok(())
    }
}

impl NoticeOrder {
    async fn sweep(&self) -> Result<()> {
        self.service.rpc_rows("sweep", json!({})).await?;
        Ok(())
    }

    /// A stream of the second generation with two viewers.
    async fn stream(&self, start: StartState) -> Result<Uuid> {
        let auction = json!({"auction_id": self.database.add_auction(demo::SELLER).await?});
        let id = session_id(&self.seller.rpc("start_stream", auction.clone()).await?)?;
        let path: &[StreamState] = match start {
            StartState::Initializing => &[],
            StartState::Paused => &[StreamState::Active, StreamState::Paused],
            StartState::Silent | StartState::WithHeartbeats | StartState::Lost => {
                &[StreamState::Active]
            }
        };
        for state in path {
            move_to(&self.seller, id, *state).await?;
        }
        let taken = self.seller.rpc("start_stream", auction).await?;
        ensure!(session_id(&taken)? == id);
        for viewer in &self.viewers {
            viewer.rpc("add_viewer", json!({"session_id": id})).await?;
        }
        if matches!(start, StartState::WithHeartbeats | StartState::Lost) {
            send_heartbeat(&self.seller, id).await?;
        }
        if matches!(start, StartState::Lost) {
            self.database.pass_time(id, 20).await?;
            self.sweep().await?;
        }
        Ok(id)
    }

    /// The history as notices about one stream.
    async fn notices(&self, session: Uuid, history: &[(Subject, usize)]) -> Result<Vec<Value>> {
        let ada = self.database.uid_of(session, demo::ADA).await?;
        let ben = self.database.uid_of(session, demo::BEN).await?;
        let notices = (1..).zip(history).map(|(number, (who, what))| match who {
            Subject::Host => of_broadcaster(session, HOST, number, *what),
            Subject::OldPhone => of_broadcaster(session, OLD_PHONE, number, *what),
            Subject::Ada => of_audience(session, ada, number, *what),
            Subject::Ben => of_audience(session, ben, number, *what),
            Subject::Recorder => {
                let mut recorder = of_broadcaster(session, HOST, number, *what);
                recorder["payload"]["platform"] = json!(6);
                recorder["payload"]["clientType"] = json!(10);
                recorder
            }
            Subject::Channel => notice(
                [CHANNEL_CREATED, CHANNEL_DESTROYED][what % 2],
                json!({"channelName": session, "ts": 1_790_000_000 + number}),
            ),
        });
        Ok(notices.collect())
    }

    /// What must not depend on the order: state and why, who is there, and who holds a lease.
    async fn end_state(&self, session: Uuid) -> Result<Value> {
        self.database
            .value(&format!(
                "select jsonb_build_object(
                     'state', s.state, 'generation', s.generation,
                     'before', s.state_before_error,
                     'reason', case when s.state = 'error' then s.state_reason end,
                     'leases', (select count(*) from stream.stream_viewers as v
                                where v.session_id = s.id and v.is_active),
                     'present', (select jsonb_agg(jsonb_build_array(
                                     case when k.uid < 1000000 then k.uid::text else v.user_id::text end,
                                     k.position, k.is_present) order by k.position, k.uid)
                                 from stream.webhook_cursors as k
                                 left join stream.stream_viewers as v
                                     on v.session_id = k.session_id and v.agora_uid = k.uid
                                 where k.session_id = s.id))
                 from stream.stream_sessions as s where s.id = '{session}'"
            ))
            .await
    }
}

fn of_broadcaster(session: Uuid, uid: i64, number: i64, what: usize) -> Value {
    const REASONS: [i64; 12] = [0, 1, 2, 3, 4, 5, 9, 10, 12, 12, 99, 999];
    match what % 20 {
        0..=4 => of_user(BROADCASTER_JOINED, session, uid, number),
        5 => of_user(BECAME_BROADCASTER, session, uid, number),
        6 => of_user(BECAME_AUDIENCE, session, uid, number),
        7 => of_user(AUDIENCE_JOINED, session, uid, number),
        what => left(BROADCASTER_LEFT, session, uid, number, REASONS[what - 8]),
    }
}

fn of_audience(session: Uuid, uid: i64, number: i64, what: usize) -> Value {
    if what.is_multiple_of(2) {
        of_user(AUDIENCE_JOINED, session, uid, number)
    } else {
        let reason = [1, 10, 12, 999][what / 2 % 4];
        left(AUDIENCE_LEFT, session, uid, number, reason)
    }
}

/// Feature: streaming-realtime-fixes, Property 14: For any stream session lifecycle event (start,
/// pause, resume, end, timeout), the Stream_Service should initialize/cleanup resources
/// appropriately, maintain session state correctly, notify participants of changes, and handle
/// session timeouts automatically
#[test]
fn notices_doubled_shuffled_and_delayed_end_in_the_same_state_as_in_order() -> Result<()> {
    check::<NoticeOrder>()
}
