//! What failed tests said, found in what libtest prints behind the tests of a binary.

use super::times;

/// How much of each report is printed again: its first and its last lines, and no stack. A script says last what ended it.
const FIRST: usize = 8;
const LAST: usize = 8;
const CHARACTERS: usize = 400;

/// The line that begins the reports, and later the list of their tests.
const BEGIN: &str = "failures:";

/// Follows the output of one binary, line by line.
#[derive(Default)]
pub struct Section {
    is_open: bool,
}

impl Section {
    /// Whether a line belongs to the reports.
    pub fn takes(&mut self, line: &str) -> bool {
        if line == BEGIN {
            self.is_open = !self.is_open;
            return false;
        }
        self.is_open
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    pub test: &'a str,
    pub lines: Vec<String>,
}

/// The reports in the lines that were taken.
pub fn reports(lines: &str) -> Vec<Failure<'_>> {
    let mut failures: Vec<Failure<'_>> = Vec::new();
    let mut is_stack = false;
    for line in lines.lines() {
        if let Some(test) = test_of(line) {
            is_stack = false;
            let lines = Vec::new();
            failures.push(Failure { test, lines });
            continue;
        }
        // Of the binaries that ran later: they share the notes.
        if times::time_in(line).is_some() {
            continue;
        }
        is_stack |= line.trim().eq_ignore_ascii_case("stack backtrace:");
        is_stack &= !["thread '", "Error:"]
            .iter()
            .any(|begin| line.starts_with(begin));
        let Some(failure) = failures.last_mut() else {
            continue;
        };
        if !is_stack && !line.trim().is_empty() {
            failure.lines.push(line.chars().take(CHARACTERS).collect());
        }
    }
    for Failure { lines, .. } in &mut failures {
        let middle = FIRST..lines.len().saturating_sub(LAST);
        if !middle.is_empty() {
            lines.splice(middle, ["…".to_owned()]);
        }
    }
    failures
}

/// The test whose report a line such as `---- folder::name stdout ----` begins.
fn test_of(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "test a::one ... FAILED <1.000s>

failures:

---- a::one stdout ----

thread 'a::one' (7) panicked at tests/a.rs:3:9:
assertion `left == right` failed
stack backtrace:
   0: somewhere
Error: and another

---- a::two stdout ----
Error: no row

Stack backtrace:
   0: elsewhere


failures:
    a::one
    a::two

test result: FAILED. 0 passed; 2 failed
";

    const OUTPUT_OF_THE_NEXT: &str = "test b::one ... ok <0.100s>
test b::two ... ok <0.200s>
";

    #[test]
    fn each_report_is_found_without_its_stack() {
        let mut section = Section::default();
        let mut taken: Vec<&str> = OUTPUT.lines().filter(|line| section.takes(line)).collect();
        taken.extend(OUTPUT_OF_THE_NEXT.lines());
        let taken = taken.join("\n");
        let [one, two] = &reports(&taken)[..] else {
            panic!("{taken}");
        };
        assert_eq!(one.test, "a::one");
        assert_eq!(one.lines[1], "assertion `left == right` failed");
        assert_eq!(one.lines[2], "Error: and another");
        assert_eq!(one.lines.len(), 3);
        assert_eq!(two.test, "a::two");
        assert_eq!(two.lines, ["Error: no row"]);
    }

    #[test]
    fn a_long_report_is_cut() {
        let long = "x".repeat(1_000);
        let lines: String = (0..100)
            .map(|number| format!("{number} {long}\n"))
            .collect();
        let lines = format!("---- a::one stdout ----\n{lines}");
        let printed = &reports(&lines)[0].lines;
        assert!(printed.iter().all(|line| line.len() <= CHARACTERS));
        let numbers: Vec<&str> = printed
            .iter()
            .filter_map(|line| line.split(' ').next())
            .collect();
        let expected = "0 1 2 3 4 5 6 7 … 92 93 94 95 96 97 98 99";
        assert_eq!(numbers.join(" "), expected);
    }
}
