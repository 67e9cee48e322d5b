//! Settings that are taken, settings that are refused, and that no secret is printed.

use super::*;

const URL: &str = "postgres://authenticator:hunter2@127.0.0.1:5432/postgres";
const SECRET: &str = "a secret of exactly thirty-two b";

fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
    let lookup = |name| {
        let found = variables.iter().rev().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    match Command::read(arguments, lookup)? {
        Command::Serve(config) => Ok(*config),
        Command::Help => panic!("help was asked for"),
    }
}

fn with(name: &'static str, value: &'static str) -> Result<Config, ConfigError> {
    read(
        &[],
        &[("DATABASE_URL", URL), ("JWT_SECRET", SECRET), (name, value)],
    )
}

#[test]
fn nothing_listens_beyond_loopback_and_cors_is_closed_by_default() {
    let config = with("LOG", "").expect("a full configuration");
    assert!(config.listen.ip().is_loopback());
    assert!(config.allowed_origins.is_empty());
    assert_eq!(config.pool_size, DEFAULT_POOL_SIZE);
}

#[test]
fn flags_say_where_to_listen() {
    let variables = [("DATABASE_URL", URL), ("JWT_SECRET", SECRET)];
    let flags = [
        "--listen",
        "127.0.0.1:8080",
        "--address-file",
        "edge.address",
    ];
    let config = read(&flags, &variables).expect("known flags");
    assert_eq!(config.listen.port(), 8080);
    assert_eq!(config.address_file, Some(PathBuf::from("edge.address")));
    assert!(read(&["--port", "1"], &variables).is_err());
}

#[test]
fn a_missing_or_empty_variable_is_named() {
    for (name, value) in [("DATABASE_URL", ""), ("JWT_SECRET", "")] {
        let error = with(name, value).expect_err("required");
        assert_eq!(error.to_string(), format!("{name} is not set"));
    }
}

#[test]
fn a_short_secret_is_refused_and_a_long_enough_one_taken() {
    assert!(with("JWT_SECRET", &SECRET[1..]).is_err());
    assert!(with("JWT_SECRET", SECRET).is_ok());
}

#[test]
fn a_database_that_requires_tls_is_refused_at_the_start() {
    assert!(with("DATABASE_URL", "postgres://a@h/d?sslmode=require").is_err());
    assert!(with("DATABASE_URL", "postgres://a@h/d?sslmode=disable").is_ok());
}

#[test]
fn no_secret_is_printed() {
    let config = with("LOG", "").expect("a full configuration");
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(!printed.contains(SECRET), "{printed}");

    let error = with("DATABASE_URL", "postgres://a:hunter2@h:port/d").expect_err("no port");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[test]
fn origins_are_a_list_without_wildcards_or_paths() {
    let config = with(
        "CORS_ALLOWED_ORIGINS",
        "https://a.test, http://b.test:3000,",
    );
    assert_eq!(config.expect("two origins").allowed_origins.len(), 2);
    for bad in ["*", "https://*", "https://a.test/", "a.test", "https://"] {
        assert!(with("CORS_ALLOWED_ORIGINS", bad).is_err(), "{bad}");
    }
}

#[test]
fn nobody_ticks_unless_told_to_and_the_interval_has_bounds() {
    let interval = |text| with("TICK_INTERVAL_MS", text).map(|config| config.tick_interval);
    for never in ["", "0"] {
        assert_eq!(interval(never).expect("no interval"), None, "{never}");
    }
    for (text, milliseconds) in [("50", 50), ("60000", 60_000)] {
        let expected = Some(Duration::from_millis(milliseconds));
        assert_eq!(interval(text).expect("in bounds"), expected);
    }
    for bad in ["49", "60001", "-1", "50ms", "1e3"] {
        assert!(interval(bad).is_err(), "{bad}");
    }
}

#[test]
fn notices_are_signed_with_none_one_or_two_secrets_that_are_not_printed() {
    let variables = [
        ("DATABASE_URL", URL),
        ("JWT_SECRET", SECRET),
        ("AGORA_WEBHOOK_SECRET", "first-webhook-secret"),
        ("AGORA_WEBHOOK_SECRET_SECONDARY", "second-webhook-secret"),
    ];
    for (count, secrets) in [(2, 0), (3, 1), (4, 2)] {
        let config = read(&[], &variables[..count]).expect("a full configuration");
        assert_eq!(config.webhook_secrets.len(), secrets);
        let printed = format!("{config:?}");
        assert!(!printed.contains("webhook-secret"), "{printed}");
    }
    let empty = with("AGORA_WEBHOOK_SECRET", "").expect("a full configuration");
    assert!(empty.webhook_secrets.is_empty());
}

#[test]
fn the_pool_size_has_bounds() {
    assert_eq!(
        with("DATABASE_POOL_SIZE", "1000")
            .expect("in bounds")
            .pool_size,
        1000
    );
    for bad in ["0", "1001", "-1", "ten"] {
        assert!(with("DATABASE_POOL_SIZE", bad).is_err(), "{bad}");
    }
}
