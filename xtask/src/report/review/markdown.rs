//! For a repository, a ticket or a comment.

use super::document::{Block, Cell, blocks};
use crate::report::harmless;
use crate::report::markdown::plain;
use crate::tasks::review::{Review, Status};

pub fn markdown(review: &Review) -> String {
    blocks(review).iter().map(block).collect::<Vec<_>>().join("\n")
}

fn block(block: &Block) -> String {
    let tick = |ticked: bool| if ticked { "[x]" } else { "[ ]" };
    match block {
        Block::Title(text) => format!("# {}\n", plain(text)),
        Block::Chapter(text) => format!("## {}\n", plain(text)),
        Block::Section(text) => format!("### {}\n", plain(text)),
        Block::Text(text) => format!("{}\n", plain(text)),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", plain(item))).collect(),
        Block::Ticks(items) => items.iter().map(|(ticked, item)| format!("- {} {}\n", tick(*ticked), plain(item))).collect(),
        Block::Numbered(items) => {
            let one = |(number, (ticked, item)): (usize, &(bool, String))| format!("{}. {} {}\n", number + 1, tick(*ticked), plain(item));
            items.iter().enumerate().map(one).collect()
        }
        Block::Table(heads, rows) => table(heads, rows),
        Block::Diff(lines) => fenced("diff", lines),
        Block::Command(command) => fenced("console", &[format!("$ {command}")]),
    }
}

fn table(heads: &[String], rows: &[Vec<Cell>]) -> String {
    let heads: Vec<String> = heads.iter().map(|head| plain(head)).collect();
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(cell).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

fn cell(cell: &Cell) -> String {
    let mark = |status: &Status| match status {
        Status::Pass => "✅",
        Status::Partial => "⚠️",
        Status::Fail => "❌",
    };
    match cell {
        Cell::Text(text) => plain(text),
        Cell::Status(status, text) if text.is_empty() => format!("{} {}", mark(status), status.name()),
        Cell::Status(status, text) => format!("{} {}", mark(status), plain(text)),
    }
}

/// A fence that no line inside of it ends.
fn fenced(language: &str, lines: &[String]) -> String {
    let longest = lines.iter().flat_map(|line| line.split(|char| char != '`')).map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let body: String = lines.iter().map(|line| format!("{}\n", harmless(line))).collect();
    format!("{fence}{language}\n{body}{fence}\n")
}
