//! Tokens of the SQL edition hold, byte for byte, what stream_core writes; and it reads every token that stream_core reads.

use anyhow::{Context, Result};
use serde_json::Value;
use stream_core::agora::{
    AppId, Certificate, ChannelName, Role, TokenRequest, Uid, decode, mint, viewer_uid,
};
use stream_tests::database::TestDatabase;
use uuid::Uuid;
use xtask::edition::Edition;

const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
const OTHER: &str = "5CFd2fd1755d40ecb72977518be15d3b";

#[tokio::test]
async fn tokens_hold_what_stream_core_writes() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let app_id = AppId::parse(APP_ID)?;
    let certificate = Certificate::parse(OTHER)?;
    for (channel, uid, is_host, issued_at, life_s, salt) in [
        (
            "7d72365eb983485397e3e3f9d460bdda",
            2_882_341,
            false,
            1_111_111,
            600,
            1,
        ),
        (
            "01a2292a-e65f-7d23-974a-e4fa410aab70",
            1,
            true,
            1_790_000_000,
            3600,
            99_999_999,
        ),
        ("a", i32::MAX, true, u32::MAX, 86_400, 255),
        (
            "every-letter.of:a_channel",
            1_000_000,
            false,
            4_102_444_799,
            60,
            65_536,
        ),
    ] {
        let request = TokenRequest {
            app_id: &app_id,
            channel: &ChannelName::parse(channel)?,
            uid: Uid::new(u32::try_from(uid)?)?,
            privileges: if is_host {
                Role::Publisher
            } else {
                Role::Subscriber
            }
            .into(),
            issued_at,
            expires_in_s: life_s,
            salt,
        };
        let wanted = mint(&request, &certificate)?;
        let row = database
            .owner
            .query_one(
                "select stream_ext.token_mint($1, $2, $3, $4, $5, $6, $7, $8)",
                &[
                    &APP_ID,
                    &OTHER,
                    &channel,
                    &uid,
                    &is_host,
                    &i64::from(issued_at),
                    &i64::from(life_s),
                    &i64::from(salt),
                ],
            )
            .await?;
        let minted: String = row.get(0);
        // The signed bytes and the signature are part of what is compared; the wrapping differs, and is not signed.
        assert_eq!(decode(&minted)?, decode(&wanted)?, "{channel}");
        assert!(decode(&minted)?.verify(&certificate));
    }
    Ok(())
}

#[tokio::test]
async fn viewers_have_the_uids_of_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    for attempt in [0, 1, 15] {
        let (session, user) = (Uuid::new_v4(), Uuid::new_v4());
        let row = database
            .owner
            .query_one(
                "select stream_ext.viewer_uid($1, $2, $3)",
                &[&session, &user, &i32::try_from(attempt)?],
            )
            .await?;
        let uid: i32 = row.get(0);
        let wanted = viewer_uid(session.as_bytes(), user.as_bytes(), attempt);
        assert_eq!(u32::try_from(uid)?, wanted);
    }
    Ok(())
}

/// All tokens of Agora's own libraries that stream_core is tested with, whole, cut and changed in places.
fn tokens() -> Result<Vec<String>> {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/agora.json"))?;
    let mut tokens = Vec::new();
    collect(&vectors, &mut tokens);
    assert!(tokens.len() > 20, "only {} tokens", tokens.len());
    let whole = tokens.first().context("there is one")?.clone();
    for (place, character) in whole.char_indices().step_by(7) {
        let other = if character == 'A' { "B" } else { "A" };
        tokens.push(whole[..place].to_owned());
        tokens.push(format!("{}{other}{}", &whole[..place], &whole[place + 1..]));
    }
    tokens.extend(
        [
            "", "007", "006", "008abc", "007====", "007 AAAA", "006short",
        ]
        .map(str::to_owned),
    );
    Ok(tokens)
}

fn collect(value: &Value, tokens: &mut Vec<String>) {
    match value {
        Value::String(text)
            if text.len() > 60 && (text.starts_with("007") || text.starts_with("006")) =>
        {
            tokens.push(text.clone());
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, tokens)),
        Value::Object(values) => values.values().for_each(|value| collect(value, tokens)),
        _ => {}
    }
}

/// What inspect_token says, or the error with its hint.
async fn inspected(database: &TestDatabase, token: &str) -> Result<String> {
    let answer = database
        .owner
        .query_one(
            "select to_jsonb(stream.inspect_token($1, 'channel', '7'))::text",
            &[&token],
        )
        .await;
    match answer {
        Ok(row) => Ok(row.get(0)),
        Err(error) => {
            let error = error.as_db_error().context("is raised by the database")?;
            Ok(format!("{} {:?}", error.message(), error.hint()))
        }
    }
}

#[tokio::test]
async fn both_editions_read_the_same_of_every_token() -> Result<()> {
    let native = TestDatabase::of_edition(Edition::Native).await?;
    let sql = TestDatabase::of_edition(Edition::Sql).await?;
    for token in tokens()? {
        let wanted = inspected(&native, &token).await?;
        assert_eq!(inspected(&sql, &token).await?, wanted, "{token}");
    }
    Ok(())
}
