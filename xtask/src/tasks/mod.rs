//! The tasks, one a file or a folder.

pub mod security_fix;
