//! Compose's own way to wait, for those who compare.

use std::time::Duration;

use super::{Compose, ComposeCall};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::secret::Masker;

impl Compose {
    /// `up --detach --wait`, which gives up at the first container that is unhealthy. Its exit code, whatever it is.
    ///
    /// # Errors
    /// It cannot be started, or takes longer than `deadline` (`Failed`); somebody wants to stop (`Interrupted`).
    pub fn up_and_wait(&self, call: &ComposeCall, deadline: Duration, cancel: &Cancel) -> Result<Option<i32>> {
        let program = self.program(call, &["up", "--detach", "--wait", "--pull", "never"]).deadline(deadline).interruptible();
        Ok(program.run(&Masker::default(), cancel)?.code)
    }
}
