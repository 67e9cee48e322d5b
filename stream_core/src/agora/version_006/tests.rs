//! Tokens of version 006 are read as Agora's libraries wrote them, and everything else is refused quietly.

use proptest::prelude::*;

use super::*;
use property_seed::config;

/// Agora's own published fixture: channel `7d72365eb983485397e3e3f9d460bdda`, uid 2882341273.
const TOKEN: &str = "006970CA35de60c44645bbae8a215061b33IACV0fZUBw+72cVoL9eyGGh3Q6Poi8bgjwVLnyKSJyOXR7dIfRBXoFHlEAABAAAAR/QQAAEAAQCvKDdW";
const CHANNEL: &str = "7d72365eb983485397e3e3f9d460bdda";
const USER: &str = "2882341273";
const BASE64_AT: usize = 35;

fn certificate() -> Certificate {
    Certificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap()
}

fn content() -> Vec<u8> {
    STANDARD.decode(&TOKEN[BASE64_AT..]).unwrap()
}

fn token_of(content: &[u8]) -> String {
    format!("{}{}", &TOKEN[..BASE64_AT], STANDARD.encode(content))
}

/// A token for `room1` and `23`, signed by hand.
fn signed_token() -> DecodedToken006 {
    let message = content()[44..].to_vec();
    let signed = [
        &TOKEN.as_bytes()[3..BASE64_AT],
        b"room1",
        b"23",
        &message[..],
    ]
    .concat();
    DecodedToken006 {
        channel_checksum: checksum("room1"),
        user_checksum: checksum("23"),
        signature: hmac_sha256(certificate().as_bytes(), &signed),
        message,
        ..decode_006(TOKEN).unwrap()
    }
}

#[test]
fn it_says_what_the_fixture_was_made_of() {
    let token = decode_006(TOKEN).unwrap();
    assert_eq!(token.app_id.as_str(), "970CA35de60c44645bbae8a215061b33");
    assert_eq!((token.expires_at, token.salt), (1_111_111, 1));
    assert_eq!(
        token.privileges,
        [Privilege006 {
            id: 1,
            expires_at: 1_446_455_471
        }]
    );
    assert!(token.verify(&certificate(), CHANNEL, USER));
}

#[test]
fn another_certificate_channel_or_user_does_not_verify() {
    let token = decode_006(TOKEN).unwrap();
    let other = Certificate::parse("5cfd2fd1755d40ecb72977518be15d3b").unwrap();
    assert!(!token.verify(&other, CHANNEL, USER));
    assert!(!token.verify(&certificate(), "room", USER));
    assert!(!token.verify(&certificate(), CHANNEL, "1"));
    assert!(!token.verify(&certificate(), "", ""));
}

/// The signature alone would accept it.
#[test]
fn a_border_that_moved_between_channel_and_user_does_not_verify() {
    let token = signed_token();
    assert!(token.verify(&certificate(), "room1", "23"));
    assert!(!token.verify(&certificate(), "room12", "3"));
}

#[test]
fn the_checksum_is_crc_32() {
    assert_eq!(checksum("123456789"), 0xCBF4_3926);
    assert_eq!(checksum(""), 0);
}

#[test]
fn a_content_cut_anywhere_or_with_more_behind_it_is_refused() {
    let content = content();
    for end in 0..content.len() {
        let cut = decode_006(&token_of(&content[..end]));
        assert_eq!(cut, Err(DecodeError::Truncated), "{end}");
    }
    let longer = [&content[..], b"x"].concat();
    assert_eq!(
        decode_006(&token_of(&longer)),
        Err(DecodeError::TrailingBytes)
    );
    let mut padded = content;
    padded[42] += 1;
    padded.push(0);
    assert_eq!(
        decode_006(&token_of(&padded)),
        Err(DecodeError::TrailingBytes)
    );
}

#[test]
fn malformed_parts_are_named() {
    assert_eq!(decode_006("007abc"), Err(DecodeError::Version));
    assert_eq!(decode_006("006abc"), Err(DecodeError::Truncated));
    let foreign = TOKEN.replace("970CA", "97\u{E9}0");
    assert_eq!(decode_006(&foreign), Err(DecodeError::AppId));
    assert_eq!(decode_006(&format!("{TOKEN}!")), Err(DecodeError::Base64));
    let long = format!("{TOKEN}{}", "A".repeat(1024));
    assert_eq!(decode_006(&long), Err(DecodeError::TooLarge));
    let mut content = content();
    content[0] = 31;
    assert_eq!(decode_006(&token_of(&content)), Err(DecodeError::Signature));
}

#[test]
fn debug_shows_neither_signature_nor_message() {
    let shown = format!("{:?}", decode_006(TOKEN).unwrap());
    assert!(
        !shown.contains("signature") && !shown.contains("message"),
        "{shown}"
    );
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn any_text_is_decoded_or_refused_without_a_panic(text: String) {
        let _ = decode_006(&text);
        let _ = decode_006(&format!("{}{text}", &TOKEN[..BASE64_AT]));
    }

    #[test]
    fn any_content_is_decoded_or_refused_without_a_panic(
        content in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = decode_006(&token_of(&content));
    }

    #[test]
    fn a_token_with_changed_bytes_does_not_verify(
        changes in proptest::collection::vec((0..62usize, any::<u8>()), 1..4),
    ) {
        let original = content();
        let mut changed = original.clone();
        for (position, byte) in changes {
            let position = position % changed.len();
            changed[position] = byte;
        }
        let is_accepted = decode_006(&token_of(&changed))
            .is_ok_and(|token| token.verify(&certificate(), CHANNEL, USER));
        prop_assert_eq!(is_accepted, changed == original);
    }
}
