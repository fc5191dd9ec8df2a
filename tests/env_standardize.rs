//! Phase 2, the migration as a whole and the commands about variables, by the shipped binary.

mod support;

mod env_standardize {
    mod conflicts;
    mod explicit;
    mod files;
    mod history;
    mod migrate;
    mod plan;
    mod variables;

    use crate::support::{Outcome, Project, tree};

    pub fn call<'p>(project: &'p Project, args: &[&str]) -> crate::support::Call<'p> {
        project.xtask(&[&["migrate", "--phase", "2", "--yes"], args].concat())
    }

    /// Phase 2, which must end so.
    pub fn phase_2(project: &Project, args: &[&str], code: i32) -> Outcome {
        call(project, args).run().exits(code)
    }

    /// Phase 2 holds: another run touches nothing.
    pub fn holds(project: &Project) {
        let outcome = project.leaves_alone(call(project, &["--format", "json"]), 0, &[]);
        assert_eq!(outcome.json()["result"]["ended"], "nothing-to-do", "{outcome}");
    }

    /// The newest run undone: everything is as it was then.
    pub fn rolls_back_to(project: &Project, before: &tree::Tree) {
        project.xtask(&["rollback", "--yes"]).run().exits(0);
        tree::assert_same(before, &tree::contents(project.root()), "rolled back");
    }
}
