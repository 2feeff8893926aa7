//! Points in time: PostgreSQL's `timestamptz` in memory, RFC 3339 on paper.

use std::fmt;
use std::str::FromStr;

use crate::canonical::{Sink, decimal_pair};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Days from 0000-03-01, where the calendar arithmetic below counts from, to 2000-01-01.
const POSTGRES_EPOCH_DAYS: i64 = 730_425;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z in microseconds since 2000-01-01.
const MIN_MICROS: i64 = -63_082_281_600 * MICROS_PER_SECOND;
const MAX_MICROS: i64 = 252_455_615_999_999_999;

/// A point in time in microseconds, in the years 0001–9999 that RFC 3339 can write.
///
/// Its one text form is UTC with `Z`, a fraction only where there is one, trailing zeros trimmed:
/// `2026-01-02T03:04:05.12Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a point in time is not a [`Timestamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// `infinity` or `-infinity`.
    #[error("timestamp is infinite")]
    Infinite,
    /// Outside the years that RFC 3339 can write.
    #[error("timestamp is outside the years 0001 to 9999")]
    OutOfRange,
    /// Not RFC 3339.
    #[error("not an RFC 3339 timestamp such as 2026-01-02T03:04:05.12Z")]
    Malformed,
    /// More digits than a microsecond has.
    #[error("timestamp is finer than a microsecond")]
    TooFine,
}

impl Timestamp {
    /// From PostgreSQL's representation: microseconds since 2000-01-01T00:00:00Z, where the
    /// extreme values of `i64` mean infinity.
    pub const fn from_postgres_micros(micros: i64) -> Result<Self, TimestampError> {
        match micros {
            i64::MIN | i64::MAX => Err(TimestampError::Infinite),
            MIN_MICROS..=MAX_MICROS => Ok(Self(micros)),
            _ => Err(TimestampError::OutOfRange),
        }
    }

    /// Microseconds since 2000-01-01T00:00:00Z.
    pub fn postgres_micros(self) -> i64 {
        self.0
    }

    /// Writes the text form, 20 to 27 bytes of ASCII.
    pub(crate) fn write(self, sink: &mut impl Sink) {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let fraction = self.0.rem_euclid(MICROS_PER_SECOND);
        let (year, month, day) = date_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);

        // Each of them is below 100, which the ranges of the fields above guarantee.
        let pair = |value: i64| decimal_pair(value as u8);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (at, digits) in [
            (0, pair(year / 100)),
            (2, pair(year % 100)),
            (5, pair(month)),
            (8, pair(day)),
            (11, pair(second_of_day / 3600)),
            (14, pair(second_of_day / 60 % 60)),
            (17, pair(second_of_day % 60)),
            (20, pair(fraction / 10_000)),
            (22, pair(fraction / 100 % 100)),
            (24, pair(fraction % 100)),
        ] {
            text[at..at + 2].copy_from_slice(&digits);
        }
        let mut end = 26;
        while text[end - 1] == b'0' && end > 20 {
            end -= 1;
        }
        if end == 20 {
            end = 19;
        }
        text[end] = b'Z';
        sink.write(&text[..=end]);
    }
}

/// Year, month and day of a day counted from 2000-01-01 (proleptic Gregorian calendar).
///
/// The usual era arithmetic: a year that starts in March has its leap day last, and 400 years are
/// a whole cycle of 146,097 days.
fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + POSTGRES_EPOCH_DAYS;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`date_from_days`], for a valid date.
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - POSTGRES_EPOCH_DAYS
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(27);
        self.write(&mut text);
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339 with any offset; lower-case `t` and `z` and a space for `T` are allowed there
    /// too. Leap seconds, which PostgreSQL cannot store, are refused, and so is any digit beyond
    /// the microsecond that is not zero: rounding would store another instant than was given.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut reader = Reader(text.as_bytes());
        let year = reader.number(4)?;
        reader.expect(b"-")?;
        let month = reader.number(2)?;
        reader.expect(b"-")?;
        let day = reader.number(2)?;
        reader.expect(b"Tt ")?;
        let hour = reader.number(2)?;
        reader.expect(b":")?;
        let minute = reader.number(2)?;
        reader.expect(b":")?;
        let second = reader.number(2)?;
        let fraction = reader.fraction()?;
        let offset_minutes = reader.offset_minutes()?;

        let days = days_from_date(year, month, day);
        let date_exists = (1..=12).contains(&month) && date_from_days(days) == (year, month, day);
        if !reader.0.is_empty() || !date_exists || hour > 23 || minute > 59 || second > 59 {
            return Err(TimestampError::Malformed);
        }
        let seconds = days * SECONDS_PER_DAY + hour * 3600 + (minute - offset_minutes) * 60 + second;
        Self::from_postgres_micros(seconds * MICROS_PER_SECOND + fraction)
    }
}

/// The rest of an RFC 3339 text; every step takes its part off the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn expect(&mut self, allowed: &[u8]) -> Result<u8, TimestampError> {
        let (&first, rest) = self.0.split_first().ok_or(TimestampError::Malformed)?;
        if !allowed.contains(&first) {
            return Err(TimestampError::Malformed);
        }
        self.0 = rest;
        Ok(first)
    }

    fn number(&mut self, digits: usize) -> Result<i64, TimestampError> {
        let mut value = 0;
        for _ in 0..digits {
            value = value * 10 + i64::from(self.expect(b"0123456789")? - b'0');
        }
        Ok(value)
    }

    /// The microseconds of an optional fraction.
    fn fraction(&mut self) -> Result<i64, TimestampError> {
        if self.0.first() != Some(&b'.') {
            return Ok(0);
        }
        self.0 = &self.0[1..];
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        if digits.is_empty() {
            return Err(TimestampError::Malformed);
        }
        if digits.iter().skip(6).any(|digit| *digit != b'0') {
            return Err(TimestampError::TooFine);
        }
        let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(6);
        Ok(padded.fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
    }

    fn offset_minutes(&mut self) -> Result<i64, TimestampError> {
        let sign = match self.expect(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Ok(0),
        };
        let hours = self.number(2)?;
        self.expect(b":")?;
        let minutes = self.number(2)?;
        if hours > 23 || minutes > 59 {
            return Err(TimestampError::Malformed);
        }
        Ok(sign * (hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_the_shortest_fraction() {
        for (micros, text) in [
            (0, "2000-01-01T00:00:00Z"),
            (-1, "1999-12-31T23:59:59.999999Z"),
            (120_000, "2000-01-01T00:00:00.12Z"),
            (1, "2000-01-01T00:00:00.000001Z"),
            (10_000_000, "2000-01-01T00:00:10Z"),
            (5_097_600_000_000, "2000-02-29T00:00:00Z"),
            (MIN_MICROS, "0001-01-01T00:00:00Z"),
            (MAX_MICROS, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(micros)));
        }
    }

    #[test]
    fn refuses_what_cannot_be_written() {
        for (micros, error) in [
            (i64::MAX, TimestampError::Infinite),
            (i64::MIN, TimestampError::Infinite),
            (MIN_MICROS - 1, TimestampError::OutOfRange),
            (MAX_MICROS + 1, TimestampError::OutOfRange),
        ] {
            assert_eq!(Timestamp::from_postgres_micros(micros), Err(error));
        }
    }

    #[test]
    fn reads_offsets_and_refuses_the_malformed() {
        let noon: Timestamp = "2026-03-04T12:00:00Z".parse().unwrap();
        for same in ["2026-03-04T13:30:00+01:30", "2026-03-03t23:00:00.000000000-13:00"] {
            assert_eq!(same.parse(), Ok(noon));
        }
        for (text, error) in [
            ("", TimestampError::Malformed),
            ("2026-03-04", TimestampError::Malformed),
            ("2026-03-04T12:00:00", TimestampError::Malformed),
            ("2026-02-30T12:00:00Z", TimestampError::Malformed),
            ("2026-00-10T12:00:00Z", TimestampError::Malformed),
            ("2026-13-10T12:00:00Z", TimestampError::Malformed),
            ("2026-03-04T24:00:00Z", TimestampError::Malformed),
            ("2026-03-04T23:59:60Z", TimestampError::Malformed),
            ("2026-03-04T12:00:00.Z", TimestampError::Malformed),
            ("2026-03-04T12:00:00Z ", TimestampError::Malformed),
            ("2026-03-04T12:00:00+24:00", TimestampError::Malformed),
            ("2026-03-04T12:00:00.0000001Z", TimestampError::TooFine),
            ("0000-12-31T23:59:59Z", TimestampError::OutOfRange),
            ("0001-01-01T00:00:00+00:01", TimestampError::OutOfRange),
            ("9999-12-31T23:59:59-00:01", TimestampError::OutOfRange),
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_keeps_order(a in MIN_MICROS..=MAX_MICROS, b in MIN_MICROS..=MAX_MICROS) {
            let (a, b) = (Timestamp(a), Timestamp(b));
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            // Same length of the part before the fraction, so that text order is time order there.
            prop_assert_eq!(a.to_string()[..19].cmp(&b.to_string()[..19]), (a.0.div_euclid(MICROS_PER_SECOND)).cmp(&b.0.div_euclid(MICROS_PER_SECOND)));
        }
    }
}
