//! Signalling for video between browsers: who is let in, who hears of whom, and how a place ends.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use stream_core::agora::{Certificate, Role};
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::services::signalling::{Place, Signalling};

const CHANNEL: &str = "a-channel";
const HOST: u32 = 1_000_001;
const BUYER: u32 = 7;

fn place(uid: u32) -> Place<'static> {
    let role = if uid == HOST {
        Role::Publisher
    } else {
        Role::Subscriber
    };
    Place {
        channel: CHANNEL,
        uid,
        role,
        issued_s_ago: 0,
        expires_in_s: 3600,
    }
}

async fn joined(services: &Services, uid: u32) -> Result<(Signalling, Value)> {
    let role = if uid == HOST { "host" } else { "audience" };
    let token = services.signalling_token(place(uid))?;
    let mut member = Signalling::ask(services, (CHANNEL, uid, role), &token).await?;
    let answer = member.next().await?.unwrap_or_default();
    Ok((member, answer))
}

fn peer(uid: u32, role: &str) -> Value {
    json!({"uid": uid, "role": role})
}

#[tokio::test]
async fn a_token_admits_to_its_own_place_alone() -> Result<()> {
    let services = Services::start().await?;
    let (_, answer) = joined(&services, HOST).await?;
    assert_eq!(answer, json!({"joined": {"peers": []}}));

    let good = place(BUYER);
    let of = |place| services.signalling_token(place);
    let foreign = Certificate::parse("0123456789abcdef0123456789abcdef")?;
    let other_channel = of(Place {
        channel: "another",
        ..good
    })?;
    let expired = of(Place {
        issued_s_ago: 61,
        expires_in_s: 60,
        ..good
    })?;
    for (token, role, reason) in [
        ("not a token".to_owned(), "audience", "token_invalid"),
        (
            services.token_signed_by(&foreign, good)?,
            "audience",
            "token_invalid",
        ),
        (other_channel, "audience", "other_channel"),
        (of(place(BUYER + 1))?, "audience", "other_uid"),
        (expired, "audience", "token_expired"),
        (of(good)?, "host", "not_publisher"),
    ] {
        let mut refused = Signalling::ask(&services, (CHANNEL, BUYER, role), &token).await?;
        let answer = refused.next().await?;
        assert_eq!(answer, Some(json!({"refused": {"reason": reason}})));
        assert_eq!(refused.next().await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn hosts_and_their_audience_signal_each_other_until_one_leaves() -> Result<()> {
    let services = Services::start().await?;
    let (mut buyer, _) = joined(&services, BUYER).await?;
    let (_other, answer) = joined(&services, BUYER + 1).await?;
    assert_eq!(
        answer,
        json!({"joined": {"peers": []}}),
        "buyers do not see each other"
    );
    let (mut host, _) = joined(&services, HOST).await?;
    assert_eq!(
        buyer.next().await?,
        Some(json!({"peer_joined": peer(HOST, "host")}))
    );
    let data = json!({"kind": "subscribe", "any": [1, null]});
    buyer
        .send(&json!({"signal": {"to": BUYER + 1, "data": {}}}))
        .await?;
    buyer
        .send(&json!({"signal": {"to": HOST, "data": data}}))
        .await?;
    assert_eq!(
        host.next().await?,
        Some(json!({"signal": {"from": BUYER, "data": data}}))
    );
    drop(host);
    assert_eq!(
        buyer.next().await?,
        Some(json!({"peer_left": {"uid": HOST}}))
    );
    Ok(())
}

#[tokio::test]
async fn a_second_host_of_the_same_uid_takes_over() -> Result<()> {
    let services = Services::start().await?;
    let (mut first, _) = joined(&services, HOST).await?;
    let (mut buyer, answer) = joined(&services, BUYER).await?;
    assert_eq!(answer, json!({"joined": {"peers": [peer(HOST, "host")]}}));
    let (_second, _) = joined(&services, HOST).await?;
    assert_eq!(
        first.next().await?,
        Some(json!({"peer_joined": peer(BUYER, "audience")}))
    );
    assert_eq!(
        first.next().await?,
        Some(json!({"ended": {"reason": "taken_over"}}))
    );
    assert_eq!(first.next().await?, None);
    assert_eq!(
        buyer.next().await?,
        Some(json!({"peer_left": {"uid": HOST}}))
    );
    assert_eq!(
        buyer.next().await?,
        Some(json!({"peer_joined": peer(HOST, "host")}))
    );
    Ok(())
}

#[tokio::test]
async fn a_place_ends_with_its_token_unless_that_is_renewed() -> Result<()> {
    let services = Services::start().await?;
    let short = |uid, expires_in_s| {
        services.signalling_token(Place {
            expires_in_s,
            ..place(uid)
        })
    };
    let token = short(BUYER, 3)?;
    let mut ending = Signalling::ask(&services, (CHANNEL, BUYER, "audience"), &token).await?;
    let token = short(BUYER + 1, 32)?;
    let at = (CHANNEL, BUYER + 1, "audience");
    let mut renewing = Signalling::ask(&services, at, &token).await?;
    let token = short(BUYER + 2, 34)?;
    let at = (CHANNEL, BUYER + 2, "audience");
    let mut later = Signalling::ask(&services, at, &token).await?;
    for member in [&mut ending, &mut renewing, &mut later] {
        assert_eq!(member.next().await?, Some(json!({"joined": {"peers": []}})));
    }
    let expired = Some(json!({"ended": {"reason": "token_expired"}}));
    assert_eq!(ending.next().await?, expired);
    assert_eq!(
        renewing.next().await?,
        Some(json!({"token_will_expire": {}}))
    );
    let renew = |token: String| json!({"renew": {"token": token}});
    renewing.send(&renew(short(BUYER, 3600)?)).await?;
    assert_eq!(
        renewing.next().await?,
        Some(json!({"refused": {"reason": "other_uid"}}))
    );
    let renewed = Some(json!({"renewed": {}}));
    renewing.send(&renew(short(BUYER + 1, 3600)?)).await?;
    assert_eq!(renewing.next().await?, renewed);

    // The token that was replaced ends before the later one, and its place stays.
    let ended = async {
        assert_eq!(later.next().await?, Some(json!({"token_will_expire": {}})));
        later.next().await
    };
    tokio::select! {
        told = renewing.next() => bail!("ended with the token that was replaced: {told:?}"),
        end = ended => assert_eq!(end?, expired),
    }
    renewing.send(&renew(short(BUYER + 1, 3600)?)).await?;
    assert_eq!(renewing.next().await?, renewed);
    Ok(())
}

#[tokio::test]
async fn what_is_no_message_or_too_large_ends_the_socket() -> Result<()> {
    let services = Services::start().await?;
    let mut stranger = Signalling::connect(&services).await?;
    stranger
        .send(&json!({"signal": {"to": 1, "data": {}}}))
        .await?;
    let malformed = Some(json!({"refused": {"reason": "malformed"}}));
    assert_eq!(stranger.next().await?, malformed);
    assert_eq!(stranger.next().await?, None);

    let (mut host, _) = joined(&services, HOST).await?;
    host.send(&json!({"unknown": {}})).await?;
    assert_eq!(host.next().await?, malformed);
    assert_eq!(host.next().await?, None);

    let (mut host, _) = joined(&services, HOST).await?;
    let (mut buyer, _) = joined(&services, BUYER).await?;
    host.next().await?;
    let large = "x".repeat(64 * 1024);
    buyer
        .send(&json!({"signal": {"to": HOST, "data": large}}))
        .await?;
    assert_eq!(
        host.next().await?,
        Some(json!({"peer_left": {"uid": BUYER}}))
    );
    Ok(())
}

#[tokio::test]
async fn the_edge_has_no_signalling() -> Result<()> {
    let services = Services::start().await?;
    let answer = Request::get("/_local/loopback")
        .send(&services.edge_url)
        .await?;
    assert_eq!(answer.status, 404, "{answer:?}");
    Ok(())
}
