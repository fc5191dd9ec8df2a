//! What can be said without starting anything: secrets, variables, what others must have made.

use serde_json::Value;

use super::super::guards::{blocking, moving_tags};
use super::Told;
use super::subject::Subject;
use crate::audit::Audit;
use crate::error::Result;
use crate::guards::Checked;
use crate::guards::deploy::{
    external_things_exist, findings_are_accepted, secret_files, secret_files_are_ready, tag_is_set, tag_use, variables_are_set,
};
use crate::policy::Policy;
use crate::project::Role;
use crate::proof::Seen;
use crate::release::image_of;
use crate::source::Disk;

pub fn secrets(subject: &Subject<'_>, audit: &Audit) -> Result<Told> {
    let policy = Policy::load(&subject.cx.project.root, Role::Prod, &Disk)?;
    let files = secret_files(&subject.json);
    let mut seen = Seen::default();
    let ready = refused(secret_files_are_ready(&files), &mut seen);
    let others = of_elsewhere(subject);
    let elsewhere =
        (!others.is_empty()).then(|| "give each secret a `file:` that holds it, or set the variable of its `environment:`".to_string());
    seen.wrong.extend(others);
    let findings = refused(findings_are_accepted(&blocking(subject.cx, audit, &policy), &[], &[]), &mut seen);
    // Each way out of prod-up is there: an acceptance with a reason is no state of the stack.
    let findings = findings.map(|_| "`cargo xtask audit STACK` says how to fix the findings".to_string());
    seen.not_tried.extend(audit.gaps.iter().map(|gap| format!("not everything could be judged: {}", gap.error)));
    if ready.is_none() && !files.is_empty() {
        seen.good.push("every secret file is ready".to_string());
    }
    if findings.is_none() {
        seen.good.push("no finding blocks".to_string());
    }
    Ok(Told::new(seen, joined([ready, elsewhere, findings])))
}

/// Secrets that are no files: of variables, which must have values, and of a swarm, which there is not.
fn of_elsewhere(subject: &Subject<'_>) -> Vec<String> {
    let secrets = subject.json.get("secrets").and_then(Value::as_object).into_iter().flatten();
    let wrong = secrets.filter_map(|(name, secret)| match secret.get("environment").and_then(Value::as_str) {
        Some(variable) if subject.model.lookup(variable).is_none_or(str::is_empty) => {
            Some(format!("secret {name}: the variable {variable} is not set or empty"))
        }
        None if secret.get("external") == Some(&Value::Bool(true)) => {
            Some(format!("secret {name} is external: only a swarm has such secrets"))
        }
        _ => None,
    });
    wrong.collect()
}

pub fn variables(subject: &Subject<'_>) -> Result<Told> {
    let moving = moving_tags(subject.cx)?;
    let images: Vec<(String, String)> =
        subject.services().map(|(name, service)| (name.to_string(), image_of(&subject.json, name, service))).collect();
    let mut seen = Seen::default();
    let tag = refused(tag_is_set(&tag_use(&subject.model, &subject.settings.tag), &images, &moving), &mut seen);
    let variables = refused(variables_are_set(&subject.model), &mut seen);
    match subject.looked.as_ref().map(|looked| looked.rendered.as_ref().err()) {
        Ok(Some(why)) if seen.wrong.is_empty() => seen.wrong.push(format!("Compose does not render the stack: {why}")),
        _ if seen.wrong.is_empty() => seen.good.push("every variable has a value, every env file is there".to_string()),
        _ => {}
    }
    Ok(Told::new(seen, joined([tag, variables, None])))
}

pub fn external(subject: &Subject<'_>) -> Result<Told> {
    let mut seen = Seen::default();
    let help = match &subject.engine {
        Ok((engine, _)) => refused(external_things_exist(engine.as_ref(), &subject.json)?, &mut seen),
        Err(why) => {
            seen.not_tried.push(why.clone());
            None
        }
    };
    if seen == Seen::default() {
        seen.good.push("all are there".to_string());
    }
    Ok(Told::new(seen, joined([help, None, None])))
}

/// Adds why a guard refuses; its remedy.
fn refused(checked: Checked, seen: &mut Seen) -> Option<String> {
    let refusal = checked.refusal?;
    seen.wrong.extend(refusal.why);
    Some(refusal.help)
}

fn joined(help: [Option<String>; 3]) -> String {
    help.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
