//! Calls of every function that somebody could reach, with arguments that mean something in the test's world.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::webhook::{BROADCASTER_LEFT, left};
use uuid::Uuid;

/// What the calls are about.
pub struct CallTargets {
    pub live: Uuid,
    pub auction: Uuid,
    /// An auction whose stream has ended.
    pub past_auction: Uuid,
    /// Of the seller, without a stream.
    pub free_auction: Uuid,
    /// A message of [`demo::ADA`].
    pub message: Uuid,
    pub subscription: Uuid,
}

/// A function from the catalogue.
pub struct CalledFunction {
    pub oid: u32,
    /// With its schema, for a statement.
    pub name: String,
    pub signature: String,
    is_procedure: bool,
    returns_row: bool,
    /// Names and types of its arguments.
    arguments: Vec<(String, String)>,
}

/// All functions of our schemas, and all others, not of the system, that run with their owner's rights.
pub async fn functions(database: &TestDatabase) -> Result<Vec<CalledFunction>> {
    let rows = database
        .owner
        .query(
            "select p.oid, format('%I.%I', n.nspname, p.proname), p.oid::regprocedure::text, p.prokind = 'p',
                 r.typtype = 'c' or r.typname = 'anyelement',
                 array(
                     select coalesce(p.proargnames[a.place], '') from unnest(p.proargtypes::oid[])
                         with ordinality as a (type, place) order by a.place
                 ),
                 array(
                     -- The last argument of a native function that returns rows only names their type.
                     select case when t.typname <> 'anyelement' then format('pg_catalog.%I', t.typname)
                         when p.proname = 'send_messages' then 'stream.message_result'
                         else 'stream.chat_message' end
                     from unnest(p.proargtypes::oid[]) with ordinality as a (type, place)
                     join pg_catalog.pg_type as t on t.oid = a.type order by a.place
                 )
             from pg_catalog.pg_proc as p
             join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
             join pg_catalog.pg_type as r on r.oid = p.prorettype
             where n.nspname in ('stream', 'stream_private', 'stream_ext')
                 or (p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema', 'extensions'))
             order by 2, 3",
            &[],
        )
        .await?;
    let functions = rows.iter().map(|row| {
        let (names, types): (Vec<String>, Vec<String>) = (row.get(5), row.get(6));
        CalledFunction {
            oid: row.get(0),
            name: row.get(1),
            signature: row.get(2),
            is_procedure: row.get(3),
            returns_row: row.get(4),
            arguments: names.into_iter().zip(types).collect(),
        }
    });
    Ok(functions.collect())
}

impl CalledFunction {
    /// A statement that calls it, and what is bound. `caller` is who is signed in; nobody for the service.
    pub fn call(&self, world: &CallTargets, caller: Option<Uuid>) -> (String, Vec<Value>) {
        let values: Vec<Value> = self
            .arguments
            .iter()
            .map(|(name, kind)| self.argument(world, caller, name, kind))
            .collect();
        let places: Vec<String> = self
            .arguments
            .iter()
            .zip(1..)
            .map(|((_, kind), number)| format!("${number}::{kind}"))
            .collect();
        let call = format!("{}({})", self.name, places.join(", "));
        let statement = match (self.is_procedure, self.returns_row) {
            (true, _) => format!("call {call}"),
            // As a text, so that the client need not ask what is in the row.
            (false, true) => format!("select {call}::pg_catalog.text"),
            (false, false) => format!("select {call}"),
        };
        (statement, values)
    }

    /// The same as an expression, with its arguments as literals.
    pub fn call_inline(&self, world: &CallTargets, caller: Option<Uuid>) -> String {
        let literals: Vec<String> = self
            .arguments
            .iter()
            .map(|(name, kind)| {
                let literal = match self.argument(world, caller, name, kind) {
                    Value::Null => "null".to_owned(),
                    Value::String(text) => format!("'{}'", text.replace('\'', "''")),
                    other => format!("'{}'", other.to_string().replace('\'', "''")),
                };
                format!("{literal}::{kind}")
            })
            .collect();
        format!("{}({})", self.name, literals.join(", "))
    }

    fn argument(&self, world: &CallTargets, caller: Option<Uuid>, name: &str, kind: &str) -> Value {
        let is_about_another = ["mute", "ban", "lift", "restrict", "delete_user", "hook"]
            .iter()
            .any(|word| self.name.contains(word));
        match name {
            "session_id" | "channel_id" => json!(world.live),
            // One of them starts a stream, the other takes one over.
            "auction_id" if self.name == "stream_private.start_stream" => json!(world.free_auction),
            "auction_id" => json!(world.auction),
            "subscription_id" => json!(world.subscription),
            "user_id" if is_about_another => json!(demo::ADA),
            "seller_id" => json!(caller.unwrap_or(demo::SELLER)),
            "user_id" | "buyer_id" => json!(caller.unwrap_or(demo::ADA)),
            "message_id" | "last_message_id" => json!(world.message),
            "message_ids" => json!(format!("{{{}}}", world.message)),
            "user_ids" | "auction_ids" => json!("{}"),
            // Without one in the wrapper, which then calls the body.
            "request_id" if self.name.starts_with("stream_private.") => {
                json!(Uuid::from_u128(u128::from(self.oid)))
            }
            "id" => json!("00000000-0000-7000-8000-00000000abcd"),
            "items" => json!([
                {"session_id": world.live, "user_id": demo::ADA, "content": "one of many"},
                {"session_id": world.live, "user_id": demo::BEN, "content": "no viewer"},
            ]),
            "update" => json!({"text": "sold", "price": 12}),
            "notice" => left(BROADCASTER_LEFT, world.live, 1, 1, 1),
            "content" => json!("hello"),
            "state" if self.name.contains("canary") => json!("delivered"),
            "state" => json!("paused"),
            "kind" if self.name.contains("reaction") => json!("love"),
            "kind" => json!("mute"),
            "mode" => json!("verified"),
            "topic" => json!(format!("chat:{}", world.live)),
            "term" => json!("hostile"),
            "payload" => json!("{}"),
            "code" => json!("forbidden"),
            "duration_s" => json!(60),
            "interval_ms" => json!(1000),
            "seq" | "page_size" => json!(1),
            "skip" => json!(0),
            "foreground" => json!(true),
            "token_expires_at" => json!("now"),
            "token" | "epoch" | "event" => json!("nothing"),
            _ if kind == "pg_catalog.bool" => json!(false),
            _ => Value::Null,
        }
    }
}

/// A live stream with a viewer who wrote, and beside it what a sweep finds due.
pub async fn world(database: &TestDatabase) -> Result<CallTargets> {
    use stream_core::lifecycle::StreamState;
    use stream_tests::stream::{move_to, send_message};

    let live = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    seller.rpc("heartbeat", json!({"session_id": live})).await?;
    let ada = database.viewer(live, demo::ADA).await?;
    let said = send_message(&ada, live, "hello").await?;
    let subscribed = ada
        .rpc("subscribe_to_chat", json!({"session_id": live}))
        .await?;
    let auction = database.session_row(live).await?["auction_id"].clone();
    let past = database.stream_in(StreamState::Active).await?;
    database.viewer(past, demo::CLEO).await?;
    move_to(&seller, past, StreamState::Ended).await?;
    let past_auction = database.session_row(past).await?["auction_id"].clone();
    let lost = database.stream_in(StreamState::Active).await?;
    database.viewer(lost, demo::BEN).await?;
    seller.rpc("heartbeat", json!({"session_id": lost})).await?;
    database
        .change(&format!(
            "update stream.stream_sessions set host_seen_at = now() - interval '1 hour',
                 host_heartbeat_at = now() - interval '1 hour', check_at = now() where id = '{lost}';
             update stream.stream_viewers set last_seen_at = now() - interval '1 hour',
                 lease_check_at = now() - interval '1 hour' where session_id = '{lost}';
             update stream.stream_sessions set chat_mode = 'verified' where id = '{live}';
             update public.users set is_verified = true;
             update stream.ticker set swept_at = now() - interval '1 minute' where id;
             create table public.bids (
                 id bigint generated always as identity primary key,
                 auction_id uuid references public.auctions (id) on delete cascade,
                 amount numeric(30, 2) not null,
                 at timestamptz not null default now()
             );
             create constraint trigger bids_log after insert or update on public.bids
             deferrable initially deferred for each row
             execute function stream.auction_update_trigger('auction_id', 'id', 'amount', 'at')"
        ))
        .await?;
    let id = |value: &Value| Uuid::parse_str(value.as_str().unwrap_or_default());
    Ok(CallTargets {
        live,
        auction: id(&auction)?,
        past_auction: id(&past_auction)?,
        free_auction: database.add_auction(demo::SELLER).await?,
        message: id(&said["id"])?,
        subscription: id(&subscribed["id"])?,
    })
}
