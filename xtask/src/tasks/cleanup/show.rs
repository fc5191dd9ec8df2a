//! The plan as a table, and the word that names it.

use super::look::Found;
use super::stock::{Kind, Thing};
use crate::event::Event;
use crate::saga::{Sha, now_ms};
use crate::text::size;

const DAY_MS: u64 = 86_400_000;

/// What is removed and why, then what stays and why.
pub fn preview(found: &Found) -> Vec<Event> {
    let rows: Vec<[String; 5]> = found.unused.iter().map(|(thing, why)| row(thing, why)).collect();
    let mut other = table(&rows);
    other.extend(of_others(found));
    if !found.named_volumes().is_empty() {
        other.push(format!("named volumes need the name of this list: --confirm {}", word(found)));
    }
    let mut events = vec![Event::Planned { files: Vec::new(), other }];
    let kept = found.kept.iter().map(|(thing, why)| Event::Note(format!("kept: the {} {}: {why}", thing.kind.word(), thing.name)));
    events.extend(kept);
    if !found.left.is_empty() {
        let names: Vec<&str> = found.left.iter().map(|thing| thing.name.as_str()).collect();
        let left = format!("unused volumes stay, for they are removed only by name: {}; `cargo xtask cleanup`", names.join(", "));
        events.push(Event::Note(left));
    }
    events
}

/// What is on the list and may be anybody's on the same engine.
fn of_others(found: &Found) -> Option<String> {
    let ours = |thing: &Thing| thing.project().is_some_and(|project| found.projects.contains(project));
    let others: Vec<&Thing> = found.unused.iter().map(|(thing, _)| thing).filter(|thing| !ours(thing)).collect();
    if others.is_empty() {
        return None;
    }
    let count = others.len();
    Some(if others.iter().all(|thing| thing.is_untagged()) {
        format!("{count} of these are images without a name, of whatever project on this engine; cleanup STACK leaves them alone")
    } else {
        format!("{count} of these are not this project's, or nobody says whose: --host means everything on this engine")
    })
}

/// Names exactly this list: another one has another word.
pub fn word(found: &Found) -> String {
    let lines: Vec<String> =
        found.unused.iter().map(|(thing, _)| format!("{} {} {} {}\n", thing.kind.word(), thing.id, thing.name, thing.made)).collect();
    // What a build used last changes all the time, and is no reason to ask again.
    let stable = lines.into_iter().filter(|line| !line.starts_with(Kind::Cache.word()));
    format!("cleanup-{}", &Sha::of(stable.collect::<String>().as_bytes()).as_str()[..8])
}

fn row(thing: &Thing, why: &str) -> [String; 5] {
    let size = thing.bytes.map_or_else(|| "-".to_string(), size);
    let age = thing.made_ms.map_or_else(|| "-".to_string(), |made| age(now_ms().saturating_sub(made)));
    [thing.kind.word().to_string(), thing.name.clone(), size, age, format!("{why}; {}", fate(thing))]
}

/// What becomes of it.
pub fn fate(thing: &Thing) -> String {
    let fate = match (thing.kind, &thing.served) {
        (Kind::Container, _) => "cannot come back",
        (Kind::Network, _) => "its definition is kept",
        (Kind::Image, _) if thing.is_untagged() => "not archived: a pull or a build makes it again",
        (Kind::Image, Some(reference)) => return format!("not archived: {} has it", reference.split('/').next().unwrap_or(reference)),
        (Kind::Volume | Kind::Image, _) => "archived first",
        (Kind::Cache, _) => "not archived: a build makes it again",
    };
    fate.to_string()
}

fn table(rows: &[[String; 5]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 5]| {
        let [kind, name, size, age, why] = row;
        format!("{kind:<0$}  {name:<1$}  {size:>2$}  {age:>3$}  {why}", widths[0], widths[1], widths[2], widths[3])
    };
    rows.iter().map(line).collect()
}

fn age(ms: u64) -> String {
    if ms < DAY_MS { format!("{} h", ms / (DAY_MS / 24)) } else { format!("{} d", ms / DAY_MS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let row = |words: [&str; 5]| words.map(String::from);
        let lines = table(&[row(["volume", "a", "1.0 KiB", "9 d", "x"]), row(["network", "longer", "-", "12 h", "y"])]);
        assert_eq!(lines, ["volume   a       1.0 KiB   9 d  x", "network  longer        -  12 h  y"]);
        assert_eq!((age(DAY_MS - 1), age(DAY_MS * 41)), ("23 h".into(), "41 d".into()));
    }
}
