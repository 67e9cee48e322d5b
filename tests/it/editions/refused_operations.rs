//! Every operation of the contract is refused alike in both editions: by each caller, with each wrong argument, in each scene.

mod arguments;
mod items;
mod scenes;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::contract;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::session::literal;
use stream_tests::stream::send_message;
use uuid::Uuid;
use xtask::edition::Edition;

use arguments::{MESSAGE, PLACEHOLDERS, REQUEST, values};
use scenes::{NOT_HERE, SCENES, Scene};

/// Makes a call, rolls it back, and returns the four fields of its error, or its answer.
const PROBE: &str = "
create function public.probe(call text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    state text;
    said text;
    detail text;
    hint text;
    answer text;
begin
    begin
        execute call into answer;
        raise exception 'done' using errcode = 'ZZ000';
    exception when others then
        get stacked diagnostics state = returned_sqlstate, said = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
    end;
    return concat_ws(' | ', answer, state, said, detail, hint);
end
$$;
grant execute on function public.probe(text) to public";

/// A database with a scene: Ada watches and has written, Ben is banned, Cleo is muted, and nobody knows the stranger.
struct Side {
    database: TestDatabase,
    /// What stands for each of `PLACEHOLDERS`.
    ids: Vec<String>,
}

impl Side {
    async fn new(edition: Edition) -> Result<Self> {
        let database = TestDatabase::of_edition(edition).await?;
        // However long the calls take, nobody's lease ends.
        database
            .change("update stream.config set lease_s = 600 where id")
            .await?;
        let live = database.stream_in(StreamState::Active).await?;
        let new = database.stream_in(StreamState::Initializing).await?;
        let paused = database.stream_in(StreamState::Paused).await?;
        let ended = database.stream_in(StreamState::Ended).await?;
        let auction = database.add_auction(demo::SELLER).await?;
        let taken: Uuid = database
            .value(&format!(
                "select s.auction_id from stream.stream_sessions as s where s.id = '{live}'"
            ))
            .await?;
        let stranger = database.add_stranger().await?;
        let ada = database.viewer(live, demo::ADA).await?;
        let message =
            json!({"session_id": live, "user_id": null, "content": "said", "id": MESSAGE});
        ada.rpc("send_message", message).await?;
        for user in [demo::BEN, demo::CLEO] {
            let viewer = database.viewer(live, user).await?;
            send_message(&viewer, live, "hi").await?;
        }
        let service = database.service().await?;
        for (operation, user) in [("ban_user", demo::BEN), ("mute_user", demo::CLEO)] {
            let arguments = json!({"session_id": live, "user_id": user, "duration_s": 3600});
            service.rpc(operation, arguments).await?;
        }
        let hash = "0".repeat(64);
        for caller in [Uuid::nil(), demo::SELLER, demo::ADA] {
            database
                .change(&format!(
                    "insert into stream.requests (caller, request_id, operation, arguments_hash)
                     values ('{caller}', '{REQUEST}', 'earlier', '{hash}')"
                ))
                .await?;
        }
        database.change(PROBE).await?;
        Ok(Self {
            database,
            ids: [live, new, paused, ended, auction, taken, stranger]
                .map(|id| id.to_string())
                .to_vec(),
        })
    }

    fn callers(&self) -> Result<Vec<(&'static str, Identity)>> {
        let stranger = Uuid::parse_str(self.ids.last().context("no stranger")?)?;
        Ok(vec![
            ("the seller", Identity::user(demo::SELLER)),
            ("Ada", Identity::user(demo::ADA)),
            ("Ben", Identity::user(demo::BEN)),
            ("Cleo", Identity::user(demo::CLEO)),
            ("a stranger", Identity::user(stranger)),
            (
                "Ada without an account",
                Identity::anonymous_user(demo::ADA),
            ),
            ("the service", Identity::service()),
            ("anon", Identity::anon()),
            (
                "nobody",
                Identity::with_claims("authenticated", Value::Null),
            ),
            (
                "a bad token",
                Identity::with_claims("authenticated", json!("{")),
            ),
        ])
    }

    /// What each caller's calls come to, with the placeholders again.
    async fn outcomes(&self, scene: &Scene, calls: &[String]) -> Result<Vec<String>> {
        let filled: Vec<String> = calls.iter().map(|call| self.filled(call)).collect();
        // What a connection keeps of settings lasts for seconds, so each scene has its own.
        let superuser = self.database.superuser().await?;
        let mut outcomes = Vec::new();
        for (_, identity) in self.callers()? {
            let begin = format!(
                "begin isolation level {}; set local search_path = pg_catalog, pg_temp; set local role postgres; {};
                 set session authorization authenticator; set role {};
                 select set_config('request.jwt.claims', {}, false)",
                scene.isolation,
                scene.change,
                identity.role,
                literal(&identity.claims_text())
            );
            superuser.batch_execute(&begin).await.context(scene.name)?;
            let answer = superuser
                .query_one(
                    "select array_agg(public.probe(c.call) order by c.place)
                     from unnest($1::text[]) with ordinality as c (call, place)",
                    &[&filled],
                )
                .await
                .context(scene.name)?;
            let answers: Vec<String> = answer.get(0);
            outcomes.extend(answers.iter().map(|answer| self.normal(answer)));
            superuser.batch_execute("rollback").await?;
        }
        Ok(outcomes)
    }

    fn filled(&self, call: &str) -> String {
        let pairs = PLACEHOLDERS.iter().zip(&self.ids);
        pairs.fold(call.to_owned(), |text, (placeholder, id)| {
            text.replace(placeholder, id)
        })
    }

    /// Without this side's ids and without what is left of a wait.
    fn normal(&self, outcome: &str) -> String {
        let pairs = PLACEHOLDERS.iter().zip(&self.ids);
        let text = pairs.fold(outcome.to_owned(), |text, (placeholder, id)| {
            text.replace(id.as_str(), placeholder)
        });
        match text.split_once("\"retry_after_ms\":") {
            Some((before, after)) => {
                let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
                format!("{before}\"retry_after_ms\":WAIT{after}")
            }
            None => text,
        }
    }
}

/// Calls of an operation: with right arguments, then with each other value of one of them.
fn calls(operation: &str, contract: &Value, varies: bool) -> Vec<String> {
    let arguments: Vec<(&str, &str, Vec<String>)> = contract["arguments"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|argument| {
            let (name, type_name) = (argument["name"].as_str()?, argument["type"].as_str()?);
            Some((name, type_name, values(operation, name, type_name)))
        })
        .collect();
    let call = |varied: usize, value: usize| {
        let arguments: Vec<String> = (0..)
            .zip(&arguments)
            .map(|(place, (name, type_name, values))| {
                let value = &values[if place == varied { value } else { 0 }];
                format!("\"{name}\" => {value}::{type_name}")
            })
            .collect();
        let answer = match operation {
            "send_messages" | "heartbeats" => "string_agg(a.status, ' ' order by a.item)",
            _ => "count(*)::text",
        };
        format!(
            "select {answer} from stream.{operation}({}) as a",
            arguments.join(", ")
        )
    };
    let mut calls = vec![call(0, 0)];
    for (place, (name, _, values)) in arguments.iter().enumerate() {
        // In every scene: of another stream, about another user, again.
        let is_scenic = matches!(
            *name,
            "session_id" | "auction_id" | "state" | "user_id" | "id"
        );
        if varies || is_scenic {
            calls.extend((1..values.len()).map(|value| call(place, value)));
        }
    }
    calls
}

/// The code of the catalogue in an outcome.
fn code(outcome: &str) -> Option<&str> {
    let (_, rest) = outcome.split_once("{\"code\":\"")?;
    rest.split_once('"').map(|(code, _)| code)
}

#[tokio::test]
async fn every_operation_is_refused_alike_in_both_editions() -> Result<()> {
    let contract = contract::part("operations");
    let operations = contract["operations"]
        .as_object()
        .context("no operations")?;
    let (native, sql) = (
        Side::new(Edition::Native).await?,
        Side::new(Edition::Sql).await?,
    );
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut different = Vec::new();
    for scene in SCENES {
        let mut of_operations = Vec::new();
        let mut all = Vec::new();
        for (operation, contract) in operations {
            let calls = calls(operation, contract, scene.varies);
            of_operations.extend(vec![operation.as_str(); calls.len()]);
            all.extend(calls);
        }
        let (wanted, found) =
            tokio::try_join!(native.outcomes(scene, &all), sql.outcomes(scene, &all))?;
        let callers = native.callers()?;
        for (place, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
            let operation = of_operations[place % all.len()];
            seen.entry(operation)
                .or_default()
                .extend(code(wanted).map(str::to_owned));
            if wanted != found {
                let (caller, call) = (callers[place / all.len()].0, &all[place % all.len()]);
                let call: String = call.chars().take(300).collect();
                different.push(format!(
                    "{}: {caller}: {call}\nnative {wanted}\nsql    {found}",
                    scene.name
                ));
            }
        }
    }
    let missing: Vec<String> = operations
        .iter()
        .flat_map(|(operation, contract)| {
            let errors = contract["errors"].as_array().into_iter().flatten();
            let codes = errors.filter_map(Value::as_str);
            let seen = seen.get(operation.as_str());
            codes
                .filter(move |code| !seen.is_some_and(|seen| seen.contains(*code)))
                .filter(move |code| {
                    !NOT_HERE.iter().any(|(of, elsewhere, _)| {
                        elsewhere == code && (of.is_empty() || of == operation)
                    })
                })
                .map(move |code| format!("{operation} {code}"))
        })
        .collect();
    assert!(
        different.is_empty() && missing.is_empty(),
        "no call brings about {missing:#?}, and {} differ:\n{}",
        different.len(),
        different[..different.len().min(40)].join("\n")
    );
    Ok(())
}
