//! The same as a page that stands alone.

use serde_json::{Value, json};

use super::document::{Block, Cell, blocks};
use crate::error::Result;
use crate::report::harmless;
use crate::report::page::{page, pieces};
use crate::tasks::review::{Review, Status};

const TEMPLATE: &str = include_str!("page.html");

pub fn html(review: &Review) -> Result<String> {
    let blocks: Vec<Value> = blocks(review).iter().map(block).collect();
    page(TEMPLATE, "", json!({"blocks": blocks, "version": env!("CARGO_PKG_VERSION")}))
}

fn block(block: &Block) -> Value {
    let all = |texts: &[String]| texts.iter().map(|text| pieces(text)).collect::<Vec<_>>();
    let ticks = |items: &[(bool, String)]| items.iter().map(|(tick, text)| json!({"tick": tick, "text": pieces(text)})).collect::<Vec<_>>();
    match block {
        Block::Title(text) => json!({"is": "title", "text": pieces(text)}),
        Block::Chapter(text) => json!({"is": "chapter", "text": pieces(text)}),
        Block::Section(text) => json!({"is": "section", "text": pieces(text)}),
        Block::Text(text) => json!({"is": "text", "text": pieces(text)}),
        Block::List(items) => json!({"is": "list", "entries": all(items)}),
        Block::Ticks(items) => json!({"is": "ticks", "entries": ticks(items)}),
        Block::Numbered(items) => json!({"is": "numbered", "entries": ticks(items)}),
        Block::Table(heads, rows) => {
            let rows: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
            json!({"is": "table", "heads": all(heads), "rows": rows})
        }
        Block::Diff(lines) => json!({"is": "diff", "lines": lines.iter().map(|line| diff_line(line)).collect::<Vec<_>>()}),
        Block::Command(command) => json!({"is": "command", "text": harmless(command)}),
    }
}

fn cell(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => json!({"status": null, "text": pieces(text)}),
        Cell::Status(status, text) => {
            let class = match status {
                Status::Pass => "pass",
                Status::Partial => "partial",
                Status::Fail => "fail",
            };
            json!({"status": status.name(), "class": class, "text": pieces(text)})
        }
    }
}

fn diff_line(line: &str) -> Value {
    let class = match line.as_bytes().first() {
        Some(b'+') => "added",
        Some(b'-') => "removed",
        _ => "same",
    };
    json!({"class": class, "text": harmless(line)})
}
