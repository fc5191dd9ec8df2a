//! What phase 4 has done, for people.

use super::summary::{lines, proofs};
use super::{Look, Style, summary};
use crate::tasks::Ended;
use crate::tasks::dockerfile_prod::{Image, Report};
use crate::text::counted;

/// The columns of a bar.
const BAR: u64 = 30;

pub fn text(how: &Ended, report: &Report, look: Look) -> String {
    if matches!(how, Ended::NothingToDo) {
        let held = report.services.len() + report.kept.len();
        return look.line(
            Style::Good,
            "Holds",
            &format!("{} with a production image, all files as they were written", counted(held, "service")),
        );
    }
    let counts = [(report.services.len(), "service"), (report.changed.len(), "changed file")];
    summary::phase(how, look, "Production", &summary::counted(&counts), |text| {
        text.push_str(&sizes(&report.images, look));
        for service in &report.activated {
            text.push_str(&look.line(Style::Info, "Activated", &format!("{service} builds with Dockerfile.prod")));
        }
        text.push_str(&proofs(&report.proven, &report.not_proven, look));
        text.push_str(&lines(Style::Info, "Next", &report.next, look));
    })
}

/// A row an image: the new one, the one that it would replace, what is saved, and both as bars.
fn sizes(images: &[Image], look: Look) -> String {
    let largest = images.iter().flat_map(|image| [Some(image.bytes), image.before_bytes]).flatten().max().unwrap_or(1).max(1);
    let width = images.iter().map(|image| image.service.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for image in images {
        let rest = match (image.before_bytes, image.saved()) {
            (Some(before), Some(saved)) => {
                format!(
                    "{} now, {} % {}\n{:width$}  {}",
                    megabytes(before),
                    saved.abs(),
                    if saved < 0 { "more" } else { "less" },
                    "",
                    bar(before, largest, '░')
                )
            }
            _ => format!("not compared: the engine has no {}", image.before_name),
        };
        let row = format!("{:width$}  {}  {}; {rest}", image.service, bar(image.bytes, largest, '█'), megabytes(image.bytes));
        text.push_str(&look.line(Style::Info, "Size", &row));
    }
    text
}

fn bar(bytes: u64, largest: u64, with: char) -> String {
    let filled = (bytes.saturating_mul(BAR) / largest).clamp(1, BAR);
    let bar: String = std::iter::repeat_n(with, usize::try_from(filled).unwrap_or_default()).collect();
    format!("{bar:<30}")
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stand_beside_each_other() {
        let look = Look { colour: false, live: false, quiet: false, verbose: false };
        let image =
            |service: &str, bytes, before_bytes| Image { service: service.into(), bytes, before_name: "shop/web:dev".into(), before_bytes };
        let text = sizes(
            &[
                image("web", 200_000_000, Some(400_000_000)),
                image("jobs", 100_000_000, None),
                image("more", 110_000_000, Some(100_000_000)),
            ],
            look,
        );
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines[0], format!("Size web   {:<30}  200.0 MB; 400.0 MB now, 50 % less", "█".repeat(15)));
        assert_eq!(lines[1], "░".repeat(30));
        assert!(lines[3].ends_with("100.0 MB now, 10 % more"), "{text}");
        assert_eq!(lines[2], format!("Size jobs  {:<30}  100.0 MB; not compared: the engine has no shop/web:dev", "█".repeat(7)));
    }
}
