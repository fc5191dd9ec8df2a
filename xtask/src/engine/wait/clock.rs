//! The engine's own times, compared with each other and never with ours.

use std::time::Duration;

/// What passed between two of the engine's timestamps; `None` when one cannot be read, or the first
/// is the later one.
pub fn between(earlier: &str, later: &str) -> Option<Duration> {
    let passed = seconds(later)?.checked_sub(seconds(earlier)?)?;
    u64::try_from(passed).ok().map(Duration::from_secs)
}

/// Whole seconds since 1970 of `2026-11-21T22:07:14.123456789Z`, or with `+01:00` at its end.
pub fn seconds(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let time = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.as_bytes().first()? {
        b'Z' => 0,
        sign @ (b'+' | b'-') => {
            let minutes = zone.get(1..3)?.parse::<i64>().ok()? * 60 + zone.get(4..6)?.parse::<i64>().ok()?;
            if *sign == b'+' { minutes * 60 } else { -minutes * 60 }
        }
        _ => return None,
    };
    Some(days(year, month, day) * 86_400 + time - offset)
}

/// Days since 1970 in the Gregorian calendar; the year begins in March, so that a leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, month) = (year.div_euclid(400), (month + 9) % 12);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_engine_prints_them() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2026-11-21T22:07:14.123456789Z"), Some(1_795_298_834));
        assert_eq!(seconds("2026-11-21T23:37:14.5+01:30"), Some(1_795_298_834));
        assert_eq!(seconds("2024-02-29T12:00:00Z"), Some(1_709_208_000));
        assert_eq!(between("2026-11-21T22:07:14Z", "2026-11-21T22:07:29.9Z"), Some(Duration::from_secs(15)));
        assert_eq!(between("2026-11-21T22:07:14Z", "2026-11-21T22:07:13Z"), None);
        assert_eq!(between("", "never"), None);
    }
}
