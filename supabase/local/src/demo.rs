//! `/demo`: the files of the demo app, and the settings that it needs to find this server.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

/// The path under which the app expects its own files.
pub const PATH: &str = "/demo";

/// The app: where its files are, and what `settings.json` says.
#[derive(Debug, Clone)]
pub struct Demo {
    pub directory: PathBuf,
    pub settings: Settings,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub anon_key: String,
    /// Set: the video goes over Agora. Otherwise between the browsers of this machine.
    pub agora_app_id: Option<String>,
}

/// The route without a slash at its end sends a browser to the one from which relative names resolve.
pub fn router(demo: Demo) -> Router {
    let demo = Arc::new(demo);
    Router::new()
        .route(PATH, get(|| async { Redirect::permanent("/demo/") }))
        .route("/demo/settings.json", get(settings))
        .route("/demo/", get(file))
        .route("/demo/{*path}", get(file))
        .with_state(demo)
}

async fn settings(State(demo): State<Arc<Demo>>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(&demo.settings)).into_response()
}

async fn file(State(demo): State<Arc<Demo>>, uri: Uri) -> Response {
    let Some(path) = path_of(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match tokio::fs::read(demo.directory.join(&path)).await {
        Ok(content) => {
            let headers = [
                (header::CONTENT_TYPE, content_type(&path)),
                // A browser asks again, and so never shows an older build.
                (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
                (
                    header::X_CONTENT_TYPE_OPTIONS,
                    HeaderValue::from_static("nosniff"),
                ),
            ];
            (headers, content).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The file of a request's path, inside the directory. Names of plain characters alone are served, which Vite's are: nothing
/// has to be decoded, and nothing leads outside.
fn path_of(path: &str) -> Option<PathBuf> {
    let name = path.strip_prefix("/demo/")?;
    let name = if name.is_empty() { "index.html" } else { name };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let path = Path::new(name);
    let is_inside = path.components().all(|part| {
        matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."))
    });
    (name.bytes().all(is_plain) && is_inside).then(|| path.to_owned())
}

fn content_type(path: &Path) -> HeaderValue {
    let extension = path.extension().and_then(|extension| extension.to_str());
    HeaderValue::from_static(match extension {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_directory_are_found_by_their_paths() {
        for (asked, file) in [
            ("/demo/", "index.html"),
            ("/demo/assets/main-B3x_.js", "assets/main-B3x_.js"),
        ] {
            assert_eq!(path_of(asked), Some(PathBuf::from(file)), "{asked}");
        }
    }

    #[test]
    fn nothing_outside_of_the_directory_is_found() {
        for asked in [
            "/demo/../secret",
            "/demo//etc/passwd",
            "/demo/assets/../../secret",
            "/demo/%2e%2e/secret",
            "/demo/.env",
            "/demo/assets/.hidden/file",
            "/demo/a\\b",
            "/other",
        ] {
            assert_eq!(path_of(asked), None, "{asked}");
        }
    }
}
