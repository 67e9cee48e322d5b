//! Our tokens agree with those of Agora's own builders.
//!
//! `tests/vectors/agora.json` holds tokens that Agora's libraries made with a fixed clock and salt.
//! Contents are compared inflated, since every deflate library writes other bytes for the same
//! content.

use std::io::Read;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use stream_core::agora::{
    AppId, Certificate, ChannelName, DecodeError, DecodedToken, Life, Privileges, Role,
    TokenRequest, Uid, decode, decode_006, mint,
};

const VECTORS: &str = "../tests/vectors/agora.json";

/// This package's directory, from cargo: a path of the compiler would be that of another checkout where both share a
/// target directory.
fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .expect("cargo names the package")
        .into()
}

/// The vectors that `mint` cannot be asked for, and why. All of them are decoded all the same.
const NOT_EXPRESSIBLE: [(&str, &str); 7] = [
    ("007-01", "uid 2882341273 is beyond 2^31-1"),
    (
        "007-06",
        "uid 0 is a wildcard, and the privilege has a life of 0",
    ),
    ("007-07", "a string account"),
    ("007-08", "a string account"),
    ("007-10", "a channel name of 64 bytes"),
    ("007-12", "the wildcard channel"),
    ("007-15", "a token for RTM, without a channel"),
];

const TOKENS_OF_A_VECTOR: [&str; 3] = ["token_stock_zlib", "token_node", "token_rust_official"];

/// Another certificate of the same form.
const OTHER_CERTIFICATE: &str = "5cfd2fd1755d40ecb72977518be15d3b";

fn vectors() -> Vec<Value> {
    vectors_of("v007")
}

fn vectors_of(version: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(package().join(VECTORS))
        .expect("the vector file is part of the repository");
    let mut file: Value = serde_json::from_str(&text).expect("the vector file is JSON");
    match file[version].take() {
        Value::Array(vectors) => vectors,
        other => panic!("{version} is not a list: {other}"),
    }
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is a text in {}", vector["id"]))
}

fn number(value: &Value) -> u32 {
    value
        .as_u64()
        .and_then(|number| number.try_into().ok())
        .expect("a number of 32 bits")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The content of a token, taken out by the libraries and not by our decoder.
fn inflated_hex(token: &str) -> String {
    let zlib = STANDARD.decode(&token[3..]).expect("base64");
    let mut content = Vec::new();
    flate2::read::ZlibDecoder::new(&zlib[..])
        .read_to_end(&mut content)
        .expect("zlib");
    hex(&content)
}

/// Mints what the vector's builder was asked for, unless our types refuse it.
fn mint_like(vector: &Value) -> Option<String> {
    let role = match vector["role"].as_str()? {
        "publisher" => Role::Publisher,
        "subscriber" => Role::Subscriber,
        other => panic!("unknown role {other}"),
    };
    let life = Life::Seconds(number(&vector["privilege_expire"]));
    let publish = (role == Role::Publisher).then_some(life);
    let request = TokenRequest {
        app_id: &AppId::parse(text(vector, "app_id")).ok()?,
        channel: &ChannelName::parse(text(vector, "channel")).ok()?,
        uid: Uid::new(vector["uid"].as_u64()?.try_into().ok()?).ok()?,
        privileges: Privileges {
            join: life,
            publish_audio: publish,
            publish_video: publish,
            publish_data: publish,
        },
        issued_at: number(&vector["issue_ts"]),
        expires_in_s: number(&vector["token_expire"]),
        salt: number(&vector["salt"]),
    };
    mint(&request, &Certificate::parse(text(vector, "cert")).ok()?).ok()
}

fn assert_says(token: &DecodedToken, vector: &Value) {
    let id = &vector["id"];
    let expected = &vector["decoded"];
    assert_eq!(token.app_id.as_str(), text(expected, "app_id"), "{id}");
    assert_eq!(token.issued_at, number(&expected["issue_ts"]), "{id}");
    assert_eq!(token.expires_in_s, number(&expected["expire"]), "{id}");
    assert_eq!(token.salt, number(&expected["salt"]), "{id}");
    assert_eq!(token.unknown_service, None, "{id}");

    let services = expected["services"].as_array().expect("services");
    assert_eq!(token.services.len(), services.len(), "{id}");
    for (service, expected) in token.services.iter().zip(services) {
        assert_eq!(
            u32::from(service.service_type),
            number(&expected["type"]),
            "{id}"
        );
        assert_eq!(
            service.channel.as_deref(),
            expected["channel"].as_str(),
            "{id}"
        );
        let uid = expected
            .get("uid")
            .or(expected.get("user_id"))
            .and_then(Value::as_str);
        assert!(uid.is_some(), "{id} names a user");
        assert_eq!(service.uid.as_deref(), uid, "{id}");

        let privileges = expected["privileges"].as_object().expect("privileges");
        assert_eq!(service.privileges.len(), privileges.len(), "{id}");
        for privilege in &service.privileges {
            let expires_in_s = number(&privileges[&privilege.id.to_string()]);
            assert_eq!(privilege.expires_in_s, expires_in_s, "{id}");
        }
    }
}

#[test]
fn every_vector_is_minted_to_the_same_content_or_is_on_the_list_of_those_that_cannot_be() {
    let mut refused = Vec::new();
    let mut minted = Vec::new();
    for vector in vectors() {
        let id = text(&vector, "id").to_owned();
        match mint_like(&vector) {
            Some(token) => {
                assert_eq!(inflated_hex(&token), text(&vector, "content_hex"), "{id}");
                minted.push(id);
            }
            None => refused.push(id),
        }
    }
    assert_eq!(minted, ["007-03", "007-04"]);
    assert_eq!(refused, NOT_EXPRESSIBLE.map(|(id, _)| id));
}

#[test]
fn tokens_of_every_official_library_are_decoded_and_verified() {
    let mut decoded = 0;
    for vector in vectors() {
        let certificate = Certificate::parse(text(&vector, "cert")).unwrap();
        let other_certificate = Certificate::parse(OTHER_CERTIFICATE).unwrap();
        for library in TOKENS_OF_A_VECTOR {
            let Some(token) = vector[library].as_str() else {
                continue;
            };
            let token = decode(token).unwrap_or_else(|error| panic!("{}: {error}", vector["id"]));
            assert_says(&token, &vector);
            assert!(token.verify(&certificate), "{} {library}", vector["id"]);
            assert!(
                !token.verify(&other_certificate),
                "{} {library}",
                vector["id"]
            );
            decoded += 1;
        }
    }
    // Nine vectors by three libraries, without RTM by the Rust one.
    assert_eq!(decoded, 26);
}

#[test]
fn a_minted_token_is_no_longer_than_those_of_the_official_libraries() {
    for vector in vectors() {
        let Some(token) = mint_like(&vector) else {
            continue;
        };
        for library in TOKENS_OF_A_VECTOR {
            let official = text(&vector, library).len();
            assert!(token.len() <= official, "{} {library}", vector["id"]);
        }
    }
}

/// Both decoders refuse the other's tokens, so that a caller chooses by what is accepted.
#[test]
fn tokens_of_version_006_are_decoded_and_verified_as_such_only() {
    let vectors = vectors_of("v006");
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let id = text(&vector, "id");
        let text_of_token = text(&vector, "token");
        assert_eq!(decode(text_of_token), Err(DecodeError::Version), "{id}");
        let token = decode_006(text_of_token).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(token.app_id.as_str(), text(&vector, "app_id"), "{id}");
        assert_eq!(token.salt, number(&vector["salt"]), "{id}");
        assert_eq!(token.expires_at, number(&vector["ts"]), "{id}");
        let granted: Vec<_> = token
            .privileges
            .iter()
            .map(|privilege| (privilege.id, privilege.expires_at))
            .collect();
        assert_eq!(granted, privileges_006(&vector), "{id}");

        let certificate = Certificate::parse(text(&vector, "cert")).unwrap();
        let other_certificate = Certificate::parse(OTHER_CERTIFICATE).unwrap();
        let channel = text(&vector, "channel");
        let user = vector["account"]
            .as_str()
            .map_or_else(|| vector["uid"].to_string(), str::to_owned);
        assert!(token.verify(&certificate, channel, &user), "{id}");
        assert!(!token.verify(&other_certificate, channel, &user), "{id}");
    }
    for vector in vectors_of("v007") {
        let token = decode_006(text(&vector, "token_node"));
        assert_eq!(token, Err(DecodeError::Version), "{}", vector["id"]);
    }
}

fn privileges_006(vector: &Value) -> Vec<(u16, u32)> {
    let ids: &[u16] = match vector["role"].as_str() {
        Some("publisher") => &[1, 2, 3, 4],
        Some("subscriber") => &[1],
        _ => return vec![(1, number(&vector["privs"]["1"]))],
    };
    let expires_at = number(&vector["privilege_expired_ts"]);
    ids.iter().map(|id| (*id, expires_at)).collect()
}
