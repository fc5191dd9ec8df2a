//! The files that are written, and whose they are now.

use std::path::{Path, PathBuf};

use super::look::{Looked, Made};
use super::pin;
use crate::error::Result;
use crate::event::FileDiff;
use crate::production::{DOCKERFILE, Written, dockerfile, dockerignore, hides, marked, written};
use crate::source::{Disk, Files};
use crate::tasks::Context;

const IGNORE: &str = ".dockerignore";
/// Builders look for it before the other, and for this Dockerfile alone.
const OWN_IGNORE: &str = "Dockerfile.prod.dockerignore";

/// A file of a build context.
pub struct File {
    /// The number of what it is for, in [`Looked::made`].
    pub made: usize,
    /// Absolute.
    pub path: PathBuf,
    pub before: Option<String>,
    pub after: String,
}

impl File {
    pub fn changes(&self) -> bool {
        self.before.as_deref() != Some(&self.after)
    }

    /// Why it cannot be written.
    pub fn is_of_somebody(&self) -> Option<&'static str> {
        match self.before.as_deref().map(written) {
            Some(Written::BySomebody) => Some("was not written by this tool"),
            Some(Written::Changed) => Some("was changed since this tool wrote it"),
            Some(Written::ByUs) | None => None,
        }
    }

    pub fn diff(&self, cx: &Context<'_>) -> FileDiff {
        let masker = cx.masker.borrow();
        FileDiff {
            path: cx.project.relative(&self.path).display().to_string(),
            before: self.before.as_deref().map(|text| masker.mask(text).into_owned()),
            after: Some(masker.mask(&self.after).into_owned()),
        }
    }
}

/// Two for each image, whether they change or not. `asks`: digests that are not written yet are asked for.
pub fn files(cx: &Context<'_>, looked: &Looked<'_>, asks: bool) -> Result<Vec<File>> {
    let before = looked.made.iter().map(|made| text(&made.context.join(DOCKERFILE))).collect::<Result<Vec<_>>>()?;
    let bases = looked.made.iter().zip(&before).flat_map(|(made, text)| {
        let ours = text.as_deref().filter(|text| written(text) == Written::ByUs);
        [(made.recipe.base.as_str(), ours), (made.recipe.runtime.as_str(), ours)]
    });
    let pinned = pin::pinned(bases, |base| if asks { pin::digest(cx, base) } else { Ok(None) })?;
    let mut files = Vec::new();
    for (number, (made, before)) in looked.made.iter().zip(before).enumerate() {
        let pin = |base: &str| pinned.get(base).cloned().unwrap_or_else(|| base.to_string());
        let after = marked(&dockerfile(&made.recipe, pin));
        files.push(File { made: number, path: made.context.join(DOCKERFILE), before, after });
        files.push(ignore(number, made)?);
    }
    Ok(files)
}

/// The one of the whole folder, unless somebody has one there, or other builds would miss something by it.
fn ignore(number: usize, made: &Made) -> Result<File> {
    let after = dockerignore(&made.recipe);
    let (whole, own) = (made.context.join(IGNORE), made.context.join(OWN_IGNORE));
    let there = text(&whole)?;
    let for_all = match there.as_deref().map(written) {
        Some(Written::ByUs) => true,
        Some(_) => false,
        None => !own.exists() && !hides(&after, made.sources.iter().cloned()),
    };
    let (path, before) = if for_all { (whole, there) } else { (own.clone(), text(&own)?) };
    Ok(File { made: number, path, before, after: marked(&after) })
}

/// What is no text is somebody else's.
fn text(path: &Path) -> Result<Option<String>> {
    Ok(Disk.read(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
