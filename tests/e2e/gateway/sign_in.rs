//! Signing in with rows of `auth.users`: those that Supabase Auth would find and could read.

use anyhow::Result;
use stream_tests::services::Services;
use stream_tests::services::gateway::DEMO_PASSWORD;

const ADA: &str = "buyer1@demo.test";

/// Fails unless ada, after a change of her row, is refused with this status, code and sentence.
async fn refused_after(
    services: &Services,
    change: &str,
    (status, code, message): (u16, &str, &str),
) -> Result<()> {
    let update = format!("update auth.users set {change} where email = '{ADA}'");
    services.database.change(&update).await?;
    let answer = services.sign_in(ADA, DEMO_PASSWORD).await?;
    assert_eq!(answer.status, status, "{change}: {answer:?}");
    assert_eq!(answer.json()["error_code"], code, "{change}");
    assert_eq!(answer.json()["msg"], message, "{change}");
    Ok(())
}

async fn ada_signs_in(services: &Services) -> Result<()> {
    services.sign_in(ADA, DEMO_PASSWORD).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn a_null_where_auth_reads_a_text_fails_the_sign_in() -> Result<()> {
    let services = Services::start().await?;
    for column in [
        "confirmation_token",
        "recovery_token",
        "email_change_token_new",
        "email_change",
        "email_change_token_current",
        "phone_change",
        "phone_change_token",
        "reauthentication_token",
    ] {
        let failure = (500, "unexpected_failure", "Database error querying schema");
        refused_after(&services, &format!("{column} = null"), failure).await?;
        let mended = format!("update auth.users set {column} = '' where email = '{ADA}'");
        services.database.change(&mended).await?;
        ada_signs_in(&services).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_user_of_another_instance_or_audience_is_not_found() -> Result<()> {
    let services = Services::start().await?;
    let not_found = (400, "invalid_credentials", "Invalid login credentials");
    for (broken, mended) in [
        (
            "instance_id = null",
            "instance_id = '00000000-0000-0000-0000-000000000000'",
        ),
        (
            "instance_id = '00000000-0000-0000-0000-000000000001'",
            "instance_id = '00000000-0000-0000-0000-000000000000'",
        ),
        ("aud = null", "aud = 'authenticated'"),
        ("aud = 'others'", "aud = 'authenticated'"),
    ] {
        refused_after(&services, broken, not_found).await?;
        let mend = format!("update auth.users set {mended} where email = '{ADA}'");
        services.database.change(&mend).await?;
        ada_signs_in(&services).await?;
    }
    let unconfirmed = (400, "email_not_confirmed", "Email not confirmed");
    refused_after(&services, "email_confirmed_at = null", unconfirmed).await
}

#[tokio::test]
async fn a_new_user_signs_in_again() -> Result<()> {
    let services = Services::start().await?;
    let email = "new@demo.test";
    let credentials = serde_json::json!({"email": email, "password": DEMO_PASSWORD});
    let signed_up = stream_tests::services::request::Request::post("/auth/v1/signup")
        .header("apikey", &services.keys.anon_key)
        .json(&credentials)
        .send(&services.supabase_url)
        .await?
        .ok()?;
    let signed_in = services.sign_in(email, DEMO_PASSWORD).await?.ok()?;
    assert_eq!(signed_in["user"]["id"], signed_up["user"]["id"]);
    Ok(())
}

/// As a seed may leave them that names no more columns than it needs.
#[tokio::test]
async fn every_demo_user_has_all_that_auth_reads() -> Result<()> {
    let services = Services::start().await?;
    let incomplete: i64 = services
        .database
        .value(
            "select count(*) from auth.users as u
             where u.is_super_admin is null or u.raw_app_meta_data is null or u.raw_user_meta_data is null
                or not exists (
                    select from auth.identities as i
                    where i.user_id = u.id and i.provider = 'email' and i.provider_id = u.id::text
                      and i.identity_data ->> 'sub' = u.id::text and i.identity_data ->> 'email' = u.email
                      and i.created_at is not null and i.updated_at is not null
                )",
        )
        .await?;
    assert_eq!(incomplete, 0);
    Ok(())
}
