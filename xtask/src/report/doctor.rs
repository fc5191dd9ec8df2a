//! What the doctor found, a line each, with the remedy below.

use super::{Look, Style};
use crate::tasks::doctor::Checkup;

pub fn list(checkups: &[Checkup], look: Look) -> String {
    let mut text = String::new();
    for checkup in checkups {
        let style = if checkup.ok { Style::Good } else { Style::Warn };
        text.push_str(&look.line(style, checkup.what, &checkup.found));
        if !checkup.ok {
            text.push_str(&look.line(Style::Dim, "", &format!("to do: {}", checkup.remedy)));
        }
    }
    text
}
