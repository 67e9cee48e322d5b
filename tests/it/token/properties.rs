//! Random tokens mean to Agora's own code what they mean to ours, and every failure has its code.
//!
//! Each run prints its seed; `PROPERTY_SEED=<seed>` repeats it.

use anyhow::{Context, Result, ensure};
use property_seed::config;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use stream_core::agora::{AppId, Certificate, ChannelName, Role, TokenRequest, Uid, mint};
use stream_core::error::{ErrorCode, RecoveryStrategy};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, buyer_token, refreshed_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::services::script;
use xtask::test_environment::TestEnvironment;

/// One argument of a process holds at most 128 KiB.
const BATCH: usize = 32;

#[derive(Debug, Clone)]
struct RandomToken {
    app_id: String,
    certificate: String,
    other_certificate: String,
    channel: String,
    uid: u32,
    publishes: bool,
    issued_at: u32,
    expires_in_s: u32,
    salt: u32,
}

fn name(bytes: usize) -> impl Strategy<Value = String> {
    let characters = "[a-zA-Z0-9 !#$%&()+\\-:;<=.>?@\\[\\]^_{}|~,]";
    proptest::string::string_regex(&format!("{characters}{{1,{bytes}}}")).expect("a pattern")
}

fn cases() -> impl Strategy<Value = RandomToken> {
    let hexadecimal = || "[0-9a-fA-F]{32}";
    (
        (hexadecimal(), hexadecimal(), hexadecimal()),
        (name(63), 1..=2_147_483_647u32, any::<bool>()),
        (any::<u32>(), 1..=86_400u32, 1..=99_999_999u32),
    )
        .prop_map(|(project, whose, when)| RandomToken {
            app_id: project.0,
            certificate: project.1,
            other_certificate: project.2,
            channel: whose.0,
            uid: whose.1,
            publishes: whose.2,
            issued_at: when.0,
            expires_in_s: when.1,
            salt: when.2,
        })
}

impl RandomToken {
    fn token(&self) -> Result<String> {
        let app_id = AppId::parse(&self.app_id)?;
        let channel = ChannelName::parse(&self.channel)?;
        let role = if self.publishes {
            Role::Publisher
        } else {
            Role::Subscriber
        };
        let request = TokenRequest {
            app_id: &app_id,
            channel: &channel,
            uid: Uid::new(self.uid)?,
            privileges: role.into(),
            issued_at: self.issued_at,
            expires_in_s: self.expires_in_s,
            salt: self.salt,
        };
        Ok(mint(&request, &Certificate::parse(&self.certificate)?)?)
    }

    fn question(&self) -> Result<Value> {
        Ok(json!({
            "token": self.token()?, "appId": self.app_id, "certificate": self.certificate,
            "otherCertificate": self.other_certificate, "channel": self.channel,
            "uid": self.uid, "publishes": self.publishes,
            "issuedAt": self.issued_at, "expiresInS": self.expires_in_s, "salt": self.salt,
        }))
    }

    /// What Agora's parser should find.
    fn parsed(&self) -> Value {
        let ids: &[u16] = if self.publishes {
            PUBLISHER
        } else {
            SUBSCRIBER
        };
        let privileges: serde_json::Map<String, Value> = ids
            .iter()
            .map(|id| (id.to_string(), self.expires_in_s.into()))
            .collect();
        let services = [json!({
            "type": 1, "privileges": privileges, "channel": self.channel, "user": self.uid.to_string(),
        })];
        json!({
            "appId": self.app_id, "issuedAt": self.issued_at, "expiresInS": self.expires_in_s,
            "salt": self.salt, "services": services,
        })
    }
}

/// As many random values as the configuration says.
fn drawn<T>(strategy: &impl Strategy<Value = T>, count: u32) -> Result<Vec<T>> {
    let config = config(count);
    let count = config.cases;
    let mut runner = TestRunner::new(config);
    (0..count)
        .map(|_| {
            let tree = strategy.new_tree(&mut runner);
            Ok(tree
                .map_err(|reason| anyhow::anyhow!("{reason}"))?
                .current())
        })
        .collect()
}

/// Feature: streaming-realtime-fixes, Property 1: For any user (seller or buyer) requesting stream
/// access, the Token_Generator should create valid Agora tokens with appropriate privileges for
/// their role, and the Agora_SDK should accept these properly formatted tokens
#[tokio::test]
async fn agoras_parser_and_builder_agree_with_every_token() -> Result<()> {
    let environment = TestEnvironment::load()?;
    for cases in drawn(&cases(), 256)?.chunks(BATCH) {
        let questions: Vec<Value> = cases
            .iter()
            .map(RandomToken::question)
            .collect::<Result<_>>()?;
        let argument = Value::from(questions).to_string();
        let finished = script::run(&environment, "tests/js/tokens.mjs", &[&argument]).await?;
        let answers = finished.json()?;
        let answers = answers.as_array().context("no list")?;
        assert_eq!(answers.len(), cases.len());
        for (case, answer) in cases.iter().zip(answers) {
            assert_eq!(answer["parsed"], case.parsed(), "{case:?}");
            assert_eq!(answer["isSigned"], true, "{case:?}");
            let is_same = case.certificate == case.other_certificate;
            assert_eq!(answer["isSignedByOther"], is_same, "{case:?}");
            assert_eq!(answer["givenHex"], answer["builtHex"], "{case:?}");
        }
    }
    Ok(())
}

/// What is wrong with the server while a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    NoAppId,
    NoSecret,
    Malformed,
    ClosedVault,
}

impl Fault {
    /// Statements that make it, from a server without any.
    fn cause(self) -> &'static str {
        match self {
            Self::None => "select",
            Self::NoAppId => "update stream.config set agora_app_id = null",
            Self::NoSecret => "update stream.config set agora_certificate_secret = 'gone'",
            Self::Malformed => "update vault.secrets set secret = secret || 'x'",
            Self::ClosedVault => "revoke usage on schema vault from postgres, service_role",
        }
    }

    fn code(self) -> Option<ErrorCode> {
        match self {
            Self::None => None,
            Self::NoAppId => Some(ErrorCode::NotConfigured),
            Self::NoSecret => Some(ErrorCode::CertificateMissing),
            Self::Malformed => Some(ErrorCode::CertificateMalformed),
            Self::ClosedVault => Some(ErrorCode::VaultUnreadable),
        }
    }

    /// Advice for the app: it tells the user, and knocks again only where that can help.
    fn recovery(self) -> RecoveryStrategy {
        let is_tried_again = self == Self::ClosedVault;
        RecoveryStrategy {
            auto_retry: is_tried_again,
            max_retry_attempts: if is_tried_again { 2 } else { 0 },
            retry_delay_ms: if is_tried_again { 5000 } else { 0 },
            fallback_action: if is_tried_again {
                "show_service_unavailable"
            } else {
                "contact_operator"
            },
            user_notification: true,
        }
    }
}

/// Feature: streaming-realtime-fixes, Property 3: For any active stream session, the
/// Token_Generator should provide refresh capabilities before token expiration, handle expiration
/// gracefully, and provide specific error messages with retry mechanisms when failures occur
#[tokio::test]
async fn every_fault_has_its_own_code_and_is_over_when_it_is_mended() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let superuser = database.superuser().await?;
    let agora = database.environment.agora.clone();
    database
        .change("update stream.config set token_rate_per_minute = 1000000")
        .await?;
    let mend = format!(
        "update stream.config set agora_app_id = '{}',
             agora_certificate_secret = 'agora_app_certificate';
         update vault.secrets set secret = '{}';
         grant usage on schema vault to postgres, service_role",
        agora.app_id, agora.certificate
    );
    let faults = prop_oneof![
        Just(Fault::None),
        Just(Fault::NoAppId),
        Just(Fault::NoSecret),
        Just(Fault::Malformed),
        Just(Fault::ClosedVault),
    ];
    let lives = (faults, 60..=86_400i32, 0..4usize);
    for (fault, ttl_s, call) in drawn(&lives, 256)? {
        let case = format!("{fault:?}, {ttl_s} s, call {call}");
        superuser
            .batch_execute(&format!(
                "update stream.config set token_ttl_s = {ttl_s}, max_duration_s = 604800"
            ))
            .await?;
        let first = seller_token(&seller, id).await.context(case.clone())?;
        let life = database.verified(&first, PUBLISHER)?.expires_in_s;
        ensure!(i64::from(life) == i64::from(ttl_s), "{case}");
        superuser.batch_execute(fault.cause()).await?;
        let outcome = match call {
            0 => seller_token(&seller, id).await,
            1 => buyer_token(&ada, id).await,
            2 => refreshed_token(&seller, id).await,
            _ => refreshed_token(&ada, id).await,
        };
        superuser.batch_execute(&mend).await?;
        match fault.code() {
            Some(code) => {
                expect_refusal(code, outcome).context(case.clone())?;
                ensure!(code.recovery() == fault.recovery(), "{case}");
            }
            None => {
                let privileges = if call % 2 == 0 { PUBLISHER } else { SUBSCRIBER };
                database
                    .verified(&outcome?, privileges)
                    .context(case.clone())?;
            }
        }
        for (caller, privileges) in [(&seller, PUBLISHER), (&ada, SUBSCRIBER)] {
            let token = refreshed_token(caller, id).await.context(case.clone())?;
            database.verified(&token, privileges)?;
        }
    }
    Ok(())
}
