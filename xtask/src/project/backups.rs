//! What `xtask.yaml` says of backups around deploys, and of how long they are kept.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a deploy asks of backups: `off`, `required`, or `fresh 24h`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum BeforeDeploy {
    #[default]
    Off,
    /// One is made and verified first.
    Required,
    /// A verified one is there that is not older, in hours.
    Fresh(u64),
}

impl TryFrom<String> for BeforeDeploy {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hours = |age: &str| {
            let (number, unit) = age.split_at_checked(age.len().checked_sub(1)?)?;
            let number: u64 = number.parse().ok().filter(|number| (1..10_000).contains(number))?;
            match unit {
                "h" => Some(number),
                "d" => Some(number * 24),
                _ => None,
            }
        };
        match text.as_str() {
            "off" => Ok(BeforeDeploy::Off),
            "required" => Ok(BeforeDeploy::Required),
            other => other
                .strip_prefix("fresh ")
                .and_then(|age| hours(age.trim()))
                .map(BeforeDeploy::Fresh)
                .ok_or("before-deploy is off, required, or fresh with an age such as `fresh 24h` or `fresh 7d`"),
        }
    }
}

/// How many backups of each stack are kept: the newest of so many days, weeks and months, and the last ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeepSettings {
    pub last: usize,
    pub daily: usize,
    pub weekly: usize,
    pub monthly: usize,
}

impl KeepSettings {
    /// Whether it says anything.
    pub fn is_nothing(&self) -> bool {
        *self == KeepSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_number_and_a_unit() {
        let read = |text: &str| BeforeDeploy::try_from(text.to_string());
        assert_eq!(read("off"), Ok(BeforeDeploy::Off));
        assert_eq!(read("required"), Ok(BeforeDeploy::Required));
        assert_eq!((read("fresh 24h"), read("fresh 7d")), (Ok(BeforeDeploy::Fresh(24)), Ok(BeforeDeploy::Fresh(168))));
        for wrong in
            ["", "on", "fresh", "fresh ", "fresh 24", "fresh h", "fresh 0h", "fresh -1h", "fresh 2w", "fresh 99999h", "fresh 1\u{e9}"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
