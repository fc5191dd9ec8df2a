//! What runs against files and release: a line for a stack as it should be, one for each service that is not.

use serde_json::{Value, json};

use crate::release::Drift;
use crate::report::{Look, Style, harmless};
use crate::tasks::backup::Seen;
use crate::tasks::deploy::{StackStatus, Status};
use crate::text::age;

pub fn json(status: &Status) -> Value {
    let mut answer = json!(status);
    answer["drift"] = json!(status.drifts());
    answer
}

pub fn text(status: &Status, look: Look) -> String {
    let mut text = String::new();
    if let Some(run) = &status.open_run {
        let line = format!("the run {run}: it is at work, or was interrupted and `cargo xtask recover` settles it");
        text.push_str(&look.line(Style::Warn, "Open", &line));
    }
    if let Some(why) = &status.no_engine {
        text.push_str(&look.line(Style::Warn, "Not looked", &format!("at what runs: {}", harmless(why))));
    }
    text.extend(status.stacks.iter().map(|stack| of_stack(stack, status.no_engine.is_some(), look) + &backup(stack, look)));
    if let Some(why) = &status.no_backups {
        text.push_str(&look.line(Style::Warn, "Not looked", &format!("at backups: {}", harmless(why))));
    }
    text
}

/// Nothing of a stack that never ran here and has none.
fn backup(stack: &StackStatus, look: Look) -> String {
    let Some(standing) = &stack.backup else { return String::new() };
    let ago = |seen: &Seen| format!("{} ago ({})", age(seen.age_secs * 1000), seen.name);
    let (style, said) = match (&standing.newest, &standing.verified) {
        (None, _) if stack.services.is_empty() => return String::new(),
        (None, _) => (Style::Warn, "no backup".to_string()),
        (Some(newest), None) => (Style::Warn, format!("last backup {}, not verified", ago(newest))),
        (Some(newest), Some(verified)) if newest == verified => (Style::Info, format!("last verified backup {}", ago(verified))),
        (Some(newest), Some(verified)) => {
            (Style::Info, format!("last verified backup {}; that of {} is not verified", ago(verified), ago(newest)))
        }
    };
    look.line(style, "Backup", &format!("{}: {said}", harmless(&stack.stack)))
}

fn of_stack(stack: &StackStatus, no_engine: bool, look: Look) -> String {
    let name = harmless(&stack.stack);
    let release = match (&stack.release, &stack.tag) {
        (Some(id), Some(tag)) => format!("{id} ({})", harmless(tag)),
        (Some(id), None) => id.clone(),
        (None, _) => "no release".to_string(),
    };
    let mut text = String::new();
    for (service, drift) in stack.services.iter().filter(|(_, drift)| !drift.is_empty()) {
        let said: Vec<String> = drift.iter().map(|one| words(*one, &release)).collect();
        text.push_str(&look.line(Style::Bad, "Drift", &format!("{name}: {} {}", harmless(service), said.join("; "))));
    }
    for container in &stack.unknown {
        let line = format!("{name}: the container {} is of its project, and of no stack here", harmless(container));
        text.push_str(&look.line(Style::Bad, "Drift", &line));
    }
    for why in &stack.not_compared {
        text.push_str(&look.line(Style::Warn, "Not compared", &format!("{name}: {}", harmless(why))));
    }
    if !text.is_empty() {
        return text;
    }
    match (&stack.release, stack.services.is_empty()) {
        (None, true) => look.line(Style::Dim, "Not running", &name),
        (None, false) => {
            look.line(Style::Good, "As its files", &format!("{name}: {} services, no release is recorded", stack.services.len()))
        }
        (Some(_), _) if no_engine => look.line(Style::Good, "Same files", &format!("{name}: as for {release}")),
        (Some(_), _) => {
            let since = stack.deployed.as_deref().unwrap_or_default();
            look.line(Style::Good, "In step", &format!("{name}: files, {release} of {since} and {} containers", stack.running))
        }
    }
}

fn words(drift: Drift, release: &str) -> String {
    match drift {
        Drift::Missing => "has no container".into(),
        Drift::Stopped => "does not run".into(),
        Drift::Unknown => "is in neither the files nor the release".into(),
        Drift::ImageByHand => format!("runs another image than {release}: changed by hand"),
        Drift::ConfigurationByHand => format!("has another configuration than {release}: changed by hand"),
        Drift::Image => "runs another image than its files name now".into(),
        Drift::Configuration => "has another configuration than its files say now".into(),
        Drift::Files => format!("reads a file that is another one than for {release}"),
        Drift::ComposeVersion => "was made by another version of Compose, so its configuration is not compared".into(),
        Drift::Number => "has another number of containers than its files say".into(),
        Drift::Dropped => "is not in the files any more".into(),
        Drift::New => "is in the files and was not deployed yet".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::backup::Standing;

    fn seen(name: &str, hours: u64) -> Option<Seen> {
        Some(Seen { name: name.to_string(), at: String::new(), age_secs: hours * 3600 })
    }

    #[test]
    fn the_last_verified_backup_is_what_counts() {
        let said = |backup: Standing, runs: bool| {
            let services = if runs { [("web".to_string(), Default::default())].into() } else { Default::default() };
            let stack = StackStatus { stack: "shop".into(), services, backup: Some(backup), ..StackStatus::default() };
            super::backup(&stack, Look::detect(true, false, false))
        };
        let none = || Standing::default();
        assert_eq!(said(none(), false), "");
        assert!(said(none(), true).contains("shop: no backup"));
        assert!(
            said(Standing { newest: seen("b2", 3), verified: seen("b2", 3) }, true).contains("shop: last verified backup 3 h ago (b2)")
        );
        assert!(said(Standing { newest: seen("b2", 3), verified: None }, true).contains("last backup 3 h ago (b2), not verified"));
        let both = said(Standing { newest: seen("b2", 3), verified: seen("b1", 30) }, true);
        assert!(both.contains("verified backup 30 h ago (b1); that of 3 h ago (b2) is not verified"), "{both}");
    }
}
