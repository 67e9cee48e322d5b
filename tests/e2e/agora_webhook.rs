//! The Edge Function that takes Agora's notices answers as edge_api does, request by request, and does the same.

mod data_api;
mod failures;
mod notices;
mod vectors;

use std::path::Path;
use std::{env, fs};

use anyhow::{Result, ensure};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use stream_tests::services::Services;
use stream_tests::services::answer::Answer;
use stream_tests::services::edge_function::FUNCTION;
use stream_tests::services::request::Request;
use stream_tests::supabase_tools::SupabaseTools;

const SIGNATURE: &str = "Agora-Signature-V2";

/// Headers that both answer with.
const HEADERS: [&str; 5] = [
    "content-type",
    "cache-control",
    "www-authenticate",
    "retry-after",
    "allow",
];

/// HMAC-SHA256 in hexadecimal, as Agora signs.
pub fn sign(secret: &str, body: &[u8]) -> Result<String> {
    let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?.chain_update(body);
    let bytes = hmac.finalize().into_bytes();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The path is that of the gateway; the function looks at none.
fn post(body: impl Into<bytes::Bytes>) -> Request {
    Request::post("/functions/v1/agora-webhook").json_bytes(body)
}

/// As Agora sends it.
fn signed(services: &Services, body: &[u8]) -> Result<Request> {
    let signature = sign(&services.webhook_secret, body)?;
    Ok(post(body.to_vec()).header(SIGNATURE, signature))
}

/// The parts of an answer that are the same in both: all but the id of the request.
fn comparable(answer: &Answer) -> (u16, Vec<&str>, Value) {
    let mut body = answer.json();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    let headers = HEADERS.iter().map(|name| answer.header(name)).collect();
    (answer.status, headers, body)
}

fn expect_same(about: &str, of_function: &Answer, of_edge: &Answer) -> Result<()> {
    let (function, edge) = (comparable(of_function), comparable(of_edge));
    ensure!(
        function == edge,
        "{about}: the function answers {function:?}, the edge {edge:?}"
    );
    ensure!(
        !of_function.header("x-request-id").is_empty(),
        "{about}: no request id"
    );
    Ok(())
}

#[tokio::test]
async fn its_types_are_right_and_it_fetches_nothing() -> Result<()> {
    let cache = env::temp_dir().join(format!("deno-check-{}", std::process::id()));
    let tools = SupabaseTools::ensure()?;
    let offline: &[&str] = &["check", "--no-remote", "--no-npm", "index.ts"];
    for arguments in [offline, &["lint", "--quiet"]] {
        tools
            .run_deno(FUNCTION, &cache, arguments)
            .await?
            .success()?;
    }
    let _ = fs::remove_dir_all(&cache);
    let folder = xtask::workspace::root().join(FUNCTION);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        for module in imports(&path)? {
            assert!(module.starts_with("./"), "{}: {module}", path.display());
        }
    }
    Ok(())
}

/// The modules that a file imports.
fn imports(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().filter(|line| line.starts_with("import "));
    Ok(lines
        .filter_map(|line| line.rsplit_once(" from '"))
        .map(|(_, module)| module.trim_end_matches('\'').to_owned())
        .collect())
}
