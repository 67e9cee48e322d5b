//! Settings for apps that run in a browser.

use axum::http::HeaderValue;
use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct BrowserSettings {
    /// Origins of browser apps, separated by commas, like https://app.example.com; none by default.
    #[arg(
        long,
        env = "CORS_ALLOWED_ORIGINS",
        value_name = "ORIGINS",
        default_value = "",
        value_parser = Origins::parse
    )]
    pub cors_allowed_origins: Origins,
}

/// Origins that may call the service from a browser.
#[derive(Debug, Clone, Default)]
pub struct Origins(pub Vec<HeaderValue>);

impl Origins {
    fn parse(list: &str) -> Result<Self, &'static str> {
        let origins = list.split(',').map(str::trim);
        let origins = origins.filter(|origin| !origin.is_empty()).map(origin);
        origins.collect::<Option<_>>().map(Self).ok_or(
            "holds something else than origins like https://app.example.com, without a path or a wildcard",
        )
    }
}

/// An origin is scheme and host without a path; a browser sends exactly that, and a value that can
/// never match would look like a permission.
fn origin(text: &str) -> Option<HeaderValue> {
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))?;
    let is_host = !host.is_empty() && !host.contains(['/', '*', ' ']);
    HeaderValue::from_str(text).ok().filter(|_| is_host)
}
