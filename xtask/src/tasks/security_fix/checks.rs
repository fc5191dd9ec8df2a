//! The guards that are phase 1's own.

use super::Options;
use super::draft::Draft;
use super::name::Variable;
use super::spot::Spot;
use super::survey::Survey;
use crate::guards::Checked;
use crate::model::Found;

/// A value that comes from this shell is nobody else's: what it renders to is not what the files say.
pub fn exported(survey: &Survey<'_>, variables: &[Variable], spots: &[Spot]) -> Checked {
    let mut why = Vec::new();
    for variable in variables {
        let in_use = |spot: &usize| {
            survey
                .views
                .iter()
                .filter(|view| view.reads(&spots[*spot].file))
                .any(|view| view.model.found(&variable.name) == Found::Exported)
        };
        if variable.spots.iter().any(in_use) {
            why.push(format!("{} is exported in this shell, so what renders here is not what the files say", variable.name));
        }
    }
    Checked::new("exported-variables", why, "unset it here (env -u NAME cargo xtask ...), or write its value into the env file first")
}

pub fn hidden(draft: &Draft, options: &Options) -> Checked {
    let why = if options.untrack {
        Vec::new()
    } else {
        draft.tracked.iter().map(|path| format!("git tracks {path}, where credentials would stand")).collect()
    };
    Checked::new("untracked-env", why, "add --untrack: it takes the file out of git's index, keeps it on disk, and adds it to .gitignore")
}
