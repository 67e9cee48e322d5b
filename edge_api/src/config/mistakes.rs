//! All that is wrong with a configuration.

use std::fmt;

/// Mistakes in the order of their finding. None repeats a value, which may be a secret.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    /// `problem` completes the sentence that begins with the setting's name.
    pub(super) fn note(&mut self, setting: &str, problem: &str) {
        self.0.push(format!("{setting} {problem}"));
    }

    /// Whether one of this setting is known already.
    pub(super) fn name(&self, setting: &str) -> bool {
        let begins = |mistake: &String| mistake.split(' ').next() == Some(setting);
        self.0.iter().any(begins)
    }

    pub(super) fn none(&mut self) -> Result<(), Self> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(std::mem::take(self))
        }
    }
}

/// What was checked before cannot fail then; if it does, the kind is all that is told.
impl From<clap::Error> for Mistakes {
    fn from(error: clap::Error) -> Self {
        Self(vec![format!(
            "the settings cannot be read: {}",
            error.kind()
        )])
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Mistakes {}
