//! Stands where the repository is, in a build without it: there is none, so nothing of one can be called.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::{Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use super::{Extent, Fault, Manifest, Place, Stored, Stream, Summary};
use crate::error::{Error, Result};

pub struct Repository(Infallible);
pub struct Content(Infallible);
pub struct Writer(Infallible);
pub struct Listing(Infallible);
pub struct Packs(Infallible);
pub struct Parts<'w>(Infallible, PhantomData<&'w mut Writer>);

impl Repository {
    pub fn exists(_: &Place) -> Result<bool> {
        Ok(false)
    }

    pub fn create(_: &Place, _: &str) -> Result<()> {
        Err(without())
    }

    pub fn forget_unfinished(_: &Place, _: &str) -> Result<()> {
        Ok(())
    }

    pub fn open(_: &Place) -> Result<Repository> {
        Err(without())
    }

    pub fn place(&self) -> &Place {
        match self.0 {}
    }

    pub fn stored(&self) -> Result<Vec<Stored>> {
        match self.0 {}
    }

    pub fn backup(&self, _: &Summary, _: bool, _: impl FnOnce(&mut Writer) -> Result<()>) -> Result<Extent> {
        match self.0 {}
    }

    pub fn removed(&self) -> Result<Vec<Stored>> {
        match self.0 {}
    }

    pub fn content(&self, _: &str, _: bool) -> Result<Content> {
        match self.0 {}
    }

    pub fn publish(&self, _: &Summary) -> Result<()> {
        match self.0 {}
    }

    pub fn describe(&self, _: &Summary) -> Result<()> {
        match self.0 {}
    }

    pub fn delete_run(&self, _: &str) -> Result<()> {
        match self.0 {}
    }

    pub fn delete_pending(&self, _: &str) -> Result<()> {
        match self.0 {}
    }

    pub fn delete_leftovers(&self, _: &BTreeSet<String>) -> Result<()> {
        match self.0 {}
    }

    pub fn forget(&self, _: &[String]) -> Result<()> {
        match self.0 {}
    }

    pub fn prune(&self) -> Result<()> {
        match self.0 {}
    }

    pub fn check(&self, _: bool) -> Result<Vec<Fault>> {
        match self.0 {}
    }
}

impl Content {
    pub fn manifest(&self) -> Result<Manifest> {
        match self.0 {}
    }

    pub fn file(&self, _: &str) -> Result<Vec<u8>> {
        match self.0 {}
    }

    pub fn stream<'c>(&'c self, _: &str, _: &Stream) -> Box<dyn Read + 'c> {
        match self.0 {}
    }

    pub fn paths(&self) -> Result<Vec<(PathBuf, Option<u64>)>> {
        match self.0 {}
    }

    pub fn write_file(&self, _: &str, _: &mut dyn Write) -> Result<()> {
        match self.0 {}
    }

    pub fn pack(&self, _: &str, _: &str, _: &mut dyn Write) -> Result<()> {
        match self.0 {}
    }

    pub fn packs(&self) -> Result<Packs> {
        match self.0 {}
    }

    pub fn extent(&self, _: &str, _: &Packs) -> Result<Extent> {
        match self.0 {}
    }
}

impl Writer {
    pub fn total(&self) -> Extent {
        match self.0 {}
    }

    pub fn file(&mut self, _: &str, _: u32, _: Vec<u8>) -> Result<()> {
        match self.0 {}
    }

    pub fn stream(&mut self, _: &str) -> Parts<'_> {
        match self.0 {}
    }

    pub fn tar(&mut self, _: &str, _: impl Read, _: &mut dyn FnMut(&Path) -> Result<Box<dyn Read>>) -> Result<Extent> {
        match self.0 {}
    }

    pub fn folder(&mut self, _: &str, _: &Path, _: bool) -> Result<Extent> {
        match self.0 {}
    }

    pub fn settle(&self, _: &dyn Fn() -> Result<()>) -> Result<()> {
        match self.0 {}
    }
}

impl Listing {
    pub fn read(_: impl Read) -> Result<Listing> {
        Err(without())
    }

    pub fn of_folder(_: &Path) -> Result<Listing> {
        Err(without())
    }

    pub fn entries(&self) -> usize {
        match self.0 {}
    }

    pub fn differences(&self, _: &Listing) -> Vec<String> {
        match self.0 {}
    }

    pub fn digest(&self) -> String {
        match self.0 {}
    }
}

impl Parts<'_> {
    pub fn write(&mut self, _: &[u8]) -> Result<()> {
        match self.0 {}
    }

    pub fn bytes(&self) -> u64 {
        match self.0 {}
    }

    pub fn finish(self) -> Result<Stream> {
        match self.0 {}
    }
}

fn without() -> Error {
    Error::unusable("use a backup repository")
        .why("this xtask was built without backups")
        .help("build it with the feature `backup`, which is on by default")
}
