//! Files, and values that something else parses later: what is wrong with them is found before the service runs.

use super::*;

const KEY: &str = r#"{"kty": "oct", "k": "YSBzZWNyZXQgb2YgZXhhY3RseSB0aGlydHktdHdvIGI"}"#;

/// The only mistake of a configuration.
fn mistake(variables: &[(&str, &str)]) -> String {
    read(&[], variables).expect_err("a mistake").to_string()
}

#[test]
fn the_key_set_of_a_file_is_read_with_everything_else() {
    let path = file("jwks", &format!(r#"{{"keys": [{KEY}]}}"#));
    let name = path.to_str().expect("a name").to_owned();
    let variables = [NEEDED[0], ("JWKS_FILE", &name)];
    let config = read(&[], &variables).expect("a key set");
    assert_eq!(config.key_set.map(|keys| keys.len()), Some(1));
    assert!(with("LOG", "").expect("a secret").key_set.is_none());

    for (text, problem) in [
        ("{", "is no JSON Web Key Set"),
        (r#"{"keys": []}"#, "holds no key for ES256, RS256 or HS256"),
        (&" ".repeat(300_000), "is longer than 262144 bytes"),
    ] {
        std::fs::write(&path, text).expect("a writable file");
        assert_eq!(mistake(&variables), format!("JWKS_FILE {problem}: {name}"));
    }
    std::fs::remove_file(&path).expect("the file");
    // It stands beside all others.
    assert_eq!(
        mistake(&[("JWKS_FILE", &name), ("LISTEN", "nowhere")]),
        format!(
            "JWKS_FILE cannot be read from {name}: entity not found\n\
             DATABASE_URL is not set, nor is SUPABASE_URL\n\
             LISTEN is not an address with a port, like 127.0.0.1:8080"
        )
    );
}

#[test]
fn the_file_of_an_authority_is_read_although_the_connection_string_is_wrong() {
    let file = ("DATABASE_CA_FILE", "/nowhere/ca.pem");
    for (url, problem) in [
        ("", "is not set, nor is SUPABASE_URL"),
        (
            "postgres://a:b@h:port/d",
            "is not a Postgres connection string",
        ),
    ] {
        let mistakes = mistake(&[("DATABASE_URL", url), NEEDED[1], file]);
        for expected in [
            format!("DATABASE_URL {problem}"),
            "DATABASE_CA_FILE holds no certificate that can be read: /nowhere/ca.pem".to_owned(),
        ] {
            assert!(mistakes.lines().any(|line| line == expected), "{mistakes}");
        }
    }
}

#[test]
fn a_connection_string_by_which_no_connection_could_be_made_is_refused() {
    for (url, problem) in [
        ("postgres:///d", "names no host"),
        ("user=a", "names no host"),
        (
            "host=a port=1,2",
            "names another number of ports than of hosts",
        ),
        (
            "host=a,b hostaddr=127.0.0.1",
            "names another number of hosts than of hostaddrs",
        ),
    ] {
        let mistake = mistake(&[("DATABASE_URL", url), NEEDED[1]]);
        assert_eq!(mistake, format!("DATABASE_URL {problem}"), "{url}");
    }
    for url in [
        "host=a,b port=1",
        "host=a,b port=1,2",
        "hostaddr=127.0.0.1",
        "postgres:///d?host=/run/postgresql",
    ] {
        assert!(with("DATABASE_URL", url).is_ok(), "{url}");
    }
}

#[test]
fn the_address_is_written_where_there_is_a_directory() {
    let missing = with("ADDRESS_FILE", "/nowhere/edge.address").expect_err("no directory");
    assert_eq!(
        missing.to_string(),
        "ADDRESS_FILE is in no directory that exists: /nowhere"
    );
    let there = std::env::temp_dir().join("edge.address");
    for file in ["edge.address", there.to_str().expect("a name")] {
        assert!(with("ADDRESS_FILE", file).is_ok(), "{file}");
    }
}

#[test]
fn the_key_of_a_project_can_stand_in_a_header_for_the_canary_too() {
    let canary = |key| {
        mistake(&[
            NEEDED[0],
            NEEDED[1],
            ("CANARY_URL", "https://a.supabase.test"),
            ("CANARY_EMAIL", "canary@a.test"),
            ("CANARY_PASSWORD", "hunter2"),
            ("SUPABASE_ANON_KEY", key),
        ])
    };
    assert_eq!(
        canary("a\nb"),
        "SUPABASE_ANON_KEY holds characters that no header may hold"
    );
}
