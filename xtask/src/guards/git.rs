use super::Checked;
use crate::git::Git;

/// Whether git can do its part of a plan: known before the first file is touched, not after the last.
/// `commits`: the plan has a commit as well as changes of the index.
pub fn git_is_ready(git: Option<&Git>, commits: bool) -> Checked {
    let mut why = Vec::new();
    let mut help = Vec::new();
    match git {
        None => why.push("the project is in no git repository".to_string()),
        Some(git) => {
            let mut asked = vec![git.check_index_is_free()];
            if commits {
                asked.extend([git.check_can_commit(), git.check_can_sign()]);
            }
            for error in asked.into_iter().filter_map(Result::err) {
                why.push(error.why.unwrap_or(error.what));
                help.extend(error.help);
            }
        }
    }
    help.push("or go on without --commit and --untrack".to_string());
    Checked::new("git-is-ready", why, help.join("; "))
}
