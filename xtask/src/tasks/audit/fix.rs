//! Fixes what an audit found, by the guarded way: every file or none, proven from the files, or undone.

use std::cell::RefCell;
use std::path::PathBuf;

use super::look::{go_on, look, look_at_stacks};
use super::scope::STDIN_TARGET;
use super::verify::{Renders, beyond, renders, unsettled};
use super::{Request, Scope, named_rules};
use crate::actions::{Action, WriteFile};
use crate::audit::Audit;
use crate::error::{Error, Result};
use crate::event::{Event, FileDiff};
use crate::finding::Fix;
use crate::fix::{FilePatch, Left, Patch, chosen};
use crate::guards::{self, Checked};
use crate::policy::Date;
use crate::project::Stack;
use crate::saga::{Plan, Proof, Sha, Verdict};
use crate::secret::MASK;
use crate::source::Overlay;
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out};
use crate::text::redact;

/// What the caller chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub request: Request,
    /// The folder that names of files and folders count from.
    pub folder: PathBuf,
    /// Fixes of these rules, proposals among them; none: of all rules those that are safe alone.
    pub rules: Vec<String>,
    /// Write; else only show.
    pub apply: bool,
    /// Go on although files to be changed have uncommitted changes.
    pub allow_dirty: bool,
}

impl Options {
    /// What was asked for, for the journal.
    fn args(&self) -> Vec<String> {
        let flag = |is: bool, name: &str| is.then(|| name.to_string());
        let fix = if self.rules.is_empty() { "--fix".to_string() } else { format!("--fix={}", self.rules.join(",")) };
        let files = self.request.files.iter().map(|file| format!("--file={}", file.display()));
        let only = self.request.only.iter().map(|rule| format!("--rule={rule}"));
        let dirty = flag(self.allow_dirty, "--allow-dirty");
        std::iter::once(fix).chain(files).chain(only).chain(dirty).chain(self.request.targets.iter().cloned()).collect()
    }
}

/// What fixing came to.
#[derive(Debug)]
pub struct Fixed {
    pub ended: Ended,
    pub audit: Audit,
    pub patch: Patch,
    /// The changed files, secrets masked.
    pub diffs: Vec<FileDiff>,
}

/// Everything that is known before a file is touched.
struct Proposal {
    scope: Scope<'static>,
    only: Vec<&'static str>,
    audit: Audit,
    patch: Patch,
    before: Renders,
}

/// Fixes, or shows what would be fixed.
pub fn fix(cx: &Context<'_>, options: &Options, overrides: &Overrides, today: Date) -> Result<Fixed> {
    let proposed: RefCell<Option<Proposal>> = RefCell::default();
    if options.apply && options.request.targets.iter().any(|target| target == STDIN_TARGET) {
        let help = "leave --apply out, and hand the diff to `patch`, or name the file";
        return Err(Error::unusable("write the fixes").why("standard input is no file").help(help));
    }
    if !options.apply {
        let proposal = propose(cx, options, today)?;
        let ended = if proposal.patch.files.is_empty() { Ended::NothingToDo } else { Ended::Planned };
        return Ok(fixed(ended, proposal));
    }
    let ended = carry_out(cx, "audit-fix", overrides, |_| {
        let proposal = propose(cx, options, today)?;
        let guards = guards(cx, options, &proposal)?;
        let (mut plan, contents) = plan(cx, &proposal.patch);
        plan.args = options.args();
        let preview = if proposal.patch.files.is_empty() { Vec::new() } else { vec![preview(&proposal)] };
        proposed.replace(Some(proposal));
        let prove = |_: &crate::actions::World| match proposed.borrow().as_ref() {
            Some(proposal) => prove(cx, options, proposal, today),
            None => Ok(Verdict::Bad(vec!["there is nothing to prove".into()])),
        };
        Ok(Prepared { guards, projects: Vec::new(), plan, contents, preview, still: None, prove: Box::new(prove) })
    })?;
    match proposed.into_inner() {
        Some(proposal) => Ok(fixed(ended, proposal)),
        None => propose(cx, options, today).map(|proposal| fixed(ended, proposal)),
    }
}

fn fixed(ended: Ended, proposal: Proposal) -> Fixed {
    let diffs = proposal.patch.files.iter().map(|file| diff(&proposal.audit, file)).collect();
    Fixed { ended, audit: proposal.audit, patch: proposal.patch, diffs }
}

fn propose(cx: &Context<'_>, options: &Options, today: Date) -> Result<Proposal> {
    let rules = named_rules(&options.rules)?;
    let only = named_rules(&options.request.only)?;
    let request = Request { fixes: true, cancel: cx.cancel.clone(), ..options.request.clone() };
    let scope = Scope::resolve(&request, &options.folder)?;
    let audit = look(&scope, &scope.files, &request, &only, &cx.environment, today)?;
    let concerned = concerned(cx, &scope);
    go_on(cx.cancel)?;
    let before = renders(&concerned, &scope.files, &cx.environment);
    go_on(cx.cancel)?;
    let settling =
        Settling { cx, scope: &scope, request: &request, only: &only, today, audit: &audit, concerned: &concerned, before: &before };
    let patch = settling.settle(&chosen(&audit, &rules))?;
    Ok(Proposal { only, patch, before, audit, scope })
}

/// The stacks that must render as declared: those that were named, and all of the project.
fn concerned(cx: &Context<'_>, scope: &Scope<'_>) -> Vec<Stack> {
    let mut stacks = scope.stacks.clone();
    for stack in &cx.project.stacks {
        if stacks.iter().all(|known| known.files != stack.files) {
            // A folder that was named gives its stacks names of its own, which another of the project may have.
            let is_taken = stacks.iter().any(|known| known.id == stack.id);
            let id = if is_taken { stack.folder().join(&stack.id).display().to_string() } else { stack.id.clone() };
            stacks.push(Stack { id, ..stack.clone() });
        }
    }
    stacks
}

/// Finds the largest patch that does what it declares and nothing else.
struct Settling<'a> {
    cx: &'a Context<'a>,
    scope: &'a Scope<'static>,
    request: &'a Request,
    only: &'a [&'static str],
    today: Date,
    audit: &'a Audit,
    concerned: &'a [Stack],
    before: &'a Renders,
}

impl Settling<'_> {
    fn settle(&self, chosen: &[usize]) -> Result<Patch> {
        let whole = Patch::of(self.audit, chosen, self.cx.cancel);
        let (mut good, mut left) = (Vec::new(), whole.left.clone());
        // File by file: only the stacks that read one have to be looked at again for it.
        for file in &whole.files {
            let (mut holding, mut spoiling) = (Vec::new(), Vec::new());
            self.take(&file.findings, &mut holding, &mut spoiling)?;
            // What spoils another service may do so no more once that is fixed itself.
            let mut before = 0;
            while !spoiling.is_empty() && holding.len() > before {
                before = holding.len();
                let again: Vec<usize> = spoiling.drain(..).map(|left: Left| left.finding).collect();
                self.take(&again, &mut holding, &mut spoiling)?;
            }
            good.extend(holding);
            left.extend(spoiling);
        }
        let mut together = Vec::new();
        match whole.files.len() {
            // That was looked at just now.
            1 => together = good,
            _ => self.keep_together(good, &mut together, &mut left)?,
        }
        let mut patch = Patch::of(self.audit, &together, self.cx.cancel);
        go_on(self.cx.cancel)?;
        patch.left = left;
        Ok(patch)
    }

    /// Adds to `holding` whatever holds together with it. Whoever spoils it is found by halves: a look costs as
    /// much as an audit, and few spoil a file of many.
    fn take(&self, findings: &[usize], holding: &mut Vec<usize>, spoiling: &mut Vec<Left>) -> Result<()> {
        let mut with: Vec<usize> = holding.iter().chain(findings).copied().collect();
        with.sort_unstable();
        match (self.wrong(&Patch::of(self.audit, &with, self.cx.cancel))?.into_iter().next(), findings) {
            (None, _) => *holding = with,
            (Some(why), [finding]) => spoiling.push(Left { finding: *finding, why }),
            (Some(_), _) => {
                let (first, second) = findings.split_at(findings.len() / 2);
                self.take(first, holding, spoiling)?;
                self.take(second, holding, spoiling)?;
            }
        }
        Ok(())
    }

    /// Fixes of several files, which hold file by file, are kept when they hold together.
    fn keep_together(&self, findings: Vec<usize>, good: &mut Vec<usize>, left: &mut Vec<Left>) -> Result<()> {
        match self.wrong(&Patch::of(self.audit, &findings, self.cx.cancel))?.into_iter().next() {
            None => good.extend(findings),
            Some(why) => {
                left.extend(findings.iter().map(|number| Left { finding: *number, why: format!("together with other fixes: {why}") }))
            }
        }
        Ok(())
    }

    fn wrong(&self, patch: &Patch) -> Result<Vec<String>> {
        go_on(self.cx.cancel)?;
        let mut files = Overlay::new(&self.scope.files);
        patch.files.iter().for_each(|file| files.set(&file.path, Some(file.after.clone().into_bytes())));
        let read_by = |stack: &Stack| {
            let rendered = self.before.get(&stack.id).and_then(Option::as_ref);
            rendered.is_some_and(|rendered| patch.files.iter().any(|file| rendered.reads.contains(&file.path)))
        };
        let of = |stacks: &[Stack]| -> Vec<Stack> { stacks.iter().filter(|stack| read_by(stack)).cloned().collect() };
        let after = look_at_stacks(&of(&self.scope.stacks), self.scope, &files, self.request, self.only, &self.cx.environment, self.today)?;
        let renders = renders(&of(self.concerned), &files, &self.cx.environment);
        go_on(self.cx.cancel)?;
        wrong(self.audit, patch, self.before, &after, &renders)
    }
}

/// What is not as the patch declares.
fn wrong(before: &Audit, patch: &Patch, old: &Renders, after: &Audit, new: &Renders) -> Result<Vec<String>> {
    let fixes: Vec<&Fix> = patch.findings().filter_map(|number| before.findings[number].finding.fix.as_deref()).collect();
    let fixed: Vec<usize> = patch.findings().collect();
    Ok(beyond(old, new, &fixes).into_iter().chain(unsettled(before, after, &fixed)).collect())
}

fn guards(cx: &Context<'_>, options: &Options, proposal: &Proposal) -> Result<Vec<Checked>> {
    let paths: Vec<PathBuf> = proposal.patch.files.iter().map(|file| cx.project.relative(&file.path).to_path_buf()).collect();
    let unread: Vec<String> = proposal.audit.gaps.iter().map(|gap| format!("{}: {}", gap.stack, gap.error)).collect();
    let mut all = vec![
        Checked::new("stacks-render", unread, "make the stack render, or name only stacks and files that do"),
        guards::replaceable(&cx.project.root, &paths),
    ];
    if let (Some(git), false) = (&cx.git, options.allow_dirty) {
        all.push(guards::clean_in_git(git, &paths, &cx.left_by_us()?)?);
    }
    Ok(all)
}

fn plan(cx: &Context<'_>, patch: &Patch) -> (Plan<Action>, Vec<Vec<u8>>) {
    let write = |file: &FilePatch| {
        Action::WriteFile(WriteFile {
            path: cx.project.relative(&file.path).to_path_buf(),
            content: Sha::of(file.after.as_bytes()),
            before: Some(Sha::of(file.before.as_bytes())),
            mode: None,
        })
    };
    let contents = patch.files.iter().map(|file| file.after.clone().into_bytes()).collect();
    (Plan::new("audit-fix", patch.files.iter().map(write).collect()), contents)
}

fn preview(proposal: &Proposal) -> Event {
    let files = proposal.patch.files.iter().map(|file| diff(&proposal.audit, file)).collect();
    let caveats = proposal.patch.findings().filter_map(|number| {
        let finding = &proposal.audit.findings[number].finding;
        let caveat = finding.fix.as_ref()?.caveat.as_ref()?;
        Some(format!("{}, {}: {caveat}", finding.rule, finding.service.as_deref().unwrap_or_default()))
    });
    Event::Planned { files, other: caveats.collect() }
}

/// The file before and after, its credentials masked; fixes do not touch them.
fn diff(audit: &Audit, file: &FilePatch) -> FileDiff {
    let secrets = audit.texts.get(&file.path).map_or(&[][..], |text| &text.secrets);
    let masked_values: Vec<&str> = secrets.iter().map(|span| span.slice(&file.before)).collect();
    let after = crate::tasks::security_fix::credentials_in_text(&file.after);
    let after = if masked_values.is_empty() { file.after.clone() } else { redact(&file.after, &after, MASK).text };
    FileDiff {
        path: audit.relative(&file.path).display().to_string(),
        before: Some(redact(&file.before, secrets, MASK).text),
        after: Some(after),
    }
}

fn prove(cx: &Context<'_>, options: &Options, proposal: &Proposal, today: Date) -> Result<Verdict> {
    let request = Request { fixes: true, ..options.request.clone() };
    let after = look(&proposal.scope, &proposal.scope.files, &request, &proposal.only, &cx.environment, today)?;
    let now = renders(&concerned(cx, &proposal.scope), &proposal.scope.files, &cx.environment);
    let why = wrong(&proposal.audit, &proposal.patch, &proposal.before, &after, &now)?;
    let label = "what was fixed is gone, no other finding appeared, and every stack renders as declared";
    if !why.is_empty() {
        cx.events.emit(Event::ProofFails { label: label.into(), why: why.clone() });
        return Ok(Verdict::Bad(why));
    }
    let detail = format!("{} findings, {} stacks", proposal.patch.findings().count(), now.len());
    cx.events.emit(Event::ProofHolds { label: label.into(), detail: detail.clone(), took: std::time::Duration::ZERO });
    Ok(Verdict::Holds(Proof { proven: vec![format!("{label}: {detail}")], ..Proof::default() }))
}
