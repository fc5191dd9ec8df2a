//! Variables that choose an image's tag.

use super::reference::Image;
use crate::model::Found;
use crate::rules::Service;
use crate::text::template::{Op, Segment, Var, parse};

/// A variable on which the tag of an image depends, and what it falls back to.
pub(super) struct TagVariable {
    pub name: String,
    /// Its bytes in the text of the scalar.
    pub range: std::ops::Range<usize>,
    /// Nothing, or a tag that can be another image tomorrow.
    pub falls_back: bool,
}

/// The variable that stands in the tag of a service's image as written. A whole image in one variable counts
/// by its default.
pub(super) fn tag_variable(service: &Service<'_>, moving: &[String]) -> Option<TagVariable> {
    let written = service.subject.written(service.get("image")?.at);
    let segments = parse(written);
    let mut text = String::new();
    let mut last: Option<(usize, &Var)> = None;
    for segment in &segments {
        match segment {
            Segment::Literal(range) | Segment::Escape(range) | Segment::Invalid(range) => text.push_str(&written[range.clone()]),
            Segment::Var(var) => {
                last = Some((text.len(), var));
                text.push('_');
            }
        }
    }
    let (at, var) = last?;
    if text.contains('@') {
        return None;
    }
    let default = match var.op {
        Op::Default { .. } => Some(var.arg.as_ref().map_or("", |arg| &written[arg.range.clone()])),
        Op::None => None,
        Op::Required { .. } | Op::Alternate { .. } => return None,
    };
    let bare = text.trim_matches(['"', '\'']);
    let is_whole = bare == "_";
    let in_tag = text[..at].rsplit('/').next().is_some_and(|file| file.contains(':'));
    let falls_back = match default {
        Some(default) if default.contains('$') => return None,
        Some(default) if is_whole => Image::parse(default).moves(moving),
        Some(default) => {
            let tag =
                text[..at].rsplit(':').next().unwrap_or_default().to_string() + default + text[at + 1..].trim_end_matches(['"', '\'']);
            tag.is_empty() || moving.contains(&tag)
        }
        // Compose refuses an image that ends in a colon, but says nothing of the variable.
        None => service.subject.model.found(&var.name) == Found::Unset,
    };
    (in_tag || is_whole && default.is_some()).then(|| TagVariable { name: var.name.clone(), range: var.range.clone(), falls_back })
}
