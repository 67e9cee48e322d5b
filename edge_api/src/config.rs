//! Settings of the service: declared once, read from flags and environment, checked together.
//!
//! Each part declares its own with clap, in a file of its own; [`Settings`] holds them all. A flag
//! and its variable have the same name: `--database-pool-size` and `DATABASE_POOL_SIZE`. A flag
//! counts before the variable, a variable before the default; set but empty counts as not set, as in
//! most deployment tools. Secrets have no flag, since command lines are seen by everybody on a
//! machine: they come from the environment or from a file ([`secrets`]).

mod connection;
mod description;
mod mistakes;
mod reading;
mod settings;

pub mod auth;
pub mod browsers;
pub mod canary;
pub mod connections;
pub mod database;
pub mod observation;
pub mod polling;
pub mod rates;
pub mod secrets;
pub mod server;
pub mod supabase;
pub mod ticker;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

use self::connection::Connection;
use self::secrets::Secrets;
use crate::auth::Keys;

pub use self::description::{env_example, table};
pub use self::mistakes::Mistakes;
use self::reading::Reading;
pub use self::settings::Settings;

/// Everything that the service is told when it starts.
#[derive(Debug)]
pub struct Config {
    pub settings: Settings,
    pub secrets: Secrets,
    /// Of `JWKS_FILE`, if it is set.
    pub key_set: Option<Keys>,
    /// What `DATABASE_URL` says. Its `Debug` leaves the password out.
    pub database: Connection,
    /// Who watches the way through Realtime.
    pub canary: Option<crate::canary::CanarySettings>,
    /// The project that is called instead of the database.
    #[cfg(feature = "postgrest")]
    pub project: Option<crate::upstream::postgrest::Project>,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    Serve(Box<Config>),
    /// Prints this and ends.
    Print(String),
}

impl Command {
    /// `arguments` without the program's name; `variable` looks up the environment. All mistakes are
    /// found, and none hides another.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Mistakes> {
        let command = secrets::declare(Settings::command());
        let mut mistakes = Mistakes::default();
        let reading = match Reading::take(&command, arguments, &variable, &mut mistakes) {
            reading::Taken::Values(reading) => reading,
            reading::Taken::Text(text) => return Ok(Self::Print(text)),
        };
        let secrets = Secrets::read(&reading, &variable, &mut mistakes);
        let key_set = auth::check(&reading, &secrets, &mut mistakes);
        let database = connection::parse(
            secrets.database_url.as_ref(),
            reading.value("database_ca_file"),
            &mut mistakes,
        );
        supabase::check(&reading, &secrets, &mut mistakes);
        #[cfg(feature = "postgrest")]
        let project = supabase::project(&reading, &secrets, &mut mistakes);
        canary::check(&reading, &secrets, &mut mistakes);
        server::check(&reading, &mut mistakes);
        reading.check(&command, &mut mistakes);
        mistakes.none()?;

        let matches = reading.matches(&command).map_err(Mistakes::from)?;
        let settings = Settings::from_arg_matches(&matches).map_err(Mistakes::from)?;
        if settings.print_config {
            return Ok(Self::Print(description::effective(
                &command,
                &reading,
                &secrets,
                &database.config,
            )));
        }
        if settings.check {
            return Ok(Self::Print("the configuration is valid\n".to_owned()));
        }
        Ok(Self::Serve(Box::new(Config {
            canary: settings.canary.account(&secrets),
            settings,
            secrets,
            key_set,
            database,
            #[cfg(feature = "postgrest")]
            project,
        })))
    }
}

#[cfg(test)]
mod tests;
