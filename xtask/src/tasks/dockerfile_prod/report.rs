//! What phase 4 has done, as data for people and programs.

use serde::Serialize;

use super::Proposal;
use crate::tasks::Context;

/// How large an image is, and the one that it would replace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    pub service: String,
    pub bytes: u64,
    pub before_name: String,
    /// `None`: the engine does not have it.
    pub before_bytes: Option<u64>,
}

impl Image {
    /// Percent that the new one is smaller by; negative where it is larger.
    pub fn saved(&self) -> Option<i64> {
        let before = self.before_bytes.filter(|bytes| *bytes > 0)?;
        let saved = i128::from(before) - i128::from(self.bytes);
        i64::try_from(saved * 100 / i128::from(before)).ok()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub run: Option<String>,
    /// Services with a production image, new or not.
    pub services: Vec<String>,
    /// Files that change, relative to the project's root.
    pub changed: Vec<String>,
    pub images: Vec<Image>,
    /// `stack/service` that build with Dockerfile.prod from now on.
    pub activated: Vec<String>,
    /// Those that did already.
    pub kept: Vec<String>,
    pub proven: Vec<String>,
    pub not_proven: Vec<String>,
    pub next: Vec<String>,
}

impl Report {
    pub(super) fn of(cx: &Context<'_>, proposal: &Proposal<'_>) -> Report {
        let shown = |path: &std::path::Path| cx.project.relative(path).display().to_string();
        let files = proposal.files.iter().filter(|file| file.changes()).map(|file| shown(&file.path));
        Report {
            services: proposal.looked.made.iter().map(|made| made.recipe.service.clone()).collect(),
            changed: files.chain(proposal.activation.edits.iter().map(|edit| shown(&edit.path))).collect(),
            activated: proposal.activation.services.clone(),
            kept: proposal.looked.kept.clone(),
            ..Report::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Image;

    #[test]
    fn what_is_saved_is_a_share_of_what_was() {
        let saved = |bytes, before_bytes| Image { service: String::new(), bytes, before_name: String::new(), before_bytes }.saved();
        assert_eq!((saved(200, Some(481)), saved(481, Some(200)), saved(1, None), saved(1, Some(0))), (Some(58), Some(-140), None, None));
    }
}
