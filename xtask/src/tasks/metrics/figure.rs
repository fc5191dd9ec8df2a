//! One figure: what was measured, how, and against which target.

use serde::Serialize;

/// A figure is a value, or says why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    pub value: Option<f64>,
    /// Also of the parts.
    pub unit: Unit,
    /// How the value came about, and what it does not say.
    pub how: String,
    pub target: Option<Target>,
    /// Whether the target is met; `None`: there is none, or the value cannot tell.
    pub met: Option<bool>,
    /// Why there is no value.
    pub not_measured: Option<String>,
    /// What the value is without, and why: a stack that cannot be read, a log that is not kept.
    pub without: Vec<String>,
    pub parts: Vec<Part>,
}

/// What a value is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    pub of: String,
    pub value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    #[serde(rename = "count")]
    Count,
    #[serde(rename = "percent")]
    Percent,
    #[serde(rename = "bytes")]
    Bytes,
    #[serde(rename = "bytes per 30 days")]
    BytesPerMonth,
    #[serde(rename = "per day")]
    PerDay,
    #[serde(rename = "milliseconds")]
    Millis,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
}

impl Target {
    pub fn is_met_by(self, value: f64) -> bool {
        match self {
            Target::AtMost(bound) => value <= bound,
            Target::Below(bound) => value < bound,
            Target::AtLeast(bound) => value >= bound,
        }
    }
}

/// What a figure is, before it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    pub name: &'static str,
    pub title: &'static str,
    pub unit: Unit,
    pub target: Option<Target>,
    pub how: &'static str,
}

impl Measure {
    pub fn is(self, value: f64) -> Figure {
        Figure { value: Some(value), met: self.target.map(|target| target.is_met_by(value)), ..self.is_not("") }
    }

    /// There is no value, and this is why.
    pub fn is_not(self, why: &str) -> Figure {
        let Measure { name, title, unit, target, how } = self;
        Figure {
            name,
            title,
            value: None,
            unit,
            how: how.to_string(),
            target,
            met: None,
            not_measured: (!why.is_empty()).then(|| why.to_string()),
            without: Vec::new(),
            parts: Vec::new(),
        }
    }
}

impl Figure {
    pub fn of(self, parts: Vec<Part>) -> Figure {
        Figure { parts, ..self }
    }

    /// A part of the whole that is missing could be what misses the target: it is not met then.
    pub fn without(self, without: Vec<String>) -> Figure {
        let met = self.met.filter(|met| !met || without.is_empty());
        Figure { without, met, ..self }
    }

    /// What is said of this one measurement beyond how it is always made.
    pub fn adding(self, how: &str) -> Figure {
        Figure { how: format!("{}; {how}", self.how), ..self }
    }
}

impl Part {
    pub fn new(of: impl Into<String>, value: f64) -> Part {
        Part { of: of.into(), value, note: None }
    }

    pub fn noting(self, note: impl Into<String>) -> Part {
        Part { note: Some(note.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: Measure = Measure { name: "a", title: "a", unit: Unit::Count, target: Some(Target::AtMost(0.0)), how: "counted" };

    #[test]
    fn a_target_is_not_met_by_what_was_not_looked_at() {
        assert_eq!(ZERO.is(0.0).met, Some(true));
        assert_eq!(ZERO.is(0.0).without(vec!["stack b".into()]).met, None);
        assert_eq!(ZERO.is(1.0).without(vec!["stack b".into()]).met, Some(false));
        assert_eq!(ZERO.is(0.0).without(Vec::new()).met, Some(true));
        let none = ZERO.is_not("no engine");
        assert_eq!((none.value, none.met, none.not_measured.as_deref()), (None, None, Some("no engine")));
    }

    #[test]
    fn bounds_are_bounds() {
        assert!(!Target::Below(1.0).is_met_by(1.0) && Target::AtMost(1.0).is_met_by(1.0) && Target::AtLeast(50.0).is_met_by(50.0));
    }
}
