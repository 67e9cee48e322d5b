//! CPU time of processes and of all that they started, from `/proc/<pid>/stat`.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// One look at all processes of the machine.
pub struct Processes(HashMap<u32, Process>);

struct Process {
    parent: u32,
    /// User and system time, its own and that of the children it has waited for, in clock ticks.
    ticks: u64,
}

impl Processes {
    pub fn look() -> Result<Self> {
        let entries = fs::read_dir("/proc")?.flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // One that has ended meanwhile is in its parent's sum the next time.
        let processes = pids.filter_map(|pid| Some((pid, Process::read(pid)?)));
        Ok(Self(processes.collect()))
    }

    /// The CPU time of a process and of its descendants. What a server's backends took remains in the sum when they end.
    pub fn of_tree(&self, root: u32) -> Duration {
        let is_within = |&pid: &u32| {
            let mut pid = pid;
            while pid != root {
                match self.0.get(&pid) {
                    Some(process) => pid = process.parent,
                    None => return false,
                }
            }
            true
        };
        let within = self.0.iter().filter(|(pid, _)| is_within(pid));
        to_time(within.map(|(_, process)| process.ticks).sum())
    }

    /// The CPU time of a process alone.
    pub fn of(&self, pid: u32) -> Duration {
        to_time(self.0.get(&pid).map_or(0, |process| process.ticks))
    }

    /// The process that started this one.
    pub fn parent_of(&self, pid: u32) -> Result<u32> {
        let process = self.0.get(&pid).context("the process has ended")?;
        Ok(process.parent)
    }
}

fn to_time(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before the last bracket may itself hold brackets and spaces; behind it begins the third field of proc(5).
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        // utime, stime, cutime and cstime: fields 14 to 17.
        let times = fields.skip(9).take(4);
        let ticks = times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Some(Self { parent, ticks })
    }
}
