//! Playing a sequence on the product, and comparing results and rows with the model.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use proptest::strategy::Strategy;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::regular_work::Swept;
use stream_tests::session::Session;
use stream_tests::stateful::{Model, Outcome};
use stream_tests::stream::{numbers, session_id};
use tokio_postgres::Error;
use uuid::Uuid;

use super::liveness::CONFIG;
use super::model::Stream;
use super::operation::{Call, MESSAGE_IDS, Operation, Person, sequences};

/// The connections of everybody who takes part.
pub struct Streams {
    database: TestDatabase,
    people: Vec<Session>,
    service: Session,
}

/// What a case needs to name its things.
pub struct AuctionCase {
    auction: Uuid,
    message_ids: Vec<Uuid>,
    streams: Vec<Stream>,
}

impl Model for Streams {
    type Operation = Call;
    type State = AuctionCase;

    fn operations() -> impl Strategy<Value = Vec<Call>> {
        sequences()
    }

    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        database.refuse_second_updates().await?;
        let mut people = Vec::new();
        for person in Person::ALL {
            people.push(database.user(person.id()).await?);
        }
        let service = database.service().await?;
        database
            .change(&format!("update stream.config set {CONFIG} where id"))
            .await?;
        Ok(Self {
            database,
            people,
            service,
        })
    }

    /// A new auction, of which no stream has been started.
    async fn begin(&self) -> Result<AuctionCase> {
        Ok(AuctionCase {
            auction: self.database.add_auction(demo::SELLER).await?,
            message_ids: (0..MESSAGE_IDS).map(|_| Uuid::new_v4()).collect(),
            streams: Vec::new(),
        })
    }

    async fn step(&self, case: &mut AuctionCase, call: &Call) -> Result<()> {
        match call.operation {
            Operation::Start => return self.start(case, call).await,
            Operation::PassTime { seconds } => return self.pass_time(case, seconds).await,
            Operation::Sweep => return self.sweep(case).await,
            Operation::Tick => return self.tick(case).await,
            _ => {}
        }
        let skipped = usize::from(call.on_previous && case.streams.len() > 1);
        let Some(place) = case.streams.len().checked_sub(1 + skipped) else {
            return self.miss(case, call).await;
        };
        let call = &settle(call, &case.streams[place]);
        let returned = self
            .call(call, &case.streams[place], &case.message_ids)
            .await;
        case.streams[place].apply(call).compare(returned)
    }

    async fn compare(&self, case: AuctionCase) -> Result<()> {
        for stream in &case.streams {
            self.compare_tables(stream, &case.message_ids).await?;
        }
        self.clear().await
    }
}

impl Streams {
    /// Leaves nothing that a sweep of the next case would find.
    async fn clear(&self) -> Result<()> {
        self.database
            .change(
                "select stream.end_stream(s.id) from stream.stream_sessions as s
                 where s.state <> 'ended'",
            )
            .await?;
        self.database.sweep().await?;
        Ok(())
    }

    /// Nothing was started yet: there is no such session.
    async fn miss(&self, case: &AuctionCase, call: &Call) -> Result<()> {
        let nowhere = Stream::started(Uuid::new_v4());
        let answer = self.call(call, &nowhere, &case.message_ids).await;
        let code = match &call.operation {
            Operation::SellerToken | Operation::BuyerToken => ErrorCode::ChannelNotFound,
            Operation::Send { content, .. } => match stream_core::chat::Content::parse(content) {
                Ok(_) => ErrorCode::SessionNotFound,
                Err(code) => code,
            },
            _ => ErrorCode::SessionNotFound,
        };
        expect_refusal(code, answer)
    }

    async fn start(&self, case: &mut AuctionCase, call: &Call) -> Result<()> {
        let arguments = json!({"auction_id": case.auction, "seller_id": call.person.id()});
        let answer = self.caller(call).rpc("start_stream", arguments).await;
        if call.person != Person::Seller {
            return expect_refusal(ErrorCode::NotAuctionOwner, answer);
        }
        let session = answer?;
        let id = session_id(&session)?;
        match case.streams.last_mut() {
            Some(live) if live.state != StreamState::Ended => {
                ensure!(id == live.id, "a second live session");
                live.take_over();
            }
            _ => {
                ensure!(
                    case.streams.iter().all(|stream| stream.id != id),
                    "an ended id again"
                );
                case.streams.push(Stream::started(id));
            }
        }
        let stream = case.streams.last().context("was started")?;
        let expected = json!({
            "state": stream.state.as_str(), "generation": stream.generation,
            "viewer_count": stream.counted,
        });
        Outcome::from(Ok::<_, ErrorCode>(expected)).compare(Ok(session))
    }

    async fn pass_time(&self, case: &mut AuctionCase, seconds: i64) -> Result<()> {
        for stream in &mut case.streams {
            self.database.pass_time(stream.id, seconds).await?;
            stream.liveness.now += seconds;
        }
        Ok(())
    }

    async fn sweep(&self, case: &mut AuctionCase) -> Result<()> {
        let mut expected = BTreeMap::new();
        for stream in &mut case.streams {
            stream.sweep(&mut expected);
        }
        let swept = Swept(self.service.rpc_rows("sweep", json!({})).await?);
        let handled = swept.handled_but_announced();
        ensure!(handled == expected, "swept {handled:?}, not {expected:?}");
        Ok(())
    }

    async fn tick(&self, case: &mut AuctionCase) -> Result<()> {
        self.database
            .change("update stream.ticker set swept_at = now() - interval '1 second'")
            .await?;
        self.service.rpc("tick", json!({})).await?;
        for stream in &mut case.streams {
            stream.sweep(&mut BTreeMap::new());
            stream.count();
        }
        Ok(())
    }

    async fn call(&self, call: &Call, stream: &Stream, ids: &[Uuid]) -> Result<Value, Error> {
        let person = call.person.id();
        let (function, mut arguments) = match &call.operation {
            Operation::Start | Operation::PassTime { .. } | Operation::Sweep | Operation::Tick => {
                unreachable!("asked for elsewhere")
            }
            Operation::Heartbeat { number, foreground } => (
                "heartbeat",
                json!({
                    "foreground": foreground, "user_id": person,
                    "generation": stream.generation(*number),
                    "join_no": stream.join_no(call.person, *number),
                }),
            ),
            Operation::Move { to, generation } => (
                "update_stream_state",
                json!({"state": to.as_str(), "generation": stream.generation(*generation)}),
            ),
            Operation::Join => ("add_viewer", json!({"buyer_id": person})),
            Operation::Leave { join_no } => (
                "remove_viewer",
                json!({"buyer_id": person, "join_no": stream.join_no(call.person, *join_no)}),
            ),
            Operation::Send { content, id } => (
                "send_message",
                json!({"user_id": person, "content": content, "id": id.map(|id| ids[id])}),
            ),
            Operation::SellerToken => {
                let arguments = json!({"seller_id": person, "channel_id": stream.id});
                return self
                    .caller(call)
                    .rpc("generate_seller_token", arguments)
                    .await;
            }
            Operation::BuyerToken => {
                let arguments = json!({"buyer_id": person, "channel_id": stream.id});
                return self
                    .caller(call)
                    .rpc("generate_buyer_token", arguments)
                    .await;
            }
            Operation::Sync { after } => ("sync", json!({"after_seq": after})),
        };
        arguments["session_id"] = json!(stream.id);
        let mut answer = self.caller(call).rpc(function, arguments).await?;
        if let Some(messages) = answer["messages"].as_array() {
            answer["messages"] = json!(numbers(messages));
        }
        if let Operation::Heartbeat { .. } = call.operation {
            answer["token_uid"] = answer["token"]["uid"].clone();
        }
        Ok(answer)
    }

    fn caller(&self, call: &Call) -> &Session {
        if call.by_service {
            &self.service
        } else {
            &self.people[call.person as usize]
        }
    }

    /// Everything that is stored and was broadcast about a stream.
    async fn compare_tables(&self, stream: &Stream, ids: &[Uuid]) -> Result<()> {
        let log = self.database.log(stream.id).await?;
        ensure!(
            numbers(&log) == (1..=stream.log.len() as i64).collect::<Vec<_>>(),
            "the log"
        );
        for (stored, entry) in log.iter().zip(&stream.log) {
            let is_same = match entry.sender {
                Some(sender) => {
                    stored["content"] == entry.content
                        && stored["user_id"] == json!(sender.id())
                        && entry
                            .message_id
                            .is_none_or(|id| stored["id"] == json!(ids[id]))
                }
                None => [&stored["metadata"]["state"], &stored["metadata"]["kind"]]
                    .contains(&&json!(entry.content)),
            };
            ensure!(is_same, "{stored} instead of {entry:?}");
        }
        // What the windows left over.
        self.database.flush(stream.id).await?;
        let sent: Vec<Value> = self
            .database
            .frames(stream.id)
            .await?
            .iter()
            .flat_map(|frame| frame["messages"].as_array().cloned().unwrap_or_default())
            .collect();
        ensure!(numbers(&sent) == numbers(&log), "the frames");
        let found = self.stored(stream.id).await?;
        let expected = json!({
            "state": stream.state.as_str(), "generation": stream.generation,
            "count": stream.counted, "peak": stream.peak,
            "places": stream.places.iter().map(|(person, place)| json!({
                "user_id": person.id(), "is_active": place.is_active, "join_no": place.join_no,
                "agora_uid": stream.uid(*person),
            })).collect::<Vec<_>>(),
            "head": stream.log.len(), "flushed": stream.log.len(),
            "open": stream.state != StreamState::Ended,
            "tokens": stream.tokens.len(),
            "usable_tokens": stream.tokens.iter().filter(|token| token.is_active).count(),
            "state_events": stream.state_events, "count_events": stream.count_events,
        });
        ensure!(found == expected, "stored {found} instead of {expected}");
        Ok(())
    }

    async fn stored(&self, session: Uuid) -> Result<Value> {
        let row = self
            .database
            .owner
            .query_one(
                "select jsonb_build_object(
                     'state', s.state, 'generation', s.generation,
                     'count', s.viewer_count, 'peak', s.peak_viewer_count,
                     'places', coalesce((
                         select jsonb_agg(
                             jsonb_build_object(
                                 'user_id', v.user_id, 'is_active', v.is_active,
                                 'join_no', v.join_no, 'agora_uid', v.agora_uid
                             ) order by v.user_id)
                         from stream.stream_viewers as v where v.session_id = s.id), '[]'),
                     'head', h.last_seq, 'flushed', r.flushed_seq, 'open', h.open,
                     'tokens', (select count(*) from stream.agora_tokens as t
                                where t.session_id = s.id),
                     'usable_tokens', (select count(*) from stream.agora_tokens as t
                                       where t.session_id = s.id and t.is_active),
                     'state_events', (select count(*) from realtime.messages as m
                                      where m.topic = 'stream:' || s.id),
                     'count_events', (select count(*) from realtime.messages as m
                                      where m.topic = 'viewers:' || s.id))
                 from stream.stream_sessions as s
                 join stream.chat_heads as h on h.session_id = s.id
                 join stream.chat_relay as r on r.session_id = s.id
                 where s.id = $1",
                &[&session],
            )
            .await?;
        Ok(row.get(0))
    }
}

/// A retry by somebody who may not write any more has its own tests: here it gets a new id.
fn settle(call: &Call, stream: &Stream) -> Call {
    let mut call = call.clone();
    if let Operation::Send { id, .. } = &mut call.operation
        && stream.state != StreamState::Ended
        && !stream.may_chat(call.person)
    {
        *id = None;
    }
    call
}
