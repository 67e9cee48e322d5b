//! How does a caller write a time? As RFC 3339, section 5.6, says and as answers have it.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::upstream::Argument;

/// The text is not a time of RFC 3339 between the years 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time")]
pub struct NotATime;

/// A point in time; digits beyond the nanosecond are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(SystemTime);

impl Timestamp {
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        parse(text).map(Self).ok_or(NotATime)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = NotATime;

    fn try_from(text: String) -> Result<Self, NotATime> {
        Self::parse(&text)
    }
}

impl From<Option<Timestamp>> for Argument {
    fn from(timestamp: Option<Timestamp>) -> Self {
        Self::Timestamp(timestamp.map(|timestamp| timestamp.0))
    }
}

const DAY_S: i64 = 86_400;

fn parse(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let (time, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
    let (nanoseconds, zone) = fraction(rest)?;
    let days = days_since_1970(fields(date, '-')?)?;
    let [hour, minute, second] = fields(time, ':')?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let local = days * DAY_S + hour * 3600 + minute * 60 + second;
    let seconds = u64::try_from(local - offset_s(zone)?).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

/// Three numbers with this between them, of two digits each; a year has four.
fn fields(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut fields = text.split(separator);
    let first = digits(fields.next()?)?;
    let [second, third] = [two_digits(fields.next()?)?, two_digits(fields.next()?)?];
    fields.next().is_none().then_some([first, second, third])
}

fn digits(text: &str) -> Option<i64> {
    let are_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok()).flatten()
}

fn two_digits(text: &str) -> Option<i64> {
    (text.len() == 2).then(|| digits(text)).flatten()
}

/// Nanoseconds, and what stands behind them.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(text) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let nanoseconds = digits
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    Some((nanoseconds, rest))
}

/// By how many seconds a zone's clocks are ahead.
fn offset_s(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, time) = zone.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = time.split_once(':')?;
    let [hours, minutes] = [two_digits(hours)?, two_digits(minutes)?];
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_since_1970([year, month, day]: [i64; 3]) -> Option<i64> {
    let days_before_year = |year: i64| {
        let past = year - 1;
        past * 365 + past / 4 - past / 100 + past / 400
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let past_months = usize::try_from(month).ok()?.checked_sub(1)?;
    let length = *months.get(past_months)?;
    if year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    let days_before_month: i64 = months[..past_months].iter().sum();
    Some(days_before_year(year) - days_before_year(1970) + days_before_month + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanoseconds(text: &str) -> Option<u128> {
        let since = parse(text)?.duration_since(SystemTime::UNIX_EPOCH);
        Some(since.expect("not before 1970").as_nanos())
    }

    #[test]
    fn a_time_is_read_as_it_is_written_in_answers_and_by_javascript() {
        const AT: u128 = 1_795_362_480_000_000_000;
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T15:48:00+00:00", AT),
            ("2026-11-22T15:48:00.000Z", AT),
            ("2026-11-22T21:18:00+05:30", AT),
            ("2026-11-22T10:48:00-05:00", AT),
            ("2026-11-22T15:48:00.123456+00:00", AT + 123_456_000),
            ("2026-11-22T15:48:00.1234567899Z", AT + 123_456_789),
            ("2000-02-29T23:59:59Z", 951_868_799_000_000_000),
            ("2000-03-01T00:00:00Z", 951_868_800_000_000_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000_000_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000_000_000),
        ] {
            assert_eq!(nanoseconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "infinity",
            "1795362480",
            "2026-11-22",
            "2026-11-22T15:48:00",
            "2026-11-22 15:48:00Z",
            "2026-11-22T15:48Z",
            "2026-11-22T15:48:00.Z",
            "2026-11-22T15:48:00.5",
            "2026-11-22T15:48:00+0000",
            "2026-11-22T15:48:00+00:00:00",
            "2026-11-22T15:48:00 00:00",
            "2026-11-22T15:48:00+24:00",
            "2026-11-22T15:48:00+00:60",
            "2026-11-22T24:00:00Z",
            "2026-11-22T15:60:00Z",
            "2026-11-22T15:48:60Z",
            "2026-00-22T15:48:00Z",
            "2026-13-22T15:48:00Z",
            "2026-11-00T15:48:00Z",
            "2026-11-31T15:48:00Z",
            "2026-02-29T15:48:00Z",
            "2100-02-29T15:48:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "+026-11-22T15:48:00Z",
            "202611-1-22T15:48:00Z",
            "2026-11-22T15:48:0\u{0}Z",
            "2026-11-2\u{e9}T15:48:00Z",
            "2026-11-22T15:48:00\u{e9}",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
