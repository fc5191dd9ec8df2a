//! The review as a list of blocks: what stands where, in words, for every format.

use crate::finding::{FixKind, Priority};
use crate::project::Role;
use crate::report::audit::patch::Patches;
use crate::tasks::review::{Advice, Aspect, Chapter, Item, Missing, Pair, Requirement, Review, Status};

/// Text may hold code between backquotes; nothing else in it is markup.
pub(super) enum Block {
    Title(String),
    Chapter(String),
    Section(String),
    Text(String),
    List(Vec<String>),
    /// Ticked or not, and the text.
    Ticks(Vec<(bool, String)>),
    Numbered(Vec<(bool, String)>),
    /// Heads, and rows.
    Table(Vec<String>, Vec<Vec<Cell>>),
    /// Lines of a diff, each with its sign.
    Diff(Vec<String>),
    Command(String),
}

pub(super) enum Cell {
    Text(String),
    Status(Status, String),
}

pub(super) fn blocks(review: &Review) -> Vec<Block> {
    let mut blocks = vec![Block::Title("Review of the Compose stacks".into())];
    gaps(review, &mut blocks);
    blocks.push(Block::Chapter("Summary".into()));
    blocks.extend(review.summary.first().map(|status| Block::Text(format!("Status: {status}"))));
    blocks.push(Block::List(review.summary.iter().skip(1).cloned().collect()));
    blocks.push(Block::Chapter("Development and production".into()));
    review.pairs.iter().for_each(|pair| compared(pair, review.pairs.len() > 1, &mut blocks));
    blocks.push(Block::Chapter("Findings by category".into()));
    review.chapters.iter().enumerate().for_each(|(number, chapter)| category(number + 1, chapter, &mut blocks));
    recommendations(review, &mut blocks);
    blocks.push(Block::Chapter("Hardening checklist".into()));
    for list in &review.checklist {
        blocks.push(Block::Section(list.title.into()));
        blocks.push(Block::Ticks(ticks(&list.items)));
    }
    blocks.push(Block::Chapter("From development to production".into()));
    blocks.push(Block::Numbered(ticks(&review.steps)));
    blocks.push(Block::Chapter("Compliance".into()));
    let heads = ["Requirement", "Status", "Notes"].map(String::from).to_vec();
    blocks.push(Block::Table(heads, review.compliance.iter().map(requirement).collect()));
    blocks
}

fn requirement(one: &Requirement) -> Vec<Cell> {
    vec![Cell::Text(one.name.into()), Cell::Status(one.status, String::new()), Cell::Text(one.notes.clone())]
}

fn gaps(review: &Review, blocks: &mut Vec<Block>) {
    if review.audit.gaps.is_empty() {
        return;
    }
    blocks.push(Block::Chapter("Not reviewed".into()));
    blocks.push(Block::Text("These could not be read. Whatever is wrong in them is not in this review.".into()));
    blocks.push(Block::List(review.audit.gaps.iter().map(|gap| format!("`{}`: {}", gap.stack, gap.error)).collect()));
}

fn compared(pair: &Pair, several: bool, blocks: &mut Vec<Block>) {
    if several {
        let folder = if pair.folder.is_empty() { "the project's folder".to_string() } else { format!("`{}`", pair.folder) };
        blocks.push(Block::Section(format!("In {folder}")));
    }
    let mut heads = vec!["Aspect".to_string()];
    heads.extend(pair.sides.iter().map(|side| format!("{} ({})", side.name(), code(&side.files).join(", "))));
    heads.push("Assessment".into());
    let row = |aspect: &Aspect| {
        let mut row = vec![Cell::Text(aspect.name.into())];
        row.extend(aspect.sides.iter().cloned().map(Cell::Text));
        row.push(Cell::Status(aspect.status, aspect.assessment.clone()));
        row
    };
    blocks.push(Block::Table(heads, pair.aspects.iter().map(row).collect()));
}

fn code(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("`{name}`")).collect()
}

fn category(number: usize, chapter: &Chapter, blocks: &mut Vec<Block>) {
    blocks.push(Block::Section(format!("{number}. {}", chapter.category.title())));
    if !chapter.good.is_empty() {
        blocks.push(Block::Text("Good:".into()));
        blocks.push(Block::List(chapter.good.clone()));
    }
    if !chapter.missing.is_empty() {
        blocks.push(Block::Text("Missing:".into()));
        blocks.push(Block::List(chapter.missing.iter().map(missing).collect()));
    }
    if chapter.good.is_empty() && chapter.missing.is_empty() {
        blocks.push(Block::Text("Nothing was found.".into()));
    }
}

fn missing(one: &Missing) -> String {
    let whom = match one.services.len() {
        0 => "the stack as a whole".to_string(),
        count if count == one.of && count > 1 => format!("all {count} services"),
        _ => code(&one.services).join(", "),
    };
    let role = if one.role == Role::Dev { "dev" } else { "prod" };
    let off = if one.off { "; the policy of this role does not ask for it" } else { "" };
    format!("{role}, {}: {} (`{}`): {whom}{off}", one.severity.name(), one.title, one.rule)
}

fn recommendations(review: &Review, blocks: &mut Vec<Block>) {
    blocks.push(Block::Chapter("Recommendations".into()));
    if review.advice.is_empty() {
        blocks.push(Block::Text("None.".into()));
    }
    let examples = review.advice.iter().flat_map(|(_, advice)| advice).filter_map(|advice| advice.example);
    let patches = Patches::shown(&review.audit, examples.map(|at| &review.audit.findings[at].finding));
    let mut number = 0;
    for (priority, advice) in &review.advice {
        blocks.push(Block::Section(urgency(*priority).into()));
        for one in advice {
            number += 1;
            recommended(number, one, review, &patches, blocks);
        }
    }
}

fn urgency(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "P0: at once",
        Priority::P1 => "P1: before production",
        Priority::P2 => "P2: soon",
        Priority::P3 => "P3: some day",
    }
}

fn recommended(number: usize, advice: &Advice, review: &Review, patches: &Patches<'_>, blocks: &mut Vec<Block>) {
    let whom = match advice.services.len() {
        0 => "about the stack as a whole".to_string(),
        1 => format!("in `{}`", advice.services[0]),
        count => format!("in {count} services, {}", code(&advice.services).join(", ")),
    };
    let found = if advice.count == 1 { "1 finding".to_string() } else { format!("{} findings", advice.count) };
    blocks.push(Block::Text(format!("{number}. `{}`: {}. {found} {whom}. To do: {}.", advice.rule, advice.title, advice.help)));
    let example = advice.example.map(|at| patches.lines(&review.audit.findings[at].finding)).unwrap_or_default();
    if !example.is_empty() {
        blocks.push(Block::Diff(example.iter().map(|line| format!("{}{}", line.sign, line.text)).collect()));
    }
    blocks.push(Block::Command(match advice.fix {
        FixKind::Apply | FixKind::Propose if !example.is_empty() => format!("cargo xtask audit --fix={} --apply", advice.rule),
        _ => format!("cargo xtask explain {}", advice.rule),
    }));
}

fn ticks(items: &[Item]) -> Vec<(bool, String)> {
    let said = |item: &Item| if item.note.is_empty() { item.text.to_string() } else { format!("{}: {}", item.text, item.note) };
    items.iter().map(|item| (item.ticked, said(item))).collect()
}
