//! The values that flags and environment give to the settings that are declared.
//!
//! clap ends at the first mistake and reads the environment of the process alone. So flags are taken
//! here as texts, by a copy of the declaration that accepts any, the environment is put below
//! them, and each value is then given to the declaration alone, which says what is wrong with it.

use std::error::Error;
use std::ffi::{OsStr, OsString};

use clap::builder::{OsStr as Name, Resettable, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

use super::mistakes::Mistakes;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Flag,
    Environment,
    Default,
}

/// What the command line asks for.
pub(super) enum Taken {
    Values(Reading),
    /// Help or version.
    Text(String),
}

/// A setting that is not left to its default.
#[derive(Debug)]
struct Given {
    id: String,
    value: OsString,
    source: Source,
}

/// The settings that were given, each with its source, and the flags without a value.
#[derive(Debug)]
pub(super) struct Reading {
    given: Vec<Given>,
    switches: Vec<String>,
}

impl Reading {
    pub(super) fn take(
        command: &Command,
        arguments: impl IntoIterator<Item = OsString>,
        variable: &impl Fn(&str) -> Option<OsString>,
        mistakes: &mut Mistakes,
    ) -> Taken {
        let matches = match flags(command, arguments.into_iter().collect(), mistakes) {
            Ok(matches) => matches,
            Err(text) => return Taken::Text(text),
        };
        let mut reading = Self {
            given: Vec::new(),
            switches: Vec::new(),
        };
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str();
            if !takes_value(argument) {
                if matches!(matches.try_get_one(id), Ok(Some(true))) {
                    reading.switches.push(id.to_owned());
                }
                continue;
            }
            let flag = matches.get_raw(id).and_then(|mut values| values.next());
            let flag = flag.map(|value| (value.to_owned(), Source::Flag));
            let found = flag.or_else(|| {
                let value = variable(argument.get_env()?.to_str()?)?;
                Some((value, Source::Environment))
            });
            if let Some((value, source)) = found.filter(|(value, _)| !value.is_empty()) {
                let id = id.to_owned();
                reading.given.push(Given { id, value, source });
            }
        }
        Taken::Values(reading)
    }

    /// The text that was given for a setting.
    pub(super) fn value(&self, id: &str) -> Option<&OsStr> {
        self.find(id).map(|given| given.value.as_os_str())
    }

    pub(super) fn source(&self, id: &str) -> Source {
        self.find(id).map_or(Source::Default, |given| given.source)
    }

    fn find(&self, id: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.id == id)
    }

    /// Gives each value alone to its declaration, so that no mistake hides another.
    pub(super) fn check(&self, command: &Command, mistakes: &mut Mistakes) {
        for argument in command.get_arguments() {
            let Some(value) = self.value(argument.get_id().as_str()) else {
                continue;
            };
            let alone = Command::new("edge_api").arg(without_environment(argument.clone()));
            let line = [OsString::from("edge_api"), line(argument, value)];
            if let Err(error) = alone.try_get_matches_from(line) {
                mistakes.note(&name(argument), &problem(&error));
            }
        }
    }

    /// All values as clap takes them.
    pub(super) fn matches(&self, command: &Command) -> Result<ArgMatches, clap::Error> {
        let mut lines = vec![OsString::from("edge_api")];
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str();
            if let Some(value) = self.value(id) {
                lines.push(line(argument, value));
            } else if self.switches.iter().any(|switch| switch == id) {
                lines.push(flag(argument).into());
            }
        }
        command
            .clone()
            .mut_args(without_environment)
            .try_get_matches_from(lines)
    }
}

/// The flags as texts. An error holds the text of help or version.
fn flags(
    command: &Command,
    mut arguments: Vec<OsString>,
    mistakes: &mut Mistakes,
) -> Result<ArgMatches, String> {
    // The last of two counts, as with most programs.
    let lenient = command.clone().args_override_self(true);
    let lenient = lenient.mut_args(|argument| {
        let argument = without_environment(argument);
        if takes_value(&argument) {
            argument
                .value_parser(ValueParser::os_string())
                .default_value(Resettable::<Name>::Reset)
        } else {
            argument
        }
    });
    loop {
        let line = [OsString::from("edge_api")].into_iter();
        let line = line.chain(arguments.iter().cloned());
        let error = match lenient.clone().try_get_matches_from(line) {
            Ok(matches) => return Ok(matches),
            Err(error) => error,
        };
        match error.kind() {
            // From the declaration as it is, and without values of the environment.
            ErrorKind::DisplayHelp => {
                let mut command = command.clone().mut_args(|one| one.hide_env_values(true));
                return Err(command.render_long_help().to_string());
            }
            ErrorKind::DisplayVersion => return Err(command.render_version()),
            _ => {}
        }
        let position = refused(&error, &arguments);
        note(&error, &arguments[position], mistakes);
        let is_flag = is_flag(&arguments[position]);
        arguments.remove(position);
        // Its value, if it has one, is not another mistake.
        let has_value = arguments
            .get(position)
            .is_some_and(|next| !self::is_flag(next));
        if is_flag && has_value {
            arguments.remove(position);
        }
    }
}

/// The position of the argument that clap refused.
fn refused(error: &clap::Error, arguments: &[OsString]) -> usize {
    let named = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(named)) => named.split(' ').next().unwrap_or_default(),
        _ => "",
    };
    let mut texts = arguments.iter().map(|argument| argument.to_string_lossy());
    texts
        .position(|text| text.starts_with(named))
        .unwrap_or(arguments.len().saturating_sub(1))
}

/// Names a flag and never what stands behind it, which somebody may have meant as a secret.
fn note(error: &clap::Error, argument: &OsStr, mistakes: &mut Mistakes) {
    let text = argument.to_string_lossy();
    let flag = text.split('=').next().unwrap_or_default();
    match error.kind() {
        _ if !is_flag(argument) => mistakes.note("the command line", "has a value without a flag"),
        ErrorKind::UnknownArgument => mistakes.note(flag, "is no flag of edge_api; see --help"),
        ErrorKind::InvalidValue => mistakes.note(flag, "has no value"),
        _ => mistakes.note(flag, "cannot be read"),
    }
}

fn is_flag(argument: &OsStr) -> bool {
    argument.to_string_lossy().starts_with('-')
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

fn without_environment(argument: Arg) -> Arg {
    argument.env(Resettable::<Name>::Reset)
}

fn flag(argument: &Arg) -> String {
    format!("--{}", argument.get_long().unwrap_or_default())
}

fn line(argument: &Arg, value: &OsStr) -> OsString {
    let mut line = OsString::from(flag(argument));
    line.push("=");
    line.push(value);
    line
}

/// The variable of a setting: the name by which all texts call it.
pub(super) fn name(argument: &Arg) -> String {
    let variable = argument.get_env().map(OsStr::to_string_lossy);
    variable.map_or_else(|| flag(argument), Into::into)
}

/// What is wrong with a value, without the value.
fn problem(error: &clap::Error) -> String {
    if let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue) {
        return format!("is none of {}", values.join(", "));
    }
    match error.source() {
        Some(source) => source.to_string(),
        None => "cannot be read".to_owned(),
    }
}
