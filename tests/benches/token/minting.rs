//! The cost of one token on one thread, next to Agora's own builder and to its three HMACs alone.
//!
//! In CPU time, since other work on the machine would be counted otherwise.

use std::hint::black_box;

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use sha2::Sha256;
use stream_core::agora::{AppId, Certificate, ChannelName, Role, TokenRequest, Uid, decode, mint};
use stream_tests::bench::{Report, Row, median};
use stream_tests::services::script;
use xtask::test_environment::TestEnvironment;

const ROUNDS: usize = 7;
const TOKENS: u32 = 50_000;
const TOKENS_OF_THE_BUILDER: u32 = 5000;

/// So many times as fast as the official builder, at least.
const TARGET_BUILDER: f64 = 10.0;
/// So many times as slow as the HMACs that no token can do without, at most.
const TARGET_HMACS: f64 = 3.0;

/// As long as the names that the product uses: a uuid, and a viewer's uid.
const CHANNEL: &str = "01939f0e-7d5a-7cc0-8a3e-5d2b9d1f4c77";
const UID: u32 = 1_420_748_681;
const ISSUED_AT: u32 = 1_790_000_000;
const LIFE_S: u32 = 3600;

pub async fn measure(environment: &TestEnvironment, report: &mut Report) -> Result<()> {
    let (mut ours, mut hmacs, mut builders) = (Vec::new(), Vec::new(), Vec::new());
    let app_id = AppId::parse(&environment.agora.app_id)?;
    let certificate = Certificate::parse(&environment.agora.certificate)?;
    for round in 0..=ROUNDS {
        let own = cost_us(TOKENS, |number| {
            mint(&request(&app_id, number), &certificate).map(|token| token.len())
        })?;
        let alone = cost_us(TOKENS, |number| {
            Ok::<_, anyhow::Error>(three_hmacs(
                environment.agora.certificate.as_bytes(),
                number,
            ))
        })?;
        let builder = builder_us(environment).await?;
        // The first round warms up.
        if round > 0 {
            ours.push(own);
            hmacs.push(alone);
            builders.push(builder);
        }
    }
    // So that nothing was measured that is no token.
    let token = decode(&mint(&request(&app_id, 1), &certificate)?)?;
    anyhow::ensure!(token.verify(&certificate));

    let per_second = |us: f64| 1e6 / us;
    let own = median(ours);
    let row = Row::new(
        "token",
        "mint a publisher token, one thread",
        per_second(own),
        "1/CPU s",
    )
    .against("npm agora-token", per_second(median(builders)));
    let holds = row.ratio.is_some_and(|ratio| ratio >= TARGET_BUILDER);
    report.add(row.with_target(format!("ratio >= {TARGET_BUILDER}"), holds));

    let row = Row::new("token", "mint a publisher token, one thread", own, "us CPU")
        .against("its three HMACs alone", median(hmacs));
    let holds = row.ratio.is_some_and(|ratio| ratio <= TARGET_HMACS);
    report.add(row.with_target(format!("ratio <= {TARGET_HMACS}"), holds));
    Ok(())
}

fn request(app_id: &AppId, number: u32) -> TokenRequest<'_> {
    thread_local! {
        static CHANNEL_NAME: &'static ChannelName =
            Box::leak(Box::new(ChannelName::parse(CHANNEL).expect("a channel name")));
    }
    TokenRequest {
        app_id,
        channel: CHANNEL_NAME.with(|channel| *channel),
        uid: Uid::new(UID).expect("a uid"),
        privileges: Role::Publisher.into(),
        issued_at: ISSUED_AT,
        expires_in_s: LIFE_S,
        salt: number,
    }
}

/// Over as many bytes as in a publisher's token: app id, times, four privileges, channel and uid.
fn three_hmacs(certificate: &[u8], number: u32) -> usize {
    const SIGNED_BYTES: usize = 34 + 12 + 2 + 4 + 4 * 6 + 2 + CHANNEL.len() + 2 + 10;

    let signed = [number as u8; SIGNED_BYTES];
    let for_time = hmac(&ISSUED_AT.to_le_bytes(), certificate);
    let for_salt = hmac(&number.to_le_bytes(), &for_time);
    hmac(&for_salt, &signed).into_iter().map(usize::from).sum()
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    Hmac::<Sha256>::new_from_slice(key)
        .expect("HMAC accepts keys of every length")
        .chain_update(message)
        .finalize()
        .into_bytes()
        .into()
}

/// CPU time of this thread for one call, in microseconds.
fn cost_us<E: Into<anyhow::Error>>(
    count: u32,
    mut call: impl FnMut(u32) -> Result<usize, E>,
) -> Result<f64> {
    let begin = cpu_us();
    for number in 1..=count {
        black_box(call(black_box(number)).map_err(Into::into)?);
    }
    Ok((cpu_us() - begin) / f64::from(count))
}

#[expect(clippy::cast_precision_loss, reason = "a run takes seconds")]
fn cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

async fn builder_us(environment: &TestEnvironment) -> Result<f64> {
    let argument = json!({
        "appId": environment.agora.app_id,
        // The certificate of a project that does not exist; a real one would not go into arguments.
        "certificate": environment.agora.certificate,
        "channel": CHANNEL,
        "uid": UID,
        "expiresInS": LIFE_S,
        "warmUp": TOKENS_OF_THE_BUILDER,
        "count": TOKENS_OF_THE_BUILDER,
    });
    let finished = script::run(environment, "tests/js/mint.mjs", &[&argument.to_string()]).await?;
    let answer = finished.json()?;
    answer["cpuUs"].as_f64().context("no time in the answer")
}
