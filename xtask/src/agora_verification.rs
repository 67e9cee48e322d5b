//! A real join of Agora: tokens minted by the product's own code, two engines in Chromium, and the first frame seen.
//!
//! Needs a project of the user's own and the internet, so no test runs it. App ID, certificate and tokens reach the browser
//! over the standard input of its script, and whatever is printed is cleared of them.

use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;
use stream_core::agora::{
    AppId, Certificate, ChannelName, MAX_SALT, Role, TokenRequest, Uid, mint,
};

use crate::node::Node;
use crate::{client_package, secrets, workspace};

pub const APP_ID: &str = "AGORA_APP_ID";
pub const APP_CERTIFICATE: &str = "AGORA_APP_CERTIFICATE";

const SCRIPT: &str = "tests/browser/agora_verification/run.ts";
/// Where the web SDK asks first for a way into Agora's network.
const ENTRANCE: &str = "webrtc2-ap-web-1.agora.io:443";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOKEN_LIFE_S: u32 = 600;
const HOST: u32 = 1;
const VIEWER: u32 = 2;

/// A project of Agora; neither part is ever printed.
pub struct Project {
    pub app_id: AppId,
    pub certificate: Certificate,
}

/// What the browser saw, in milliseconds from the beginning of each join.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sighting {
    pub host_joined_ms: u32,
    pub viewer_joined_ms: u32,
    pub first_frame_ms: u32,
    pub width: u32,
    pub height: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Seen(Sighting),
    Failed { failed: String, reason: String },
}

impl Project {
    /// Fails, saying which is missing or malformed and nothing of its content.
    pub fn new(app_id: Option<&str>, certificate: Option<&str>) -> Result<Self> {
        let (Some(app_id), Some(certificate)) = (app_id, certificate) else {
            bail!(
                "this needs a project of Agora: set {APP_ID} and {APP_CERTIFICATE}, or give --app-id ID and \
                 --certificate-file FILE"
            );
        };
        Ok(Self {
            app_id: AppId::parse(app_id.trim()).context("the App ID is not Agora's")?,
            certificate: Certificate::parse(certificate.trim())
                .context("the certificate is not Agora's")?,
        })
    }
}

/// Fails where Agora cannot be reached, before a browser is started for nothing.
pub fn expect_network() -> Result<()> {
    let failed = || format!("this needs the internet: {ENTRANCE} cannot be reached from here");
    let mut addresses = ENTRANCE.to_socket_addrs().with_context(failed)?;
    let is_reached =
        addresses.any(|address| TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).is_ok());
    if !is_reached {
        bail!("{}", failed());
    }
    Ok(())
}

/// A host sends the browser's fake camera, a viewer joins with a token of its own and sees it.
pub fn verify(node: &Node, project: &Project) -> Result<Sighting> {
    client_package::install(node)?;
    let channel = ChannelName::parse(&format!("pg_stream_verify_{}", secrets::random_hex(8)?))?;
    let host = token(project, &channel, HOST, Role::Publisher)?;
    let viewer = token(project, &channel, VIEWER, Role::Subscriber)?;
    let input = json!({
        "appId": project.app_id.as_str(),
        "channelId": channel.as_str(),
        "host": { "uid": HOST, "token": host },
        "viewer": { "uid": VIEWER, "token": viewer },
    });
    let mut script = Command::new(&node.program);
    script
        .arg(SCRIPT)
        .current_dir(workspace::root().join("client"))
        .env("PATH", node.search_path())
        // It may be set for this process; nobody else needs it.
        .env_remove(APP_CERTIFICATE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = script.spawn().context("cannot start Node")?;
    let mut standard_input = child.stdin.take().context("no standard input")?;
    standard_input.write_all(input.to_string().as_bytes())?;
    drop(standard_input);
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let hidden = [project.app_id.as_str(), &host, &viewer];
    match serde_json::from_str(&text) {
        Ok(Answer::Seen(sighting)) => Ok(sighting),
        Ok(Answer::Failed { failed, reason }) => {
            bail!("{failed} failed: {}", without(&reason, &hidden))
        }
        Err(_) => bail!(
            "the browser's script ended without an answer ({})",
            output.status
        ),
    }
}

fn token(project: &Project, channel: &ChannelName, uid: u32, role: Role) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let salt = u32::from_str_radix(&secrets::random_hex(4)?, 16)? % MAX_SALT + 1;
    let request = TokenRequest {
        app_id: &project.app_id,
        channel,
        uid: Uid::new(uid)?,
        privileges: role.into(),
        issued_at: u32::try_from(now)?,
        expires_in_s: TOKEN_LIFE_S,
        salt,
    };
    Ok(mint(&request, &project.certificate)?)
}

/// A message of Agora may quote what it was given.
fn without(text: &str, hidden: &[&str]) -> String {
    hidden.iter().fold(text.to_owned(), |text, secret| {
        text.replace(secret, "[hidden]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn refusal(app_id: Option<&str>, certificate: Option<&str>) -> String {
        match Project::new(app_id, certificate) {
            Ok(_) => panic!("was taken"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn missing_credentials_are_asked_for_and_wrong_ones_not_repeated() {
        for (app_id, certificate) in [(None, None), (Some(ID), None), (None, Some(ID))] {
            assert!(refusal(app_id, certificate).contains(APP_CERTIFICATE));
        }
        let wrong = "a secret that is no certificate";
        assert!(!refusal(Some(ID), Some(wrong)).contains(wrong));
        assert!(!refusal(Some(wrong), Some(ID)).contains(wrong));
        assert!(Project::new(Some(ID), Some(ID)).is_ok());
    }

    #[test]
    fn what_agora_quotes_is_hidden() {
        let said = format!("invalid vendor key {ID} for 007token");
        assert_eq!(
            without(&said, &[ID, "007token"]),
            "invalid vendor key [hidden] for [hidden]"
        );
    }
}
