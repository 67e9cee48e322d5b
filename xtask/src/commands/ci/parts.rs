//! The time that each part of CI takes, printed at its end.

use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::console;

#[derive(Default)]
pub struct Parts(Vec<(String, Duration)>);

impl Parts {
    /// Runs one part; a failure is timed, too.
    pub fn time(&mut self, name: &str, part: impl FnOnce() -> Result<()>) -> Result<()> {
        let begun_at = Instant::now();
        let outcome = part();
        self.0.push((name.to_owned(), begun_at.elapsed()));
        outcome
    }

    pub fn print(&self) {
        console::step("the time of each part");
        for (name, time) in &self.0 {
            console::note(format_args!("{} {name}", minutes(*time)));
        }
        let all = self.0.iter().map(|(_, time)| *time).sum();
        console::note(format_args!("{} in all", minutes(all)));
    }
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:>3} min {:02} s ", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_that_fails_is_timed_too() {
        let mut parts = Parts::default();
        assert!(parts.time("good", || Ok(())).is_ok());
        assert!(parts.time("bad", || anyhow::bail!("no")).is_err());
        let names: Vec<&str> = parts.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["good", "bad"]);
        assert_eq!(minutes(Duration::from_millis(61_900)), "  1 min 01 s ");
    }
}
