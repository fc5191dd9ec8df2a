//! The table of services, as wide as the terminal.

use std::borrow::Cow;

use crate::report::{Look, Style, harmless};
use crate::tasks::everyday::{Services, State};

const HEAD: [&str; 8] = ["SERVICE", "STATE", "UP", "RST", "MEMORY", "CPU", "PORTS", "IMAGE"];
const STATE: usize = 1;
/// What gives way in a narrow terminal, in this order, and how narrow it may become.
const GIVES_WAY: [(usize, usize); 3] = [(7, 8), (6, 10), (0, 12)];
const GAP: usize = 2;

pub fn table(shown: &Services, look: Look) -> String {
    let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    fitted(shown, look, width)
}

/// `width` in characters; `None`: as wide as it is.
fn fitted(shown: &Services, look: Look, width: Option<usize>) -> String {
    let mut text = String::new();
    let mut rows = vec![HEAD.map(String::from)];
    rows.extend(shown.services.iter().map(row));
    let widths = widths(&rows, width.unwrap_or(usize::MAX));
    let several = shown.services.iter().any(|service| service.stack != shown.services[0].stack);
    let mut stack = "";
    for (index, row) in rows.iter().enumerate() {
        let service = index.checked_sub(1).map(|index| &shown.services[index]);
        if let Some(service) = service.filter(|service| several && service.stack != stack) {
            stack = &service.stack;
            text.push_str(&format!("{}\n", look.paint(Style::Info, &harmless(stack))));
        }
        if !shown.services.is_empty() {
            text.push_str(&line(row, &widths, service, look));
        }
    }
    if shown.services.is_empty() {
        text.push_str(&look.line(Style::Bad, "Nothing", "of this project runs"));
    } else if !shown.not_running.is_empty() {
        text.push_str(&look.line(Style::Dim, "Not running", &shown.not_running.join(", ")));
    }
    text
}

fn row(service: &State) -> [String; 8] {
    let of_limit = |used: Option<String>, limit: Option<String>| match (used, limit) {
        (Some(used), Some(limit)) => format!("{used}/{limit}"),
        (Some(used), None) => used,
        (None, _) => String::new(),
    };
    let percent = |cpus: f64| format!("{:.0}%", cpus * 100.0);
    let state = match service.exit_code {
        Some(code) if service.state != "done" => format!("{} ({code})", service.state),
        _ => service.state.to_string(),
    };
    let restarts = if service.container.is_some() { service.restarts.to_string() } else { String::new() };
    [
        harmless(&service.service).into_owned(),
        state,
        service.uptime_secs.map(duration).unwrap_or_default(),
        restarts,
        of_limit(service.memory_bytes.map(bytes), service.memory_limit_bytes.map(bytes)),
        of_limit(service.cpus.map(percent), service.cpu_limit.map(percent)),
        service.ports.iter().map(|port| port.trim_end_matches("/tcp")).collect::<Vec<_>>().join(" "),
        harmless(service.image.as_deref().unwrap_or_default()).into_owned(),
    ]
}

/// A column that says nothing is left out (0).
fn widths(rows: &[[String; 8]], available: usize) -> [usize; 8] {
    let mut widths = [0; 8];
    for (column, width) in widths.iter_mut().enumerate() {
        let says = rows.iter().skip(1).any(|row| !row[column].is_empty());
        *width = if says { rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default() } else { 0 };
    }
    for (column, least) in GIVES_WAY {
        let shown = widths.iter().filter(|width| **width > 0).count();
        let whole = widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1);
        if whole > available && widths[column] > least {
            widths[column] = widths[column].saturating_sub(whole - available).max(least);
        }
    }
    widths
}

fn line(row: &[String; 8], widths: &[usize; 8], service: Option<&State>, look: Look) -> String {
    let mut cells = Vec::new();
    for (column, (cell, width)) in row.iter().zip(widths).enumerate().filter(|(_, (_, width))| **width > 0) {
        let cell = format!("{:<width$}", cut(cell, *width));
        cells.push(match service {
            Some(service) if column == STATE => look.paint(if service.well { Style::Good } else { Style::Bad }, &cell),
            None => look.paint(Style::Dim, &cell),
            Some(_) => cell,
        });
    }
    format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
}

fn cut(cell: &str, width: usize) -> Cow<'_, str> {
    if cell.chars().count() <= width {
        return Cow::Borrowed(cell);
    }
    Cow::Owned(cell.chars().take(width - 1).chain(['…']).collect())
}

fn duration(secs: u64) -> String {
    match secs {
        0..60 => format!("{secs}s"),
        60..3_600 => format!("{}m{}s", secs / 60, secs % 60),
        3_600..86_400 => format!("{}h{}m", secs / 3_600, secs % 3_600 / 60),
        _ => format!("{}d{}h", secs / 86_400, secs % 86_400 / 3_600),
    }
}

fn bytes(bytes: u64) -> String {
    const MIB: f64 = 1_048_576.0;
    let bytes = bytes as f64;
    if bytes >= 1024.0 * MIB { format!("{:.1}G", bytes / MIB / 1024.0) } else { format!("{:.0}M", bytes / MIB) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Services {
        let web = State {
            stack: "dev".into(),
            service: "web".into(),
            container: Some("p-web-1".into()),
            state: "healthy",
            well: true,
            uptime_secs: Some(7_380),
            image: Some("registry.example/team/a-rather-long-name:v1.4.2".into()),
            ports: vec!["8080->80/tcp".into(), "127.0.0.1:9443->443/tcp".into()],
            memory_bytes: Some(130 << 20),
            memory_limit_bytes: Some(1 << 30),
            cpus: Some(0.25),
            cpu_limit: Some(1.5),
            ..State::default()
        };
        let gone = State { container: None, state: "missing", well: false, service: "worker".into(), ..State::default() };
        let died = State { state: "exited", exit_code: Some(3), restarts: 2, service: "job".into(), ..web.clone() };
        let died = State { memory_bytes: None, cpus: None, uptime_secs: None, well: false, ports: Vec::new(), ..died };
        let gone = State { stack: "dev".into(), ..gone };
        Services { services: vec![web, gone, died], not_running: vec!["prod".into()] }
    }

    const PLAIN: Look = Look { colour: false, live: false, quiet: false, verbose: false };

    #[test]
    fn a_wide_table_says_everything() {
        assert_eq!(
            fitted(&shown(), PLAIN, None),
            "SERVICE  STATE       UP    RST  MEMORY     CPU       PORTS                         IMAGE
web      healthy     2h3m  0    130M/1.0G  25%/150%  8080->80 127.0.0.1:9443->443  registry.example/team/a-rather-long-name:v1.4.2
worker   missing
job      exited (3)        2                                                       registry.example/team/a-rather-long-name:v1.4.2
 Not running prod
"
        );
    }

    #[test]
    fn a_narrow_one_keeps_what_matters() {
        let text = fitted(&shown(), PLAIN, Some(80));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("web      healthy     2h3m  0    130M/1.0G  25%/150%  8080->80 127.0"), "{text}");
    }
}
