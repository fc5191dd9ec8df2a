//! What a deploy would do, a line for each service.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::images::Images;
use crate::registry::From;
use crate::release::{Change, Replacing, ServicePlan, Why};

/// That the stack was deployed from other folders before.
pub fn moved(before: &BTreeSet<&PathBuf>, now: &Path) -> Vec<String> {
    let line = |root: &&PathBuf| format!("what runs was deployed from {}; from now on it is {}", root.display(), now.display());
    before.iter().map(line).collect()
}

pub fn lines(plans: &[ServicePlan], images: &Images) -> Vec<String> {
    let width = plans.iter().map(|plan| plan.service.chars().count()).max().unwrap_or(0);
    plans.iter().map(|plan| format!("{:width$}  {}", plan.service, line(plan, images))).collect()
}

fn line(plan: &ServicePlan, images: &Images) -> String {
    match &plan.change {
        Change::Unchanged => "stays as it is".to_string(),
        Change::Start => format!("start  {}{}", plan.image, fetched(plan, images)),
        Change::Fewer => "stop what is more than its files ask for".to_string(),
        Change::Stop => "stop: it is no part of the stack any more; its containers stay".to_string(),
        Change::Replace { why, how } => {
            let why: Vec<&str> = why.iter().map(|why| reason(*why)).collect();
            let how = match how {
                Replacing::Swap => "swap",
                Replacing::Rolling => "rolling",
                Replacing::Recreate => "recreate",
            };
            format!("{how} ({})  {}{}", why.join(", "), plan.image, digests(plan, images))
        }
    }
}

fn reason(why: Why) -> &'static str {
    match why {
        Why::Image => "image",
        Why::Configuration => "configuration",
        Why::Files => "a file that it uses",
        Why::ComposeVersion => "made by another version of Compose",
        Why::Follows => "shares what is replaced",
    }
}

/// The old and the new image in short, where they differ.
fn digests(plan: &ServicePlan, images: &Images) -> String {
    let old = plan.old_image_id.as_deref().map(short).unwrap_or_default();
    match (&plan.new_image_id, images.resolved.get(&plan.image)) {
        (Some(new), _) if plan.old_image_id.as_ref() == Some(new) => String::new(),
        (Some(new), _) => format!("  {old} -> {}", short(new)),
        (None, Some(resolved)) => format!("  {old} -> {} from its registry", resolved.digest().map(short).unwrap_or_default()),
        (None, None) => String::new(),
    }
}

fn fetched(plan: &ServicePlan, images: &Images) -> String {
    match images.resolved.get(&plan.image) {
        Some(resolved) if resolved.from == From::Registry => {
            format!("  {} from its registry", resolved.digest().map(short).unwrap_or_default())
        }
        _ => String::new(),
    }
}

/// The first twelve digits, as engines shorten them.
fn short(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(12).collect()
}
