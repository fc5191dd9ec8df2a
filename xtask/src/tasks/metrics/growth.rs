//! How the data of the stacks has grown since it was measured before.

use std::collections::BTreeMap;

use super::figure::{Figure, Measure, Part, Target, Unit};
use super::record::{Point, Records};
use crate::text::age;

pub const GROWTH: Measure = Measure {
    name: "disk-growth",
    title: "data grown",
    unit: Unit::Bytes,
    target: None,
    how: "bytes in the stacks' volumes now, less those of the measurement before; bind mounts, images and logs are not in it",
};

pub const MONTHLY: Measure = Measure {
    name: "disk-growth-month",
    title: "data grown in 30 days",
    unit: Unit::BytesPerMonth,
    target: Some(Target::Below(1e9)),
    how: "the same since the oldest measurement of the last 31 days, at the same pace for 30 days",
};

const DAY_MS: f64 = 86_400_000.0;

type Volumes = BTreeMap<String, u64>;

/// Both figures; `now` has a point for each stack that was looked at, `why` says why volumes were not measured.
pub fn growth(now: &[(String, Point)], records: &Records, why: &str) -> [Figure; 2] {
    let measured: Vec<&(String, Point)> = now.iter().filter(|(_, point)| point.volumes.is_some()).collect();
    if measured.is_empty() {
        let why = if why.is_empty() { "no stack was looked at" } else { why };
        return [GROWTH.is_not(why), MONTHLY.is_not(why)];
    }
    let last = |stack: &str, point: &Point| records.last(stack, &point.engine).filter(|last| last.volumes.is_some()).cloned();
    let month = |stack: &str, point: &Point| records.of_month(stack, &point.engine, point.at_ms).cloned();
    [since_last(&measured, &last), in_a_month(&measured, &month)]
}

fn since_last(now: &[&(String, Point)], before: &dyn Fn(&str, &Point) -> Option<Point>) -> Figure {
    let (grown, since, without) = compared(now, before);
    let bytes: u64 = merged(now.iter().filter_map(|(_, point)| point.volumes.as_ref())).values().sum();
    let Some(since) = since else {
        return GROWTH.is_not(&format!("this is the first measurement: {bytes} bytes in volumes, to start from"));
    };
    let parts = grown.iter().filter(|(_, bytes)| **bytes != 0).map(|(volume, bytes)| Part::new(volume.as_str(), *bytes as f64));
    let how = format!("{bytes} bytes now, measured before {} ago", age(since));
    GROWTH.is(grown.values().sum::<i64>() as f64).of(parts.collect()).without(without).adding(&how)
}

fn in_a_month(now: &[&(String, Point)], before: &dyn Fn(&str, &Point) -> Option<Point>) -> Figure {
    let (grown, since, without) = compared(now, before);
    let Some(since) = since else { return MONTHLY.is_not("there is no measurement that is a day old or older") };
    let monthly = grown.values().sum::<i64>() as f64 / (since as f64 / DAY_MS) * 30.0;
    MONTHLY.is(monthly.round()).without(without).adding(&format!("that was {} ago", age(since)))
}

/// By volume how much it has grown; for how long at least, in milliseconds; and the stacks without a point before.
fn compared(now: &[&(String, Point)], before: &dyn Fn(&str, &Point) -> Option<Point>) -> (BTreeMap<String, i64>, Option<u64>, Vec<String>) {
    let (mut here, mut there, mut since, mut without) = (Vec::new(), Vec::new(), None::<u64>, Vec::new());
    for (stack, point) in now {
        match before(stack, point) {
            None => without.push(format!("stack {stack}: it was not measured before")),
            Some(earlier) => {
                let passed = point.at_ms.saturating_sub(earlier.at_ms).max(1);
                since = Some(since.map_or(passed, |since| since.min(passed)));
                here.extend(point.volumes.clone());
                there.extend(earlier.volumes);
            }
        }
    }
    let (here, there) = (merged(here.iter()), merged(there.iter()));
    let names = here.keys().chain(there.keys());
    let of = |volumes: &Volumes, name: &String| volumes.get(name).map_or(0, |bytes| i64::try_from(*bytes).unwrap_or(i64::MAX));
    (names.map(|name| (name.clone(), of(&here, name) - of(&there, name))).collect(), since, without)
}

/// A volume of two stacks counts once.
fn merged<'v>(all: impl Iterator<Item = &'v Volumes>) -> Volumes {
    all.flatten().map(|(name, bytes)| (name.clone(), *bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    fn point(at_ms: u64, volumes: &[(&str, u64)]) -> Point {
        let volumes = volumes.iter().map(|(name, bytes)| ((*name).to_string(), *bytes)).collect();
        Point { at_ms, engine: "e".into(), logs_until: 0, volumes: Some(volumes) }
    }

    #[test]
    fn growth_is_over_new_grown_and_gone_volumes_each_once() {
        let mut records = Records::default();
        records.add("a", point(0, &[("shared", 100), ("gone", 30)]));
        records.add("b", point(0, &[("shared", 100)]));
        let now = [
            ("a".to_string(), point(10 * DAY, &[("shared", 150), ("new", 80)])),
            ("b".to_string(), point(10 * DAY, &[("shared", 150)])),
            ("c".to_string(), point(10 * DAY, &[("other", 7)])),
        ];
        let [last, month] = growth(&now, &records, "");
        assert_eq!(last.value, Some(100.0));
        assert_eq!(last.parts, [Part::new("gone", -30.0), Part::new("new", 80.0), Part::new("shared", 50.0)]);
        assert_eq!(last.without, ["stack c: it was not measured before"]);
        assert_eq!((month.value, month.met), (Some(300.0), None), "a stack is missing");
        let [_, whole] = growth(&now[..2], &records, "");
        assert_eq!(whole.met, Some(true));
    }

    #[test]
    fn the_first_time_there_is_no_growth() {
        let now = [("a".to_string(), point(DAY, &[("data", 100)]))];
        let [last, month] = growth(&now, &Records::default(), "");
        assert_eq!((last.value, month.value), (None, None));
        assert!(last.not_measured.unwrap().contains("100 bytes"));
        let [last, _] = growth(&[], &Records::default(), "no engine");
        assert_eq!(last.not_measured.as_deref(), Some("no engine"));
    }

    #[test]
    fn hours_are_not_blown_up_to_a_month() {
        let mut records = Records::default();
        records.add("a", point(0, &[("data", 100)]));
        let [last, month] = growth(&[("a".to_string(), point(DAY / 24, &[("data", 90)]))], &records, "");
        assert_eq!((last.value, month.value), (Some(-10.0), None));
        assert!(month.not_measured.is_some());
    }
}
