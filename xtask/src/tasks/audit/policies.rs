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
        Ok(Policies { prod: policy(Role::Prod)?, dev: policy(Role::Dev)? })
    }

    pub fn of(&self, role: Role) -> &Policy {
        match role {
            Role::Prod => &self.prod,
            Role::Dev => &self.dev,
        }
    }
}
