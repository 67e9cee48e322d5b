//! Child processes: started, watched and stopped.
//!
//! A process is known by its id, its start time and the boot it belongs to, so that a record left by
//! a crash never leads to a signal for a stranger that got the same id.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process, kill_process_group, test_kill_process_group, waitpid,
};
use serde::{Deserialize, Serialize};

use crate::interrupt;

/// What runs here, even after a build has put another file in its place.
pub const THIS_PROGRAM: &str = "/proc/self/exe";

/// The pause of loops that wait.
pub const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// One process of this machine, told apart from later ones with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pub pid: u32,
    /// Clock ticks since boot: field 22 of `/proc/<pid>/stat`.
    started_at_ticks: u64,
    boot_id: String,
}

impl ProcessId {
    /// This process.
    pub fn current() -> io::Result<Self> {
        Self::of(std::process::id())
    }

    /// The process that has this id now; an error when there is none.
    pub fn of(pid: u32) -> io::Result<Self> {
        Ok(Self {
            pid,
            started_at_ticks: Stat::read(pid)?.started_at_ticks,
            boot_id: boot_id()?,
        })
    }

    /// Whether it still runs; a zombie does not.
    pub fn is_alive(&self) -> bool {
        boot_id().is_ok_and(|boot_id| boot_id == self.boot_id)
            && Stat::read(self.pid)
                .is_ok_and(|stat| !stat.is_zombie && stat.started_at_ticks == self.started_at_ticks)
    }

    /// Sends a signal unless the process is gone.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive()
            && let Some(pid) = raw_pid(self.pid)
        {
            // It may end between the look and the signal: then there is nothing to do.
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until it is gone; false when it still runs at the deadline.
    pub fn wait_gone(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(POLL_INTERVAL);
        }
        // Reap it if it is a child of ours; otherwise somebody else does.
        if let Some(pid) = raw_pid(self.pid) {
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        true
    }

    /// Asks with `signal`, insists with SIGKILL after `patience`, then ends what is left of its
    /// process group. False when even that left it running.
    pub fn stop(&self, signal: Signal, patience: Duration) -> bool {
        if !self.is_alive() {
            return true;
        }
        self.signal(signal);
        if !self.wait_gone(patience) {
            self.signal(Signal::KILL);
            if !self.wait_gone(Duration::from_secs(5)) {
                return false;
            }
        }
        if let Some(group) = raw_pid(self.pid)
            && test_kill_process_group(group).is_ok()
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        true
    }

    /// The processes whose parent this one is.
    pub fn children(&self) -> Vec<ProcessId> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|&pid| Stat::read(pid).is_ok_and(|stat| stat.parent == self.pid))
            .filter_map(|pid| ProcessId::of(pid).ok())
            .collect()
    }
}

/// Starts a child in a process group of its own, out of reach of the terminal's Ctrl-C.
pub fn spawn_apart(command: &mut Command) -> Result<Child> {
    command
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", name(command)))
}

/// Runs a step whose output a person watches; fails when the command does, and when a signal comes,
/// which it passes on and waits for.
pub fn run(command: &mut Command) -> Result<()> {
    let status = run_status(command)?;
    if !status.success() {
        bail!("{} failed ({status})", name(command));
    }
    Ok(())
}

/// Like [`run`], but a failing command is a result, not an error.
pub fn run_status(command: &mut Command) -> Result<ExitStatus> {
    command.stdin(Stdio::null());
    let mut child = spawn_apart(command)?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if interrupt::is_requested() {
            end_group(&mut child);
            return Err(interrupt::Interrupted.into());
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Runs a command for what it prints; its standard error is in the failure.
pub fn output(command: &mut Command) -> Result<String> {
    let output = capture(command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} failed ({}): {}",
            name(command),
            output.status,
            said.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// Whether a command can be started and succeeds; its output is dropped.
pub fn succeeds(command: &mut Command) -> bool {
    capture(command).is_ok_and(|output| output.status.success())
}

/// The path at which `program` is found through `PATH` or in Debian's system directories.
pub fn find_program(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin"].map(Into::into))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

fn capture(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null());
    command
        .output()
        .with_context(|| format!("cannot start {}", name(command)))
}

fn end_group(child: &mut Child) {
    let Some(group) = raw_pid(child.id()) else {
        return;
    };
    let _ = kill_process_group(group, Signal::INT);
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) {
            break;
        }
        thread::sleep(POLL_INTERVAL);
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn raw_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

/// The parts of `/proc/<pid>/stat` (proc(5)) that identify a process.
struct Stat {
    is_zombie: bool,
    parent: u32,
    started_at_ticks: u64,
}

impl Stat {
    fn read(pid: u32) -> io::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Self::parse(&text).ok_or_else(|| io::Error::other(format!("unreadable /proc/{pid}/stat")))
    }

    fn parse(text: &str) -> Option<Self> {
        // The name before the last bracket may itself hold brackets and spaces.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        Some(Self {
            is_zombie: matches!(*fields.first()?, "Z" | "X"),
            parent: fields.get(1)?.parse().ok()?,
            started_at_ticks: fields.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_its_namesake_is_not() {
        let current = ProcessId::current().unwrap();
        assert!(current.is_alive());

        let namesake = ProcessId {
            started_at_ticks: current.started_at_ticks + 1,
            ..current
        };
        assert!(!namesake.is_alive());
    }

    #[test]
    fn process_name_with_brackets_does_not_shift_the_fields() {
        let after_name = "S 7 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0";
        let stat = Stat::parse(&format!("12 (a) b) {after_name}")).unwrap();
        assert_eq!(
            (stat.parent, stat.started_at_ticks, stat.is_zombie),
            (7, 4242, false)
        );
    }

    #[test]
    fn stopped_child_is_gone_with_its_process_group() {
        let mut command = Command::new("sh");
        let mut child = spawn_apart(
            command
                .args(["-c", "sleep 600 & echo $!; wait"])
                .stdout(Stdio::piped()),
        )
        .unwrap();
        let mut line = String::new();
        io::BufRead::read_line(
            &mut io::BufReader::new(child.stdout.take().unwrap()),
            &mut line,
        )
        .unwrap();
        let grandchild = ProcessId::of(line.trim().parse().unwrap()).unwrap();

        let id = ProcessId::of(child.id()).unwrap();
        assert!(id.stop(Signal::KILL, Duration::from_secs(5)));
        assert!(!id.is_alive());
        assert!(grandchild.wait_gone(Duration::from_secs(5)));
        let _ = child.wait();
    }
}
