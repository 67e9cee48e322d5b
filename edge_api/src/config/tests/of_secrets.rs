//! Secrets come from variables and files, are checked, and are printed by nobody.

use super::*;

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
fn what_is_in_effect_is_printed_with_its_source_and_without_secrets() {
    let variables = [
        NEEDED[0],
        NEEDED[1],
        ("DATABASE_POOL_SIZE", "20"),
        ("LOG", ""),
        (
            "JWKS_URL",
            "https://user:hunter2@issuer.example/hunter2?apikey=hunter2",
        ),
    ];
    let text = printed(&["--print-config", "--listen=127.0.0.1:8080"], &variables);
    for line in [
        "# DATABASE_URL: authenticator at 127.0.0.1:5432, database postgres (environment)",
        "# JWT_SECRET: a secret (environment)",
        "LISTEN=127.0.0.1:8080 # flag",
        "DATABASE_POOL_SIZE=20 # environment",
        "LOG=info # default",
        "JWKS_URL=issuer.example # environment",
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
fn no_secret_is_printed() {
    let config = with("LOG", "").expect("a full configuration");
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(!printed.contains(SECRET), "{printed}");

    let error = with("DATABASE_URL", "postgres://a:hunter2@h:port/d").expect_err("no port");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
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
