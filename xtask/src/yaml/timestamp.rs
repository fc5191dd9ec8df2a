/// What go-yaml takes for a point in time, as RFC 3339 prints it: `2020-1-2`, and that with a time
/// behind `T`, `t` or a blank, fractions of seconds and a zone.
pub fn timestamp(text: &str) -> Option<String> {
    if text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some((&text[at + 1..], text.as_bytes()[at] != b' '))),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = parts.next().filter(|year| year.len() == 4).and_then(|year| number(year, 4, 9999))?;
    let month = number(parts.next()?, 2, 12).filter(|month| *month > 0)?;
    let day = number(parts.next()?, 2, days(year, month)).filter(|day| *day > 0)?;
    if parts.next().is_some() {
        return None;
    }
    let (clock, zone) = match time {
        None => ("00:00:00".to_string(), "Z".to_string()),
        Some((time, zoned)) => clock(time, zoned)?,
    };
    Some(format!("{year:04}-{month:02}-{day:02}T{clock}{zone}"))
}

fn clock(time: &str, zoned: bool) -> Option<(String, String)> {
    let (time, zone) = match time.find(['Z', '+', '-']) {
        Some(at) if zoned => (&time[..at], zone(&time[at..])?),
        None if !zoned => (time, "Z".to_string()),
        _ => return None,
    };
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let pointless = time.ends_with('.') || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit());
    let mut parts = whole.split(':');
    let (hour, minute, second) = (number(parts.next()?, 2, 23)?, number(parts.next()?, 2, 59)?, number(parts.next()?, 2, 59)?);
    if parts.next().is_some() || pointless {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some((format!("{hour:02}:{minute:02}:{second:02}{point}{fraction}"), zone))
}

fn zone(text: &str) -> Option<String> {
    if text == "Z" {
        return Some("Z".into());
    }
    let (hours, minutes) = text[1..].split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    number(hours, 2, 24)?;
    number(minutes, 2, 60)?;
    Some(if hours == "00" && minutes == "00" { "Z".into() } else { text.to_string() })
}

fn number(text: &str, digits: usize, most: u32) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number <= most)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn points_in_time_are_those_of_go_yaml() {
        for (text, printed) in [
            ("2020-01-01", "2020-01-01T00:00:00Z"),
            ("2020-1-2", "2020-01-02T00:00:00Z"),
            ("2020-01-01 10:00:00", "2020-01-01T10:00:00Z"),
            ("2020-1-1T1:2:3.5+02:00", "2020-01-01T01:02:03.5+02:00"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43.1-05:00"),
        ] {
            assert_eq!(timestamp(text).as_deref(), Some(printed), "{text}");
        }
        for text in ["2020-13-01", "2020-02-30", "2020-01", "2020-01-01T10:00", "20200101", "2020-01-01 10:00:00Z", "2020-01-01x"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
