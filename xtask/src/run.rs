//! The ledger of everything that a run has started, and taking all of it away again.
//!
//! Everything is written down in `.local/runs/` before or as soon as it exists. Dropping a run stops
//! it; a run whose process was killed is found by the next command and taken away then.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::local_dir;
use crate::process::{self, ProcessId};

/// The processes and directories that one command (or one test) has on this machine.
#[derive(Debug)]
pub struct Run {
    file: PathBuf,
    ledger: Ledger,
    ends_on_drop: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ledger {
    /// The one who takes it away at the end; nobody once the run is detached.
    owner: Option<ProcessId>,
    processes: Vec<Started>,
    directories: Vec<PathBuf>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Started {
    name: String,
    id: ProcessId,
    ending: Ending,
}

/// The way in which a process is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// SIGTERM.
    Terminate,
    /// SIGINT, which is Postgres's fast shutdown; SIGTERM would wait for every client to leave.
    Fast,
}

impl Run {
    /// Begins a run under a name that no other living run has.
    pub fn begin(name: &str) -> Result<Self> {
        let file = ledger_file(name)?;
        let ledger = Ledger {
            owner: Some(ProcessId::current()?),
            processes: Vec::new(),
            directories: Vec::new(),
        };
        let mut run = Self {
            file,
            ledger,
            ends_on_drop: true,
        };
        run.add_directory(&run.directory())?;
        fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(run.directory())?;
        Ok(run)
    }

    /// The run of this name that somebody else began, if there is a record of it.
    pub fn find(name: &str) -> Result<Option<Self>> {
        let file = ledger_file(name)?;
        Ok(Self::read(&file))
    }

    /// Takes away what killed runs left behind; says how many there were.
    pub fn sweep() -> Result<usize> {
        let mut swept = 0;
        for entry in fs::read_dir(local_dir::directory("runs")?)?.flatten() {
            let path = entry.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
                && let Some(run) = Self::read(&path)
                && run.is_abandoned()
            {
                run.stop();
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Whether its owner still lives, or has detached it, and everything it started still runs.
    pub fn is_healthy(&self) -> bool {
        !self.is_abandoned() && self.first_dead().is_none()
    }

    /// A directory for small files of this run, closed to other users.
    pub fn directory(&self) -> PathBuf {
        self.file.with_extension("files")
    }

    /// Writes a directory down, before it is made, so that it is removed at the end.
    pub fn add_directory(&mut self, directory: &Path) -> Result<()> {
        self.ledger.directories.push(directory.to_owned());
        self.save()
    }

    /// Starts a process that lives as long as the run; its output goes to the end of `log_file`. Another one of the same name must
    /// have ended.
    pub fn spawn(
        &mut self,
        name: &str,
        command: &mut Command,
        log_file: &Path,
        ending: Ending,
    ) -> Result<ProcessId> {
        let known = self.processes().find(|(known, _)| *known == name);
        let is_running = known.is_some_and(|(_, id)| id.is_alive());
        ensure!(!is_running, "{name} runs already");
        let log = File::options()
            .create(true)
            .append(true)
            .open(log_file)
            .with_context(|| format!("cannot open {}", log_file.display()))?;
        command
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log);
        let child = process::spawn_apart(command)?;
        let id = ProcessId::of(child.id()).with_context(|| format!("{name} ended at once"))?;
        self.forget(name);
        self.ledger.processes.push(Started {
            name: name.to_owned(),
            id: id.clone(),
            ending,
        });
        self.save()?;
        Ok(id)
    }

    /// Stops one process of the run by its name.
    pub fn stop_process(&mut self, name: &str) -> Result<()> {
        for started in self
            .ledger
            .processes
            .iter()
            .filter(|started| started.name == name)
        {
            started.stop();
        }
        self.forget(name);
        self.save()
    }

    /// The names and ids of its processes, in the order in which they were started.
    pub fn processes(&self) -> impl Iterator<Item = (&str, &ProcessId)> {
        self.ledger
            .processes
            .iter()
            .map(|started| (started.name.as_str(), &started.id))
    }

    /// The first process that has ended although the run goes on.
    pub fn first_dead(&self) -> Option<&str> {
        self.processes()
            .find(|(_, id)| !id.is_alive())
            .map(|(name, _)| name)
    }

    /// From here on the run outlives this process, until somebody stops it.
    pub fn detach(mut self) -> Result<()> {
        self.ledger.owner = None;
        self.save()?;
        self.ends_on_drop = false;
        Ok(())
    }

    /// Stops every process, the last one first, and removes the directories.
    pub fn stop(mut self) {
        self.take_away();
        self.ends_on_drop = false;
    }

    /// Whether its owner was killed before it could take it away.
    fn is_abandoned(&self) -> bool {
        self.ledger
            .owner
            .as_ref()
            .is_some_and(|owner| !owner.is_alive())
    }

    fn take_away(&mut self) {
        for started in self.ledger.processes.iter().rev() {
            started.stop();
        }
        for directory in self.ledger.directories.iter().rev() {
            let _ = fs::remove_dir_all(directory);
        }
        let _ = fs::remove_file(&self.file);
    }

    fn forget(&mut self, name: &str) {
        self.ledger.processes.retain(|started| started.name != name);
    }

    fn save(&self) -> Result<()> {
        local_dir::write_private_json(&self.file, &self.ledger)
    }

    fn read(file: &Path) -> Option<Self> {
        let ledger = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        Some(Self {
            file: file.to_owned(),
            ledger,
            ends_on_drop: false,
        })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.ends_on_drop {
            self.take_away();
        }
    }
}

impl Started {
    fn stop(&self) {
        let signal = match self.ending {
            Ending::Terminate => Signal::TERM,
            Ending::Fast => Signal::INT,
        };
        self.id.stop(signal, Duration::from_secs(15));
    }
}

fn ledger_file(name: &str) -> Result<PathBuf> {
    Ok(local_dir::directory("runs")?.join(format!("{name}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever is forgotten is never stopped.
    #[test]
    fn two_of_a_name_do_not_run_at_the_same_time() -> Result<()> {
        let mut run = Run::begin(&format!("names-{}", std::process::id()))?;
        let log = run.directory().join("log");
        let mut start = || {
            run.spawn(
                "sleeper",
                Command::new("sleep").arg("600"),
                &log,
                Ending::Terminate,
            )
        };
        let first = start()?;
        assert!(start().is_err());
        assert!(first.is_alive());
        first.stop(Signal::KILL, Duration::from_secs(5));
        let second = start()?;
        run.stop();
        assert!(!second.is_alive());
        Ok(())
    }
}
