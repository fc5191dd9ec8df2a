//! No durable record, no action: read off a log of system calls.

use std::path::Path;

/// Calls that change a name; the argument that matters is a path or a descriptor in it.
const EFFECTS: [&str; 19] = [
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "fchownat",
    "truncate",
];

/// Panics if anything outside `.xtask` changes while the journal holds an unsynced record, or if a
/// file gets its name while its content is not synced. Returns how many effects were looked at.
pub fn assert_synced_before_effects(log: &str, root: &Path) -> usize {
    let (mut unsynced, mut records, mut effects) = (Vec::<String>::new(), 0, 0);
    for line in log.lines().filter(|line| !line.contains("<... ")) {
        let Some((name, arguments)) = line.split_once(char::is_whitespace).and_then(|(_, call)| call.trim_start().split_once('(')) else {
            continue;
        };
        let file = arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
        match name {
            "write" if file.ends_with("/journal.jsonl") || file.ends_with(".tmp") => {
                records += usize::from(file.ends_with("/journal.jsonl"));
                unsynced.push(file.to_string());
            }
            "fsync" | "fdatasync" => unsynced.retain(|path| path != file),
            _ if is_effect(name, arguments, root) => {
                effects += 1;
                let journal = unsynced.iter().any(|path| path.ends_with("/journal.jsonl"));
                assert!(!journal, "the journal is not synced at: {line}");
                let torn = name.starts_with("rename") && unsynced.iter().any(|path| arguments.contains(path.as_str()));
                assert!(!torn, "the content is not synced at: {line}");
            }
            _ => {}
        }
    }
    assert!(records > 0, "the log shows no journal");
    effects
}

fn is_effect(name: &str, arguments: &str, root: &Path) -> bool {
    let creates = name.starts_with("open") && arguments.contains("O_CREAT");
    let inside = arguments.contains(&*root.to_string_lossy()) && !arguments.contains("/.xtask/") && !arguments.contains("/.xtask\"");
    (creates || EFFECTS.contains(&name)) && inside
}
