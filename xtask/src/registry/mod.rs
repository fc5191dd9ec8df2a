//! Which image a name means, here and in its registry, and with whose login that is asked.

mod logins;
mod reference;
mod resolve;

pub use logins::{Logins, Sought};
pub use reference::Reference;
pub use resolve::{From, Here, Resolved, Resolver, Trouble, Unresolved};
