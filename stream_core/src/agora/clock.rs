//! The range of times that can be the present.

use std::ops::Range;

/// 2024-01-01 and 2100-01-01 as Unix seconds: before the first, no release of this product existed;
/// a clock that is far ahead would make tokens that Agora takes for forged.
const POSSIBLE: Range<i64> = 1_704_067_200..4_102_444_800;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the clock is outside of 2024 to 2099")]
pub struct ClockWrong;

/// A time in Unix seconds as tokens hold it, if it can be the present.
pub fn issue_time(unix_s: i64) -> Result<u32, ClockWrong> {
    if !POSSIBLE.contains(&unix_s) {
        return Err(ClockWrong);
    }
    u32::try_from(unix_s).map_err(|_| ClockWrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_years_2024_to_2099_can_be_the_present() {
        for (year, unix_s) in [(2024, 1_704_067_200), (2099, 4_102_444_799)] {
            assert_eq!(issue_time(unix_s).map(i64::from), Ok(unix_s), "{year}");
        }
    }

    #[test]
    fn all_other_times_cannot() {
        for unix_s in [
            i64::MIN,
            -1,
            0,
            1_704_067_199,
            4_102_444_800,
            1 << 32,
            i64::MAX,
        ] {
            assert_eq!(issue_time(unix_s), Err(ClockWrong), "{unix_s}");
        }
    }
}
