//! Tests of decoding: it gives back what was minted, and refuses everything else quietly.

use proptest::prelude::*;

use super::*;
use crate::agora::envelope::wrap;
use crate::agora::{ChannelName, Life, Privileges, Role, TokenRequest, Uid, mint};
use property_seed::config;

const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

fn sample_token() -> String {
    let request = TokenRequest {
        app_id: &AppId::parse(APP_ID).unwrap(),
        channel: &ChannelName::parse("room-1").unwrap(),
        uid: Uid::new(1).unwrap(),
        privileges: Role::Publisher.into(),
        issued_at: 1_735_689_600,
        expires_in_s: 3600,
        salt: 12_345_678,
    };
    mint(&request, &Certificate::parse(CERTIFICATE).unwrap()).unwrap()
}

fn sample_content() -> Vec<u8> {
    unwrap(&sample_token()).unwrap()
}

/// A signed content whose service list is given byte for byte.
fn token_with_services(services: &[u8]) -> String {
    const SERVICE_COUNT_AT: usize = 80;

    let mut content = sample_content();
    content.truncate(SERVICE_COUNT_AT);
    content.extend_from_slice(services);
    let certificate = Certificate::parse(CERTIFICATE).unwrap();
    let signature = sign(&certificate, 1_735_689_600, 12_345_678, &content[34..]);
    content[2..34].copy_from_slice(&signature);
    wrap(&content)
}

#[test]
fn a_content_cut_anywhere_is_refused() {
    let content = sample_content();
    assert!(decode(&wrap(&content)).is_ok());
    for end in 0..content.len() {
        assert_eq!(
            decode(&wrap(&content[..end])),
            Err(DecodeError::Truncated),
            "{end}"
        );
    }
}

#[test]
fn bytes_behind_the_last_service_are_refused() {
    let mut content = sample_content();
    content.push(0);
    assert_eq!(decode(&wrap(&content)), Err(DecodeError::TrailingBytes));
}

#[test]
fn a_changed_byte_of_the_signed_part_fails_the_signature_or_the_reading() {
    let certificate = Certificate::parse(CERTIFICATE).unwrap();
    let content = sample_content();
    for position in 0..content.len() {
        let mut changed = content.clone();
        changed[position] ^= 1;
        let accepted = decode(&wrap(&changed)).is_ok_and(|token| token.verify(&certificate));
        assert!(!accepted, "{position}");
    }
}

#[test]
fn malformed_fields_are_named() {
    let mut content = sample_content();
    content[0] = 31;
    assert_eq!(decode(&wrap(&content)), Err(DecodeError::Signature));

    let mut content = sample_content();
    content[36] = b'g';
    assert_eq!(decode(&wrap(&content)), Err(DecodeError::AppId));

    let mut content = sample_content();
    content[112] = 0xFF;
    assert_eq!(decode(&wrap(&content)), Err(DecodeError::Utf8));
}

#[test]
fn every_known_service_is_read_with_its_own_fields() {
    #[rustfmt::skip]
    let services = [
        9, 0,
        1, 0, 1, 0, 1, 0, 60, 0, 0, 0, 1, 0, b'c', 1, 0, b'a',
        2, 0, 1, 0, 1, 0, 50, 0, 0, 0, 1, 0, b'u',
        3, 0, 0, 0, 1, 0, b'c', 1, 0, b'u',
        4, 0, 0, 0,
        5, 0, 0, 0, 0, 0,
        6, 0, 0, 0, 1, 0, b'c', 1, 0, b'u',
        7, 0, 0, 0, 1, 0, b'r', 1, 0, b'u', 0xFF, 0xFF,
        9, 0, 0, 0,
        10, 0, 0, 0,
    ];
    let token = decode(&token_with_services(&services)).unwrap();
    let read: Vec<_> = token
        .services
        .iter()
        .map(|service| {
            (
                service.service_type,
                service.channel.as_deref(),
                service.uid.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            (1, Some("c"), Some("a")),
            (2, None, Some("u")),
            (3, Some("c"), Some("u")),
            (4, None, None),
            (5, None, Some("")),
            (6, Some("c"), Some("u")),
            (7, Some("r"), Some("u")),
            (9, None, None),
            (10, None, None),
        ]
    );
    for (service, expires_in_s) in [(0, 60), (1, 50)] {
        let privilege = Privilege {
            id: 1,
            expires_in_s,
        };
        assert_eq!(token.services[service].privileges, [privilege]);
    }
    assert_eq!(token.unknown_service, None);
}

#[test]
fn an_unknown_service_ends_the_reading_and_the_signature_still_holds() {
    let services = [2, 0, 4, 0, 0, 0, 8, 0, 1, 2, 3];
    let token = decode(&token_with_services(&services)).unwrap();
    assert_eq!(token.services.len(), 1);
    assert_eq!(token.unknown_service, Some(8));
    assert!(token.verify(&Certificate::parse(CERTIFICATE).unwrap()));
}

#[test]
fn debug_shows_no_signature_and_no_signed_bytes() {
    let shown = format!("{:?}", decode(&sample_token()).unwrap());
    assert!(shown.contains("signed: SignedContent(..)"), "{shown}");
}

fn hexadecimal() -> impl Strategy<Value = String> {
    "[0-9a-fA-F]{32}"
}

fn channel_name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 !#$%&()+\\-:;<=.>?@\\[\\]^_{}|~,]{1,63}"
}

fn uid() -> impl Strategy<Value = u32> {
    prop_oneof![1..=2_147_483_647u32, Just(1), Just(2_147_483_647)]
}

/// The life of a token and of privileges in it, some as long as the token.
fn lives() -> impl Strategy<Value = (u32, [Option<Life>; 4])> {
    (1..=86_400u32).prop_flat_map(|token_s| {
        let life = prop_oneof![Just(Life::OfToken), (1..=token_s).prop_map(Life::Seconds),];
        (
            Just(token_s),
            proptest::array::uniform4(proptest::option::of(life)),
        )
    })
}

fn seconds(life: Life, token_s: u32) -> u32 {
    match life {
        Life::OfToken => token_s,
        Life::Seconds(seconds) => seconds,
    }
}

proptest! {
    #![proptest_config(config(512))]

    /// Feature: streaming-realtime-fixes, Property 1: For any user (seller or buyer) requesting
    /// stream access, the Token_Generator should create valid Agora tokens with appropriate
    /// privileges for their role, and the Agora_SDK should accept these properly formatted tokens
    #[test]
    fn a_minted_token_says_what_was_asked_and_only_its_certificate_verifies_it(
        app_id in hexadecimal(),
        certificate in hexadecimal(),
        other_certificate in hexadecimal(),
        channel in channel_name(),
        uid in uid(),
        (expires_in_s, [join, publish_audio, publish_video, publish_data]) in lives(),
        issued_at: u32,
        salt in 1..=99_999_999u32,
    ) {
        prop_assume!(certificate != other_certificate);
        let privileges = Privileges {
            join: join.unwrap_or(Life::OfToken), publish_audio, publish_video, publish_data,
        };
        let request = TokenRequest {
            app_id: &AppId::parse(&app_id).unwrap(),
            channel: &ChannelName::parse(&channel).unwrap(),
            uid: Uid::new(uid).unwrap(),
            privileges,
            issued_at,
            expires_in_s,
            salt,
        };
        let certificate = Certificate::parse(&certificate).unwrap();

        let token = decode(&mint(&request, &certificate).unwrap()).unwrap();

        let granted = [Some(privileges.join), publish_audio, publish_video, publish_data];
        let expected = (1..).zip(granted).filter_map(|(id, life)| {
            Some(Privilege { id, expires_in_s: seconds(life?, expires_in_s) })
        });
        let services = [DecodedService {
            service_type: 1,
            privileges: expected.collect(),
            channel: Some(channel),
            uid: Some(uid.to_string()),
        }];
        prop_assert_eq!(token.app_id.as_str(), app_id);
        prop_assert_eq!(token.issued_at, issued_at);
        prop_assert_eq!(token.expires_in_s, expires_in_s);
        prop_assert_eq!(token.salt, salt);
        prop_assert_eq!(&token.services[..], &services[..]);
        prop_assert_eq!(token.unknown_service, None);
        prop_assert!(token.verify(&certificate));
        prop_assert!(!token.verify(&Certificate::parse(&other_certificate).unwrap()));
    }

    /// The requests that the product itself makes.
    #[test]
    fn by_default_every_privilege_ends_with_its_token(
        publishes: bool,
        expires_in_s in 1..=86_400u32,
        salt in 1..=99_999_999u32,
    ) {
        let role = if publishes { Role::Publisher } else { Role::Subscriber };
        let request = TokenRequest {
            app_id: &AppId::parse(APP_ID).unwrap(),
            channel: &ChannelName::parse("room-1").unwrap(),
            uid: Uid::new(1).unwrap(),
            privileges: role.into(),
            issued_at: 1_735_689_600,
            expires_in_s,
            salt,
        };
        let token = mint(&request, &Certificate::parse(CERTIFICATE).unwrap()).unwrap();
        let token = decode(&token).unwrap();
        let ids: &[u16] = if publishes { &[1, 2, 3, 4] } else { &[1] };
        let expected: Vec<_> = ids.iter().map(|id| Privilege { id: *id, expires_in_s }).collect();
        prop_assert_eq!(&token.services[0].privileges, &expected);
    }

    #[test]
    fn any_text_is_decoded_or_refused_without_a_panic(text: String) {
        let _ = decode(&text);
        let _ = decode(&format!("007{text}"));
    }

    #[test]
    fn any_content_is_decoded_or_refused_without_a_panic(
        content in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = decode(&wrap(&content));
    }

    #[test]
    fn a_token_with_changed_characters_never_says_anything_else_and_verifies(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let original = sample_token();
        let mut bytes = original.clone().into_bytes();
        for (index, byte) in changes {
            let position = index.index(bytes.len());
            bytes[position] = byte & 0x7F;
        }
        let changed = String::from_utf8(bytes).unwrap();
        if let Ok(token) = decode(&changed)
            && token.verify(&Certificate::parse(CERTIFICATE).unwrap())
        {
            prop_assert_eq!(token, decode(&original).unwrap());
        }
    }

    #[test]
    fn a_content_with_changed_bytes_is_read_or_refused_without_a_panic(
        changes in proptest::collection::vec((34..121usize, any::<u8>()), 1..4),
    ) {
        let original = sample_content();
        let mut content = original.clone();
        for (position, byte) in changes {
            content[position] = byte;
        }
        let verified = decode(&wrap(&content))
            .is_ok_and(|token| token.verify(&Certificate::parse(CERTIFICATE).unwrap()));
        prop_assert_eq!(verified, content == original);
    }
}
