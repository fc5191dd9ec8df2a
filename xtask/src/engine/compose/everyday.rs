//! What people type every day, on their own files.

use std::time::Duration;

use super::{Compose, ComposeCall, done};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::secret::Masker;

impl Compose {
    /// Builds the images of these services.
    ///
    /// # Errors
    /// Compose could not build them all: `Failed`, with what the builder said.
    pub fn build_services(
        &self,
        call: &ComposeCall,
        services: &[String],
        deadline: Duration,
        masker: &Masker,
        cancel: &Cancel,
    ) -> Result<()> {
        self.on_services("build images", call, &["build", "--quiet"], services, deadline, masker, cancel)
    }

    /// Pulls the images of these services.
    ///
    /// # Errors
    /// As [`Compose::build_services`].
    pub fn pull_services(
        &self,
        call: &ComposeCall,
        services: &[String],
        deadline: Duration,
        masker: &Masker,
        cancel: &Cancel,
    ) -> Result<()> {
        self.on_services("pull images", call, &["pull", "--quiet"], services, deadline, masker, cancel)
    }

    /// Stops and removes the containers of a stack and the networks that it has made. Volumes stay, and
    /// so does what belongs to other stacks.
    ///
    /// # Errors
    /// As [`Compose::build_services`].
    pub fn down(&self, call: &ComposeCall, deadline: Duration, masker: &Masker, cancel: &Cancel) -> Result<()> {
        self.on_services("take a stack down", call, &["down", "--remove-orphans=false"], &[], deadline, masker, cancel)
    }

    #[expect(clippy::too_many_arguments, reason = "one call, told apart by its words")]
    fn on_services(
        &self,
        what: &str,
        call: &ComposeCall,
        command: &[&str],
        services: &[String],
        deadline: Duration,
        masker: &Masker,
        cancel: &Cancel,
    ) -> Result<()> {
        let words: Vec<&str> = command.iter().copied().chain(services.iter().map(String::as_str)).collect();
        done(what, self.program(call, &words).deadline(deadline).interruptible().run(masker, cancel)?, masker)
    }
}
