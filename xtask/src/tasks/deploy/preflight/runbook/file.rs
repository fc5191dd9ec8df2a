//! Runbooks on disk: found by their first line, and replaced only when nobody else has a part in them.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::short;
use crate::error::{Error, Kind, Result};
use crate::tasks::Context;
use crate::tasks::context::listed;

const BEGINS: &str = "<!-- xtask runbook ";
const ENDS: &str = " -->";
const MODE: u32 = 0o644;
/// A first line is not longer.
const LINE_BYTES: u64 = 1024;

/// What a runbook's first line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub facts: String,
    /// Of all that follows the line.
    pub body: String,
    pub stack: String,
}

impl Written {
    pub fn line(&self) -> String {
        let Written { facts, body, stack } = self;
        format!("{BEGINS}{facts} {body} {}{ENDS}\n", told(stack))
    }

    fn read(text: &str) -> Option<Written> {
        let line = text.lines().next()?.strip_prefix(BEGINS)?.strip_suffix(ENDS)?;
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().map(String::from);
        Some(Written { facts: word()?, body: word()?, stack: word()? })
    }
}

/// A name cannot end the comment.
fn told(stack: &str) -> String {
    stack.replace(['<', '>'], "_").replace(char::is_control, "_")
}

/// The runbooks of a stack among the project's files, relative to its root.
///
/// # Errors
/// The files cannot be listed.
pub fn of_stack(cx: &Context<'_>, stack: &str) -> Result<Vec<(PathBuf, Written)>> {
    let root = &cx.project.root;
    let mut found = Vec::new();
    for path in listed(root, cx.git.as_ref())?.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        let mut bytes = Vec::new();
        // What cannot be read is no runbook of ours.
        let _ = fs::File::open(&path).and_then(|file| file.take(LINE_BYTES).read_to_end(&mut bytes));
        let written = Written::read(&String::from_utf8_lossy(&bytes));
        found.extend(
            written.filter(|written| written.stack == told(stack)).map(|written| (cx.project.relative(&path).to_path_buf(), written)),
        );
    }
    Ok(found)
}

/// Writes a runbook (0644), whole or not at all.
///
/// # Errors
/// `Refused`: there is a file that is not as this wrote it, and nobody said `force`; or a link, or a folder.
pub fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(Error::io("look at", path, error).kind(Kind::Unusable)),
        Ok(meta) if !meta.is_file() => return Err(refused(path, "it is a link or a folder, not a file", "name another file")),
        Ok(_) => true,
    };
    if there && !force && !is_ours(path)? {
        return Err(refused(path, "it was not written by this command, or was changed since", "name another file, or add --force"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = folder.join(format!(".xtask-runbook-{}.tmp", std::process::id()));
    let written = put(&temporary, text).and_then(|()| match there {
        true => fs::rename(&temporary, path),
        // Whoever has made the file in between keeps it.
        false => fs::hard_link(&temporary, path),
    });
    let _ = fs::remove_file(&temporary);
    written.map_err(|error| Error::io("write", path, error).kind(Kind::Unusable))
}

fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn is_ours(path: &Path) -> Result<bool> {
    let bytes = fs::read(path).map_err(|error| Error::io("read", path, error).kind(Kind::Unusable))?;
    let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(false) };
    let body = text.split_once('\n').map_or("", |(_, body)| body);
    Ok(Written::read(text).is_some_and(|written| written.body == short(body.as_bytes())))
}

fn refused(path: &Path, why: &str, help: &str) -> Error {
    Error::refused(format!("write {}", path.display())).why(why).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> String {
        let written = Written { facts: "f".into(), body: short(body.as_bytes()), stack: "a/b c".into() };
        format!("{}{body}", written.line())
    }

    #[test]
    fn only_what_this_wrote_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("RUNBOOK.md");
        write(&path, &text("one\n"), false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        write(&path, &text("two\n"), false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text("two\n"));
        fs::write(&path, format!("{}and what I know", text("two\n"))).unwrap();
        assert_eq!(write(&path, &text("three\n"), false).unwrap_err().kind, Kind::Refused);
        assert!(fs::read_to_string(&path).unwrap().ends_with("what I know"));
        write(&path, &text("three\n"), true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text("three\n"));
        fs::write(&path, "# Ours\n").unwrap();
        assert_eq!(write(&path, &text("four\n"), false).unwrap_err().kind, Kind::Refused);
        let link = folder.path().join("link.md");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(write(&link, &text("five\n"), true).unwrap_err().kind, Kind::Refused);
        assert_eq!(fs::read_to_string(&path).unwrap(), "# Ours\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn a_first_line_is_read_back_whatever_the_stack_is_called() {
        let written = Written { facts: "f".into(), body: "b".into(), stack: "a/b c".into() };
        assert_eq!(Written::read(&written.line()), Some(written.clone()));
        let odd = Written { stack: "x --> <b>\n".into(), ..written };
        assert_eq!(Written::read(&odd.line()).unwrap().stack, told("x --> <b>\n"));
        assert_eq!(Written::read("# RUNBOOK\n"), None);
    }
}
