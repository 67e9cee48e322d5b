//! Secrets, which come from the environment or from files, and can be read again from these.
//!
//! One declaration makes both ways: `JWT_SECRET` is the variable that holds the secret,
//! `JWT_SECRET_FILE` and `--jwt-secret-file` name a file that does.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use clap::{Arg, Command, value_parser};
use secrecy::{ExposeSecret, SecretString};

use super::mistakes::Mistakes;
use super::reading::Reading;

pub const DATABASE_URL: &str = "DATABASE_URL";
pub const SUPABASE_ANON_KEY: &str = "SUPABASE_ANON_KEY";
pub const SUPABASE_SERVICE_ROLE_KEY: &str = "SUPABASE_SERVICE_ROLE_KEY";
pub const CANARY_PASSWORD: &str = "CANARY_PASSWORD";
pub const JWT_SECRET: &str = "JWT_SECRET";
pub const JWT_SECRET_SECONDARY: &str = "JWT_SECRET_SECONDARY";
pub const AGORA_WEBHOOK_SECRET: &str = "AGORA_WEBHOOK_SECRET";
pub const AGORA_WEBHOOK_SECRET_SECONDARY: &str = "AGORA_WEBHOOK_SECRET_SECONDARY";

/// HS256 keys shorter than the hash can be guessed faster than the hash (RFC 7518, section 3.2).
const MIN_JWT_SECRET_BYTES: usize = 32;

/// A secret that the service may be given.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    pub variable: &'static str,
    pub is_required: bool,
    pub help: &'static str,
}

pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        variable: DATABASE_URL,
        is_required: false,
        help: "postgres://... of a role that may become authenticated and service_role; needed unless SUPABASE_URL is set",
    },
    Declaration {
        variable: SUPABASE_ANON_KEY,
        is_required: false,
        help: "With SUPABASE_URL or CANARY_URL: the project's anon or publishable key",
    },
    Declaration {
        variable: SUPABASE_SERVICE_ROLE_KEY,
        is_required: false,
        help: "With SUPABASE_URL: its service_role or secret key, for notices of Agora, ticks and calls that go out together",
    },
    Declaration {
        variable: CANARY_PASSWORD,
        is_required: false,
        help: "Password of CANARY_EMAIL, the user who watches whether broadcasts arrive",
    },
    Declaration {
        variable: JWT_SECRET,
        is_required: false,
        help: "The project's HS256 secret, at least 32 bytes; needed unless JWKS_URL or JWKS_FILE is set",
    },
    Declaration {
        variable: JWT_SECRET_SECONDARY,
        is_required: false,
        help: "Another one that counts as well, while the secret is being changed",
    },
    Declaration {
        variable: AGORA_WEBHOOK_SECRET,
        is_required: false,
        help: "Secret of Agora's notification service; without it POST /webhooks/agora is refused",
    },
    Declaration {
        variable: AGORA_WEBHOOK_SECRET_SECONDARY,
        is_required: false,
        help: "Another one that counts as well, while the secret is being changed",
    },
];

impl Declaration {
    /// The variable that names the file.
    pub fn file_variable(&self) -> String {
        format!("{}_FILE", self.variable)
    }

    fn id(&self) -> String {
        self.file_variable().to_ascii_lowercase()
    }

    fn file_argument(&self) -> Arg {
        Arg::new(self.id())
            .long(self.id().replace('_', "-"))
            .env(OsString::from(self.file_variable()))
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help(format!("Read {} from this file", self.variable))
            .help_heading("Secrets")
    }
}

/// Adds the flags that name files, and says in the help which variables hold secrets.
pub(super) fn declare(command: Command) -> Command {
    let lines = DECLARATIONS.iter().map(|secret| {
        let variable = secret.variable;
        format!("  {variable}\n          {}", secret.help)
    });
    let lines: Vec<_> = lines.collect();
    command
        .args(DECLARATIONS.iter().map(Declaration::file_argument))
        .after_help(format!(
            "Secrets, in the environment or in the files named above, which hold nothing else:\n{}",
            lines.join("\n")
        ))
}

/// A secret and where it came from. Never printed.
#[derive(Clone)]
pub struct Secret {
    variable: &'static str,
    value: SecretString,
    /// None: the environment, which cannot change while a process lives.
    file: Option<PathBuf>,
}

impl Secret {
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    pub fn value(&self) -> &SecretString {
        &self.value
    }

    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// The file that it came from.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The same secret as its file holds it now. The error completes a sentence that begins with the
    /// variable's name, and repeats no value.
    pub fn read_again(&self) -> Result<Self, String> {
        match &self.file {
            Some(file) => Self::from_file(self.variable, file),
            None => Ok(self.clone()),
        }
    }

    fn from_file(variable: &'static str, file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| {
            let kind = error.kind();
            format!("cannot be read from {}: {kind}", file.display())
        })?;
        // Editors end a file with a line end, which is no part of what it holds.
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(format!("is empty in {}", file.display()));
        }
        Self::checked(variable, text.to_owned(), Some(file.to_owned()))
    }

    fn checked(
        variable: &'static str,
        value: String,
        file: Option<PathBuf>,
    ) -> Result<Self, String> {
        if [JWT_SECRET, JWT_SECRET_SECONDARY].contains(&variable)
            && value.len() < MIN_JWT_SECRET_BYTES
        {
            return Err(format!("is shorter than {MIN_JWT_SECRET_BYTES} bytes"));
        }
        Ok(Self {
            variable,
            value: value.into(),
            file,
        })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.variable)
    }
}

/// The secrets that the service was given.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// None where a project is called, and while mistakes are collected.
    pub(super) database_url: Option<Secret>,
    pub(super) supabase_anon_key: Option<Secret>,
    pub(super) supabase_service_role_key: Option<Secret>,
    pub(super) canary_password: Option<Secret>,
    /// Any of them may have signed a token.
    pub jwt: Vec<Secret>,
    /// Any of them may sign a notice; none: notices are refused.
    pub webhooks: Vec<Secret>,
}

impl Secrets {
    pub(super) fn read(
        reading: &Reading,
        variable: &impl Fn(&str) -> Option<OsString>,
        mistakes: &mut Mistakes,
    ) -> Self {
        let mut secrets = Self::default();
        for declaration in DECLARATIONS {
            match declaration.read(reading, variable) {
                Ok(Some(secret)) => secrets.take(secret),
                Ok(None) => {}
                Err(problem) => mistakes.note(declaration.variable, &problem),
            }
        }
        secrets
    }

    fn take(&mut self, secret: Secret) {
        match secret.variable {
            DATABASE_URL => self.database_url = Some(secret),
            SUPABASE_ANON_KEY => self.supabase_anon_key = Some(secret),
            SUPABASE_SERVICE_ROLE_KEY => self.supabase_service_role_key = Some(secret),
            CANARY_PASSWORD => self.canary_password = Some(secret),
            JWT_SECRET | JWT_SECRET_SECONDARY => self.jwt.push(secret),
            _ => self.webhooks.push(secret),
        }
    }

    /// Each secret, in the order of the declarations.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        let first = self.database_url.iter();
        let first = first.chain(&self.supabase_anon_key);
        let first = first.chain(&self.supabase_service_role_key);
        let first = first.chain(&self.canary_password);
        first.chain(&self.jwt).chain(&self.webhooks)
    }
}

impl Declaration {
    fn read(
        &self,
        reading: &Reading,
        variable: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Secret>, String> {
        let value = variable(self.variable).filter(|value| !value.is_empty());
        match (value, reading.value(&self.id())) {
            (Some(_), Some(_)) => Err(format!("is set beside {}", self.file_variable())),
            (Some(value), None) => {
                let value = value.into_string().map_err(|_| "is not text".to_owned())?;
                Secret::checked(self.variable, value, None).map(Some)
            }
            (None, Some(file)) => Secret::from_file(self.variable, Path::new(file)).map(Some),
            (None, None) if self.is_required => Err("is not set".to_owned()),
            (None, None) => Ok(None),
        }
    }
}
