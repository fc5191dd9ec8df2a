//! The images that were fetched or made, a line each.

use super::{Look, Style, summary};
use crate::tasks::Ended;
use crate::tasks::images::{Built, Fetched, How};

pub fn fetched(ended: &Ended, images: &[Fetched], look: Look) -> String {
    let mut text = String::new();
    for image in images {
        let (new, old) = (short(image.new.as_deref()), short(image.old.as_deref()));
        let (style, word, said) = match image.how {
            How::Pulled if matches!(ended, Ended::Planned) => (Style::Info, "Would pull", format!("{old} -> {new}")),
            How::Pulled => (Style::Good, "Pulled", format!("{old} -> {new}")),
            How::Unchanged => (Style::Dim, "Unchanged", new),
            How::BuiltHere => (Style::Warn, "Not pulled", "its registry does not have it; `cargo xtask build` makes it".to_string()),
        };
        text.push_str(&look.line(style, word, &format!("{} ({}): {said}", image.image, image.services.join(", "))));
    }
    text.push_str(&summary::ended(ended, look));
    text
}

pub fn built(images: &[Built], look: Look) -> String {
    let mut text = String::new();
    for image in images {
        let (style, word) = match (&image.id, &image.digest) {
            (None, _) => (Style::Info, "Would build"),
            (Some(_), None) => (Style::Good, "Built"),
            (Some(_), Some(_)) => (Style::Good, "Pushed"),
        };
        let mut said = format!("{} ({})", image.image, image.services.join(", "));
        for (label, value) in [("id", &image.id), ("digest", &image.digest)] {
            if let Some(value) = value {
                said.push_str(&format!("\n  {label} {value}"));
            }
        }
        text.push_str(&look.line(style, word, &said));
    }
    text
}

fn short(digest: Option<&str>) -> String {
    digest.map_or("none", |digest| digest.get(..19).unwrap_or(digest)).to_string()
}
