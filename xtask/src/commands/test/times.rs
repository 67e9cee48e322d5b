//! How long each test took, which libtest says to whoever asks.

/// How many are printed.
const SLOWEST: usize = 20;

/// The slowest tests of the lines that libtest wrote, the slowest first.
pub fn slowest(lines: &str) -> Vec<(f64, &str)> {
    let mut times: Vec<(f64, &str)> = lines.lines().filter_map(time_in).collect();
    times.sort_by(|one, other| other.0.total_cmp(&one.0));
    times.truncate(SLOWEST);
    times
}

/// The seconds and the name in a line such as `test folder::name ... ok <1.234s>`.
pub fn time_in(line: &str) -> Option<(f64, &str)> {
    let (name, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let (_, time) = outcome.rsplit_once('<')?;
    let seconds = time.trim_end().strip_suffix("s>")?.parse().ok()?;
    Some((seconds, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowest_come_first_and_other_lines_count_for_nothing() {
        let quick: String = (0..30)
            .map(|number| format!("test quick::{number} ... ok <0.{number:03}s>\n"))
            .collect();
        let lines = format!(
            "running 33 tests\ntest a::slow ... ok <12.5s>\ntest b::red ... FAILED <80.25s>\ntest c::left_out ... ignored\n{quick}"
        );
        let slowest = slowest(&lines);
        assert_eq!(slowest.len(), SLOWEST);
        assert_eq!(
            slowest[..3],
            [(80.25, "b::red"), (12.5, "a::slow"), (0.029, "quick::29")]
        );
    }
}
