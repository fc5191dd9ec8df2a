//! The tag of a release: one variable, from the command line or from the environment.

use crate::error::{Error, Result};
use crate::model::Environment;
use crate::registry::Reference;
use crate::tasks::Context;

/// The variable that holds a stack's tag, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    pub variable: String,
    /// `None`: neither given nor exported.
    pub tag: Option<String>,
}

/// The tag for a stack: the one given wins over the exported variable.
///
/// # Errors
/// `Unusable`: no tag can be so.
pub fn tagged(cx: &Context<'_>, stack: &str, given: Option<&str>) -> Result<Tagged> {
    let variable = cx.project.deploy(stack).tag.clone();
    let exported = cx.environment.get(&variable).map(String::as_str).filter(|tag| !tag.is_empty());
    let tag = given.or(exported).map(String::from);
    match &tag {
        // What was meant for another variable may be anything, so it is not repeated.
        Some(tag) if !Reference::is_tag(tag) => Err(Error::unusable(format!("use {variable} as a tag"))
            .why("a tag has at most 128 letters, digits and . _ -, and begins with none of . and -")
            .help("name a release like v1.4.2")),
        _ => Ok(Tagged { variable, tag }),
    }
}

impl Tagged {
    /// The exported variables with the tag among them: what a stack is rendered with.
    pub fn environment(&self, exported: &Environment) -> Environment {
        let mut environment = exported.clone();
        environment.extend(self.env());
        environment
    }

    /// What a child is given beside what is exported.
    pub fn env(&self) -> Vec<(String, String)> {
        self.tag.iter().map(|tag| (self.variable.clone(), tag.clone())).collect()
    }
}
