//! The settings in words: the example of an environment, the table of the documentation, what is in effect.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};
use reqwest::Url;

use super::connection;
use super::reading::{Reading, Source, name};
use super::secrets::{DATABASE_URL, DECLARATIONS, Secrets};
use super::settings::Settings;

/// The text of `.env.example`: every variable with its default.
pub fn env_example() -> String {
    let mut text = "\
# The settings of edge_api as environment; written from their declaration. `edge_api --help` says the
# same, `edge_api --check` what is wrong with an environment. Each is a flag too (LISTEN is --listen),
# the secrets apart, which are read from files instead: JWT_SECRET_FILE names one.
"
    .to_owned();
    for secret in DECLARATIONS {
        let is_needed = if secret.is_required { "" } else { "#" };
        write!(
            text,
            "\n# {}.\n{is_needed}{}=\n",
            secret.help, secret.variable
        )
        .expect("a text takes everything");
    }
    for argument in settings() {
        let value = default(&argument).unwrap_or_default();
        write!(
            text,
            "\n# {}\n#{}={value}\n",
            wrapped(&help(&argument)),
            name(&argument)
        )
        .expect("a text takes everything");
    }
    text
}

/// The table of the documentation: every setting with its default.
pub fn table() -> String {
    let mut text = "| setting | default | what |\n|---|---|---|\n".to_owned();
    for secret in DECLARATIONS {
        let default = if secret.is_required { "needed" } else { "none" };
        let (variable, help) = (secret.variable, secret.help);
        writeln!(text, "| `{variable}`, secret | {default} | {help} |")
            .expect("a text takes everything");
    }
    for argument in settings() {
        let default = default(&argument).filter(|value| !value.is_empty());
        let default = default.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
        writeln!(
            text,
            "| `{}` | {default} | {} |",
            name(&argument),
            help(&argument)
        )
        .expect("a text takes everything");
    }
    text
}

/// What is in effect, as an environment, and where each value comes from. Secrets are not shown.
pub(super) fn effective(
    command: &Command,
    reading: &Reading,
    secrets: &Secrets,
    database: &tokio_postgres::Config,
) -> String {
    let mut text = String::new();
    for secret in secrets.iter() {
        let variable = secret.variable();
        let what = match variable {
            DATABASE_URL => connection::describe(database),
            _ => "a secret".to_owned(),
        };
        let from = match secret.file() {
            Some(file) => format!("file {}", file.display()),
            None => "environment".to_owned(),
        };
        writeln!(text, "# {variable}: {what} ({from})").expect("a text takes everything");
    }
    for argument in command
        .get_arguments()
        .filter(|argument| argument.get_env().is_some())
    {
        let id = argument.get_id().as_str();
        let value = reading
            .value(id)
            .map(|value| value.to_string_lossy().into_owned())
            .map(|value| {
                if id == "jwks_url" {
                    host(&value)
                } else {
                    value
                }
            });
        let Some(value) = value.or_else(|| default(argument)) else {
            continue;
        };
        let from = match reading.source(id) {
            Source::Flag => "flag",
            Source::Environment => "environment",
            Source::Default => "default",
        };
        writeln!(text, "{}={value} # {from}", name(argument)).expect("a text takes everything");
    }
    text
}

/// Of a URL, which may hold a password or a token.
fn host(url: &str) -> String {
    let url = url.parse::<Url>().ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or_default().to_owned()
}

/// What has a variable, without the files of secrets.
fn settings() -> Vec<Arg> {
    let command = Settings::command();
    let arguments = command.get_arguments().cloned();
    arguments
        .filter(|argument| argument.get_env().is_some())
        .collect()
}

fn default(argument: &Arg) -> Option<String> {
    let value = argument.get_default_values().first()?;
    Some(value.to_string_lossy().into_owned())
}

fn help(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// In lines of comments.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one from the start");
        if line.len() + word.len() >= 98 {
            lines.push(word.to_owned());
        } else {
            let space = if line.is_empty() { "" } else { " " };
            write!(line, "{space}{word}").expect("a text takes everything");
        }
    }
    lines.join("\n# ")
}
