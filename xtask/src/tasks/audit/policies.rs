use std::path::Path;

use super::Request;
use crate::error::{Error, Result};
use crate::policy::Policy;
use crate::project::Role;
use crate::source::{Disk, Files};

/// The policies by role.
#[derive(Debug, Clone)]
pub struct Policies {
    prod: Policy,
    dev: Policy,
}

impl Policies {
    pub fn built_in() -> Policies {
        Policies { prod: Policy::of(Role::Prod).clone(), dev: Policy::of(Role::Dev).clone() }
    }

    /// The project's own among `files`, and the one that the caller names over them.
    pub fn load(root: &Path, files: &dyn Files, request: &Request) -> Result<Policies> {
        let policy = |role: Role| -> Result<Policy> {
            let project = Policy::load(root, role, files)?;
            match &request.policy {
                Some(path) if !path.exists() => {
                    Err(Error::unusable(format!("read the policy {}", path.display())).why("there is no such file"))
                }
                Some(path) => project.with_file(path, &Disk),
                None => Ok(project),
            }
        };
        let (prod, dev) = (policy(Role::Prod)?, policy(Role::Dev)?);
        Ok(Policies { prod, dev })
    }

    /// The same with no rule off: one that is has the level that it has in prod.
    #[must_use]
    pub fn with_every_rule(&self) -> Policies {
        Policies { dev: self.dev.with_every_rule(&self.prod), prod: self.prod.with_every_rule(&self.prod) }
    }

    pub fn of(&self, role: Role) -> &Policy {
        match role {
            Role::Prod => &self.prod,
            Role::Dev => &self.dev,
        }
    }
}
