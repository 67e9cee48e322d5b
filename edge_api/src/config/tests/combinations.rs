//! Settings that are needed, and those that go together or do not.

use super::*;

#[test]
fn a_missing_or_empty_secret_is_named() {
    for (name, problem) in [
        ("DATABASE_URL", "is not set, nor is SUPABASE_URL"),
        (
            "JWT_SECRET",
            "is not set, nor is JWKS_URL or JWKS_FILE: no access token could be checked",
        ),
    ] {
        let mistakes = with(name, "").expect_err("required");
        assert_eq!(mistakes.to_string(), format!("{name} {problem}"));
    }
}

#[test]
fn a_secret_is_no_flag_and_its_value_not_repeated() {
    for flags in [
        ["--jwt-secret", SECRET],
        ["--jwt-secret=hunter2", "hunter2"],
    ] {
        let mistakes = read(&flags, &NEEDED).expect_err("no flag").to_string();
        assert!(
            mistakes.starts_with("--jwt-secret is no flag"),
            "{mistakes}"
        );
        assert!(!mistakes.contains(flags[1]), "{mistakes}");
        assert!(!mistakes.contains("hunter2"), "{mistakes}");
    }
}

#[test]
fn keys_come_from_a_secret_or_two_or_from_one_key_set_over_a_safe_way() {
    let here = "http://127.0.0.1:9/jwks.json";
    let count = |name, value| with(name, value).map(|config| config.secrets.jwt.len());
    assert_eq!(count("JWT_SECRET_SECONDARY", SECRET), Ok(2));
    assert!(count("JWT_SECRET_SECONDARY", "short").is_err());
    for url in [
        here,
        "http://[::1]/jwks.json",
        "http://localhost/jwks.json",
        "https://a.test/jwks.json",
    ] {
        let config = read(&[], &[NEEDED[0], ("JWKS_URL", url)]).expect("keys");
        assert!(config.settings.auth.jwks_url.is_some(), "{url}");
    }
    for url in [
        "http://a.test/jwks.json",
        "http://localhost.a.test/jwks.json",
        "http://10.0.0.1/jwks.json",
        "file:///jwks.json",
        "jwks.json",
    ] {
        let mistakes = with("JWKS_URL", url).expect_err(url).to_string();
        assert_eq!(
            mistakes,
            "JWKS_URL is no URL of https, nor of http on this machine"
        );
    }
    let both = read(
        &[],
        &[NEEDED[0], ("JWKS_URL", here), ("JWKS_FILE", "a.json")],
    );
    let both = both.expect_err("two sources").to_string();
    assert_eq!(
        both,
        "JWKS_URL is set beside JWKS_FILE\n\
         JWKS_FILE cannot be read from a.json: entity not found"
    );
}

#[cfg(feature = "postgrest")]
#[test]
fn calls_go_to_the_database_or_through_postgrest() {
    let url = ("SUPABASE_URL", "https://a.supabase.test");
    let anon = ("SUPABASE_ANON_KEY", "sb_publishable_key");
    let service = ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_key");
    let mistakes = |variables: &[(&str, &str)]| match read(&[], variables) {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes.to_string(),
    };
    let secret = NEEDED[1];
    let config = read(&[], &[secret, url, anon]).expect("a project");
    assert!(
        config
            .project
            .is_some_and(|project| !project.serves_itself())
    );
    let config = read(&[], &[secret, url, anon, service]).expect("a project");
    assert!(
        config
            .project
            .is_some_and(|project| project.serves_itself())
    );
    assert!(with("LOG", "").expect("a database").project.is_none());

    let both = mistakes(&[NEEDED[0], secret, url, anon]);
    assert!(
        both.starts_with("SUPABASE_URL is set beside DATABASE_URL"),
        "{both}"
    );
    for (variables, mistake) in [
        (
            &[url][..],
            "SUPABASE_ANON_KEY is not set, and SUPABASE_URL is",
        ),
        (
            &[("SUPABASE_URL", "a.test"), anon],
            "SUPABASE_URL is no URL of http or https without query and password",
        ),
        (
            &[url, ("SUPABASE_ANON_KEY", "a\nb")],
            "SUPABASE_ANON_KEY holds characters that no header may hold",
        ),
        (
            &[url, anon, ("TICK_INTERVAL_MS", "1000")],
            "TICK_INTERVAL_MS needs SUPABASE_SERVICE_ROLE_KEY where calls go through PostgREST",
        ),
        (
            &[url, anon, ("AGORA_WEBHOOK_SECRET", "s")],
            "AGORA_WEBHOOK_SECRET needs SUPABASE_SERVICE_ROLE_KEY where calls go through PostgREST",
        ),
    ] {
        let variables: Vec<_> = [secret].iter().chain(variables).copied().collect();
        assert_eq!(mistakes(&variables), mistake);
    }
    let printed = format!(
        "{:?}",
        read(&[], &[secret, url, anon, service]).expect("a project")
    );
    assert!(!printed.contains("sb_"), "{printed}");
}
