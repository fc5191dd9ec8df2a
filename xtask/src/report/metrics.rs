//! Figures beside their targets.

use super::{Look, Style};
use crate::tasks::metrics::{Figure, Metrics, Target, Unit};

/// More than these are only counted.
const PARTS: usize = 8;

pub fn text(metrics: &Metrics, look: Look) -> String {
    metrics.figures.iter().map(|figure| one(figure, look)).collect()
}

fn one(figure: &Figure, look: Look) -> String {
    let (style, word) = match (figure.value, figure.met) {
        (None, _) => (Style::Warn, "Not measured"),
        (_, Some(true)) => (Style::Good, "Met"),
        (_, Some(false)) => (Style::Bad, "Missed"),
        (_, None) => (Style::Info, "Measured"),
    };
    let target = figure.target.map_or_else(String::new, |target| format!(" (target: {})", bound(target, figure.unit)));
    let value = figure.value.map(|value| shown(value, figure.unit)).or_else(|| figure.not_measured.clone()).unwrap_or_default();
    let mut lines = vec![format!("{}: {value}{target}", figure.title)];
    if !look.quiet {
        lines.extend(figure.value.map(|_| figure.how.clone()));
        for part in figure.parts.iter().take(PARTS) {
            let note = part.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
            lines.push(format!("- {}: {}{note}", part.of, shown(part.value, figure.unit)));
        }
        if figure.parts.len() > PARTS {
            lines.push(format!("- and {} more", figure.parts.len() - PARTS));
        }
    }
    lines.extend(figure.without.iter().take(PARTS).map(|without| format!("- without {without}")));
    if figure.without.len() > PARTS {
        lines.push(format!("- without {} more", figure.without.len() - PARTS));
    }
    look.line(style, word, &lines.join("\n"))
}

fn bound(target: Target, unit: Unit) -> String {
    match target {
        Target::AtMost(bound) => format!("at most {}", shown(bound, unit)),
        Target::Below(bound) => format!("below {}", shown(bound, unit)),
        Target::AtLeast(bound) => format!("at least {}", shown(bound, unit)),
    }
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => value.to_string(),
        Unit::Percent => format!("{value} %"),
        Unit::Bytes => bytes(value),
        Unit::BytesPerMonth => format!("{} in 30 days", bytes(value)),
        Unit::PerDay => format!("{value} a day"),
        Unit::Millis => format!("{value} ms"),
    }
}

/// In powers of 1000, as engines count: `1.5 GB`.
fn bytes(value: f64) -> String {
    let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    match units.into_iter().find(|(_, size)| value.abs() >= *size) {
        Some((unit, size)) => format!("{} {unit}", (value / size * 10.0).round() / 10.0),
        None => format!("{value} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_units() {
        assert_eq!(shown(0.0, Unit::Count), "0");
        assert_eq!(shown(33.3, Unit::Percent), "33.3 %");
        assert_eq!([bytes(1_540_000_000.0), bytes(-2_000.0), bytes(999.0)], ["1.5 GB", "-2 kB", "999 B"]);
        assert_eq!(bound(Target::Below(1e9), Unit::BytesPerMonth), "below 1 GB in 30 days");
    }

    #[test]
    fn a_figure_without_a_value_shows_none() {
        let figure = Figure {
            name: "a",
            title: "images",
            value: None,
            unit: Unit::Bytes,
            how: "summed".into(),
            target: None,
            met: None,
            not_measured: Some("no engine answers".into()),
            without: Vec::new(),
            parts: Vec::new(),
        };
        let look = Look { colour: false, live: false, quiet: false, verbose: false };
        assert_eq!(one(&figure, look), "Not measured images: no engine answers\n");
    }
}
