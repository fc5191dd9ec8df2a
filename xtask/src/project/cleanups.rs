//! What `xtask.yaml` says of what a cleanup leaves alone.

use schemars::JsonSchema;
use serde::Deserialize;

/// What phase 3 keeps although nobody uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct CleanupSettings {
    /// So many of the newest tags of each repository.
    pub keep_tags: usize,
    /// Whatever is younger: `12h` or `7d`; `0h` keeps nothing for its age.
    #[schemars(with = "String", regex(pattern = r"^[0-9]{1,4}[hd]$"))]
    pub younger_than: Age,
}

impl Default for CleanupSettings {
    /// What was made today somebody may be at work with.
    fn default() -> Self {
        CleanupSettings { keep_tags: 3, younger_than: Age { hours: 24 } }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Age {
    pub hours: u64,
}

impl TryFrom<String> for Age {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (number, hours) = match (text.strip_suffix('h'), text.strip_suffix('d')) {
            (Some(number), _) => (number, 1),
            (_, Some(number)) => (number, 24),
            _ => ("", 0),
        };
        let number = Some(number).filter(|number| number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.and_then(|number| number.parse::<u64>().ok());
        number.map(|number| Age { hours: number * hours }).ok_or("younger-than is an age such as `12h` or `7d`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_in_hours_or_days() {
        let read = |text: &str| Age::try_from(text.to_string()).ok().map(|age| age.hours);
        assert_eq!([read("0h"), read("12h"), read("7d")], [Some(0), Some(12), Some(168)]);
        assert!(["", "h", "7", "7w", "-1d", "+1d", "99999d", "1 d"].into_iter().all(|wrong| read(wrong).is_none()));
    }
}
