//! Children of block collections taken out, with the comments that speak of them alone.

use super::super::{Node, Refusal};
use super::block::child_end;
use super::layout::{column, starts};
use super::splice::Kind;
use super::walk::Walk;
use crate::text::Span;

/// The lines that a block collection takes up, and the parts of them whose comments may go.
#[derive(Debug)]
pub struct Extent {
    pub first: usize,
    pub last: usize,
    pub goes: Vec<Span>,
}

impl Extent {
    /// The extent of a collection all of whose children are removed.
    pub fn of_children(walk: &Walk, node: &Node, removed: &[bool]) -> Result<Self, Refusal> {
        let goes = walk.regions(node, removed)?;
        let start = goes.first().map_or(node.span.start, |region| region.start);
        let end = goes.last().map_or(node.span.end, |region| region.end);
        let last = if walk.lines.source[..end].ends_with('\n') { walk.lines.line(end) - 1 } else { walk.lines.line(end) };
        Ok(Extent { first: walk.lines.line(start), last, goes })
    }
}

impl Walk<'_> {
    /// Some but not all children go.
    pub fn remove_children(&mut self, node: &Node, removed: &[bool], depth: usize) -> Result<(), Refusal> {
        let mut regions = self.regions(node, removed)?;
        for region in &regions {
            let gone = self.comments.within(region.start, region.end);
            self.gone.extend(gone.iter().map(|comment| comment.span));
        }
        if regions.first().is_some_and(|first| !self.lines.leads(first.start)) {
            self.close_up(&mut regions);
        }
        // What parted the first lines of a file from the rest parts them from nothing.
        if let Some(first) = regions.first_mut().filter(|first| first.start == 0) {
            while first.end < self.lines.source.len() && self.lines.is_blank(self.lines.line(first.end)) {
                first.end = self.lines.start(self.lines.line(first.end) + 1);
            }
        }
        for region in regions {
            self.splice(depth + 1, Kind::Removal, region, "");
        }
        Ok(())
    }

    /// The first child stood behind a dash: what is left first moves there.
    fn close_up(&self, regions: &mut Vec<Span>) {
        let next_word = |end: usize| self.lines.skip_white(end);
        let mut first = regions.remove(0);
        first.end = next_word(first.end);
        while regions.first().is_some_and(|next| next.start <= first.end) {
            first.end = next_word(regions.remove(0).end);
        }
        regions.insert(0, first);
    }

    /// The lines of the removed children, from the beginning of the first to that of the next line;
    /// a child that stands behind a dash begins there.
    fn regions(&self, node: &Node, removed: &[bool]) -> Result<Vec<Span>, Refusal> {
        let (lines, column) = (self.lines, column(self.lines, node)?);
        let starts = starts(lines, node)?;
        let mut regions: Vec<Span> = Vec::new();
        // From the end: whether all that touches this child from below goes too.
        let mut alone_below = true;
        for child in (0..removed.len()).rev() {
            if !removed[child] {
                alone_below = false;
                continue;
            }
            let last = self.comments.last_line(lines, child_end(lines.source, node, child)?, column + 1);
            let touches = starts.get(child + 1).is_some_and(|next| lines.line(*next) == last + 1);
            alone_below = alone_below || !touches;
            let start = if lines.leads(starts[child]) {
                let line = lines.line(starts[child]);
                lines.start(if alone_below { self.comments_above(line, column) } else { line })
            } else {
                starts[child]
            };
            match regions.last_mut() {
                Some(next) if next.start <= lines.start(last + 1) => next.start = start,
                _ => regions.push(Span::new(start, lines.start(last + 1))),
            }
        }
        regions.reverse();
        Ok(regions)
    }

    /// The first line of the comments directly above a line, in the same column; the line itself
    /// when there are none.
    fn comments_above(&self, line: usize, column: usize) -> usize {
        let comment = |line: &usize| self.lines.indent(*line) == column && self.comments.fill(self.lines, *line);
        (0..line).rev().take_while(comment).last().unwrap_or(line)
    }

    /// The file ended without a line break, and so it does behind what is left last.
    /// `regions` are all that are taken out, in order.
    pub fn close_file(&self, regions: &mut Vec<Span>) {
        let source = self.lines.source;
        let Some(mut last) = regions.pop_if(|last| last.end == source.len() && !source.ends_with('\n')) else { return };
        let mut line = self.lines.line(last.start);
        loop {
            if line > 0 && self.lines.is_blank(line - 1) {
                line -= 1;
            } else if let Some(before) = regions.pop_if(|before| before.end == self.lines.start(line)) {
                line = self.lines.line(before.start);
                last.start = before.start;
            } else {
                break;
            }
        }
        last.start = line.checked_sub(1).map_or(last.start, |line| self.lines.end(line));
        regions.push(last);
    }
}
