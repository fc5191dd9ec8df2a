//! What a step has found before it acts: what its undo goes by.

use serde::{Deserialize, Serialize};

use super::backup::Quieted;
use super::cleanup::{Reclaimed, Standing};
use super::git_commit::CommitReceipt;
use super::git_entry::EntryReceipt;
use super::keep_stack::KeptStack;
use super::name_image::Named;
use super::pull_image::Pulled;
use super::recreate::Kept;
use super::remove_file::Removed;
use super::save_release::Saved;
use super::write_file::Found;
use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Receipt {
    /// The step itself says all that undo needs.
    Nothing,
    Found(Found),
    Removed(Removed),
    Entry(EntryReceipt),
    Commit(CommitReceipt),
    Kept(Kept),
    Pulled(Pulled),
    Named(Named),
    Stack(KeptStack),
    Saved(Saved),
    Quieted(QuietedAll),
    Standing(Standing),
    Reclaimed(Reclaimed),
}

/// The containers that a backup may pause or stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietedAll {
    pub containers: Vec<Quieted>,
}

/// Each kind of step finds its own receipt; another one means that the journal was edited.
impl Receipt {
    pub(super) fn found(&self) -> Result<&Found> {
        if let Receipt::Found(found) = self { Ok(found) } else { Err(self.of_another_step()) }
    }

    pub(super) fn removed(&self) -> Result<&Removed> {
        if let Receipt::Removed(removed) = self { Ok(removed) } else { Err(self.of_another_step()) }
    }

    pub(super) fn entry(&self) -> Result<&EntryReceipt> {
        if let Receipt::Entry(entry) = self { Ok(entry) } else { Err(self.of_another_step()) }
    }

    pub(super) fn commit(&self) -> Result<&CommitReceipt> {
        if let Receipt::Commit(commit) = self { Ok(commit) } else { Err(self.of_another_step()) }
    }

    pub(super) fn kept(&self) -> Result<&Kept> {
        if let Receipt::Kept(kept) = self { Ok(kept) } else { Err(self.of_another_step()) }
    }

    pub(super) fn pulled(&self) -> Result<&Pulled> {
        if let Receipt::Pulled(pulled) = self { Ok(pulled) } else { Err(self.of_another_step()) }
    }

    pub(super) fn named(&self) -> Result<&Named> {
        if let Receipt::Named(named) = self { Ok(named) } else { Err(self.of_another_step()) }
    }

    pub(super) fn stack(&self) -> Result<&KeptStack> {
        if let Receipt::Stack(stack) = self { Ok(stack) } else { Err(self.of_another_step()) }
    }

    pub(super) fn saved(&self) -> Result<&Saved> {
        if let Receipt::Saved(saved) = self { Ok(saved) } else { Err(self.of_another_step()) }
    }

    pub(super) fn quieted(&self) -> Result<&QuietedAll> {
        if let Receipt::Quieted(quieted) = self { Ok(quieted) } else { Err(self.of_another_step()) }
    }

    pub(super) fn standing(&self) -> Result<&Standing> {
        if let Receipt::Standing(standing) = self { Ok(standing) } else { Err(self.of_another_step()) }
    }

    fn of_another_step(&self) -> Error {
        Error::unusable("use a receipt of the journal").why("it is that of another kind of step")
    }
}
