//! A server whose clock goes wrong: a server of the test's own asks libfaketime for the time, which adds the
//! number in a file to what the machine's clock says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use uuid::Uuid;
use xtask::packages;

/// The clock of the servers that are started in its [`ServerClock::environment`]; right at first.
pub struct ServerClock {
    directory: PathBuf,
}

impl ServerClock {
    pub fn new() -> Result<Self> {
        let directory = std::env::temp_dir().join(format!("stream-tests-{}", Uuid::new_v4()));
        fs::create_dir(&directory)?;
        // The server is another user than the test when that is root.
        fs::set_permissions(&directory, Permissions::from_mode(0o755))?;
        let clock = Self { directory };
        clock.correct()?;
        Ok(clock)
    }

    /// What a server must find around it to live by this clock.
    pub fn environment(&self) -> Result<Vec<(String, String)>> {
        let library = packages::faketime_library().context("libfaketime is not installed")?;
        let text = |path: &Path| path.to_str().map(str::to_owned).context("no UTF-8");
        let variables = [
            ("LD_PRELOAD", text(&library)?),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file())?),
            // Looks into the file whenever it is asked, and not every ten seconds.
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Waits are measured by this one, and go on as they are.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ];
        Ok(variables
            .map(|(name, value)| (name.to_owned(), value))
            .into())
    }

    /// Sets the clock to these Unix seconds, from where it goes on.
    pub fn set(&self, unix_s: i64) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        self.write(unix_s - i64::try_from(now)?)
    }

    /// Sets the clock to the machine's time.
    pub fn correct(&self) -> Result<()> {
        self.write(0)
    }

    /// In one step: a server may look at any moment.
    fn write(&self, offset_s: i64) -> Result<()> {
        let new = self.directory.join("new");
        fs::write(&new, format!("{offset_s:+}\n"))?;
        fs::set_permissions(&new, Permissions::from_mode(0o644))?;
        Ok(fs::rename(new, self.file())?)
    }

    fn file(&self) -> PathBuf {
        self.directory.join("offset")
    }
}

impl Drop for ServerClock {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
