//! Settings that are taken, settings that are refused, all at once, and that no secret is printed.

mod combinations;

use std::path::PathBuf;
use std::time::Duration;

use super::*;

const URL: &str = "postgres://authenticator:hunter2@127.0.0.1:5432/postgres";
const SECRET: &str = "a secret of exactly thirty-two b";
const NEEDED: [(&str, &str); 2] = [("DATABASE_URL", URL), ("JWT_SECRET", SECRET)];

fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Command, Mistakes> {
    let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
    Command::read(arguments, |name: &str| {
        let found = variables.iter().rev().find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Config, Mistakes> {
    match command(arguments, variables)? {
        Command::Serve(config) => Ok(*config),
        Command::Print(text) => panic!("{text}"),
    }
}

/// With what is needed and one variable more.
fn with(name: &str, value: &str) -> Result<Config, Mistakes> {
    read(&[], &[NEEDED[0], NEEDED[1], (name, value)])
}

fn printed(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    match command(arguments, variables).expect("no mistake") {
        Command::Print(text) => text,
        Command::Serve(_) => panic!("it serves"),
    }
}

/// A file with a secret, of a name of its own.
fn file(name: &str, text: &str) -> PathBuf {
    let file = format!("edge_api_{name}_{}", std::process::id());
    let file = std::env::temp_dir().join(file);
    std::fs::write(&file, text).expect("a writable directory");
    file
}

#[test]
fn nothing_listens_beyond_loopback_and_cors_is_closed_by_default() {
    let settings = with("LOG", "").expect("a full configuration").settings;
    assert!(settings.server.listen.ip().is_loopback());
    assert!(settings.browsers.cors_allowed_origins.0.is_empty());
    assert_eq!(settings.database.database_pool_size, 10);
}

#[test]
fn a_flag_counts_before_the_variable_of_the_same_name() {
    let variables = [
        NEEDED[0],
        NEEDED[1],
        ("DATABASE_POOL_SIZE", "20"),
        ("LISTEN", "[::1]:1"),
    ];
    let flags = ["--database-pool-size", "30", "--address-file=edge.address"];
    let settings = read(&flags, &variables).expect("known flags").settings;
    assert_eq!(settings.database.database_pool_size, 30);
    assert_eq!(settings.server.listen.port(), 1);
    assert_eq!(
        settings.server.address_file,
        Some(PathBuf::from("edge.address"))
    );
}

#[test]
fn every_setting_has_a_flag_a_variable_of_the_same_name_and_a_text() {
    let command = secrets::declare(Settings::command());
    for argument in command.get_arguments() {
        let Some(variable) = argument.get_env() else {
            assert!(
                !argument.get_action().takes_values(),
                "{argument:?} has no variable"
            );
            continue;
        };
        let flag = argument.get_long().expect("a flag");
        let variable = variable.to_str().expect("a name");
        assert_eq!(flag.to_ascii_uppercase().replace('-', "_"), variable);
        assert!(
            argument.get_action().takes_values(),
            "{variable} has no value to give"
        );
        assert!(argument.get_help().is_some(), "{variable} has no help");
    }
}

#[test]
fn all_mistakes_are_listed_at_once() {
    let variables = [
        ("DATABASE_POOL_SIZE", "0"),
        ("LOG", "loud=9"),
        ("JWT_SECRET", "short"),
    ];
    let flags = [
        "--port",
        "1",
        "--listen",
        "nowhere",
        "--tick-interval-ms=7",
        "--address-file",
    ];
    let mistakes = read(&flags, &variables).expect_err("mistakes").to_string();
    let mistakes: Vec<_> = mistakes.lines().collect();
    assert_eq!(
        mistakes,
        [
            "--port is no flag of edge_api; see --help",
            "--address-file has no value",
            "JWT_SECRET is shorter than 32 bytes",
            "DATABASE_URL is not set, nor is SUPABASE_URL",
            "LISTEN is not an address with a port, like 127.0.0.1:8080",
            "DATABASE_POOL_SIZE 0 is not in 1..=1000",
            "TICK_INTERVAL_MS is neither 0 nor a number from 50 to 60000",
            "LOG is not a list of levels like info,edge_api=debug",
        ]
    );
}

#[test]
fn a_secret_comes_from_a_file_without_its_line_end_and_can_be_read_again() {
    let path = file("jwt_secret", &format!("{SECRET}\n"));
    let name = path.to_str().expect("a name");
    let config = read(&["--jwt-secret-file", name], &NEEDED[..1]).expect("a secret");
    let secret = &config.secrets.jwt[0];
    assert_eq!(secret.expose(), SECRET);

    let another = SECRET.replace("exactly", "no less");
    std::fs::write(&path, &another).expect("a writable file");
    assert_eq!(secret.read_again().expect("a secret").expose(), another);
    std::fs::write(&path, "short").expect("a writable file");
    assert_eq!(
        secret.read_again().expect_err("short"),
        "is shorter than 32 bytes"
    );

    let both = read(&["--jwt-secret-file", name], &NEEDED).expect_err("two");
    assert_eq!(both.to_string(), "JWT_SECRET is set beside JWT_SECRET_FILE");
    std::fs::remove_file(&path).expect("the file");
    let gone = read(&["--jwt-secret-file", name], &NEEDED[..1]).expect_err("no file");
    assert!(
        gone.to_string()
            .starts_with("JWT_SECRET cannot be read from"),
        "{gone}"
    );
}

#[test]
fn a_short_secret_is_refused_and_a_long_enough_one_taken() {
    assert!(with("JWT_SECRET", &SECRET[1..]).is_err());
    assert!(with("JWT_SECRET", SECRET).is_ok());
}

#[test]
fn what_the_connection_string_says_of_tls_is_checked_at_the_start() {
    let ca = file("ca", "no certificate");
    let ca = ca.to_str().expect("a name");
    let tls = |parameters: &str, ca_file: &str| {
        let url = format!("postgres://a:hunter2@h/d{parameters}");
        let variables = [
            ("DATABASE_URL", url.as_str()),
            NEEDED[1],
            ("DATABASE_CA_FILE", ca_file),
        ];
        match read(&[], &variables) {
            Ok(config) => format!("{:?}", config.database.tls),
            Err(mistakes) => mistakes.to_string(),
        }
    };
    for (parameters, ca_file, expected) in [
        ("", "", "Tls(Prefer)"),
        ("?sslmode=disable", "", "Tls(Disable)"),
        ("?sslmode=prefer", "", "Tls(Prefer)"),
        ("?sslmode=require", "", "Tls(Require)"),
        ("?sslmode=allow", "", "DATABASE_URL: sslmode is none of"),
        (
            "?sslmode=verify-ca",
            "",
            "DATABASE_URL: sslmode is verify-ca",
        ),
        ("?sslmode=prefer", ca, "DATABASE_URL: sslmode is prefer"),
        ("?sslmode=disable", ca, "DATABASE_URL: sslmode is disable"),
        (
            "?sslmode=require&sslrootcert=system",
            "",
            "DATABASE_URL: sslmode is weaker",
        ),
        ("", ca, "DATABASE_CA_FILE holds no certificate"),
        (
            "",
            "/nowhere/ca.pem",
            "DATABASE_CA_FILE holds no certificate",
        ),
        (
            "?sslrootcert=/nowhere/ca.pem",
            "",
            "DATABASE_URL holds no certificate",
        ),
    ] {
        let found = tls(parameters, ca_file);
        assert!(found.starts_with(expected), "{parameters}: {found}");
        assert!(!found.contains("hunter2"));
    }
}

#[test]
fn what_is_in_effect_is_printed_with_its_source_and_without_secrets() {
    let variables = [
        NEEDED[0],
        NEEDED[1],
        ("DATABASE_POOL_SIZE", "20"),
        ("LOG", ""),
    ];
    let text = printed(&["--print-config", "--listen=127.0.0.1:8080"], &variables);
    for line in [
        "# DATABASE_URL: authenticator at 127.0.0.1:5432, database postgres (environment)",
        "# JWT_SECRET: a secret (environment)",
        "LISTEN=127.0.0.1:8080 # flag",
        "DATABASE_POOL_SIZE=20 # environment",
        "LOG=info # default",
    ] {
        assert!(
            text.lines().any(|printed| printed == line),
            "{line} in {text}"
        );
    }
    assert!(
        !text.contains("hunter2") && !text.contains(SECRET),
        "{text}"
    );
}

#[test]
fn a_check_reads_everything_and_help_comes_before_all() {
    assert_eq!(
        printed(&["--check"], &NEEDED),
        "the configuration is valid\n"
    );
    assert!(command(&["--check"], &[]).is_err());
    let help = printed(&["--help"], &[("LISTEN", "hidden-value")]);
    for part in [
        "--database-pool-size",
        "DATABASE_POOL_SIZE",
        "--jwt-secret-file",
        "  JWT_SECRET\n",
    ] {
        assert!(help.contains(part), "{part} in {help}");
    }
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
    let origins = config
        .expect("two origins")
        .settings
        .browsers
        .cors_allowed_origins;
    assert_eq!(origins.0.len(), 2);
    for bad in ["*", "https://*", "https://a.test/", "a.test", "https://"] {
        assert!(with("CORS_ALLOWED_ORIGINS", bad).is_err(), "{bad}");
    }
}

#[test]
fn nobody_ticks_unless_told_to_and_the_interval_has_bounds() {
    let interval = |text| {
        let config = with("TICK_INTERVAL_MS", text);
        config.map(|config| config.settings.ticker.tick_interval_ms.0)
    };
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
        assert_eq!(config.secrets.webhooks.len(), secrets);
        let printed = format!("{config:?}");
        assert!(!printed.contains("webhook-secret"), "{printed}");
    }
    let empty = with("AGORA_WEBHOOK_SECRET", "").expect("a full configuration");
    assert!(empty.secrets.webhooks.is_empty());
}

#[test]
fn the_pool_size_has_bounds() {
    let size = |text| {
        let config = with("DATABASE_POOL_SIZE", text);
        config.map(|config| config.settings.database.database_pool_size)
    };
    assert_eq!(size("1000").expect("in bounds"), 1000);
    for bad in ["0", "1001", "-1", "ten"] {
        assert!(size(bad).is_err(), "{bad}");
    }
}
