//! What a release keeps of files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::saga::Sha;

/// The files that services read from the project, and what is known of those that are not kept. All
/// paths are absolute, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Each with a copy among the blobs of the release.
    pub files: Vec<KeptFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<KeptLink>,
    /// Folders of which everything is kept: what is found in them besides is of a later release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<KeptFolder>,
    /// What a rollback does not bring back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_kept: Vec<NotKept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    pub path: PathBuf,
    pub content: Sha,
    /// Permission bits.
    pub mode: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLink {
    pub path: PathBuf,
    /// As it stands in the link: relative, and inside the project.
    pub target: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFolder {
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotKept {
    pub path: PathBuf,
    pub reason: Reason,
    /// Of a file that is not too large to be read: whether it was changed since can be told by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Sha>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    TooLarge,
    /// Outside the project: others may use it too.
    Outside,
    /// A service may write to it and git does not track it: it is data, which must not be put back to
    /// what it was.
    Data,
    /// A link that is absolute or leads out of the project.
    LeadsOut,
    Unreadable,
}

impl Reason {
    /// Why it is not kept, to follow its name.
    pub fn words(self) -> &'static str {
        match self {
            Reason::TooLarge => "is too large",
            Reason::Outside => "is outside the project",
            Reason::Data => "is data of a service",
            Reason::LeadsOut => "is a link out of the project",
            Reason::Unreadable => "cannot be read",
        }
    }
}
