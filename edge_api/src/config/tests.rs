//! Settings that are taken, and settings that are refused, all at once.

mod before_the_start;
mod combinations;
mod of_secrets;

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
