//! What the phases of the migration share: every stack as it renders, files as they would be, the guards
//! and steps around them, and the proof that nothing else has changed.

pub mod before;
pub mod change;
pub mod checks;
pub mod equal;
pub mod example;
pub mod hidden;
pub mod home;
pub mod lines;
pub mod live;
pub mod preview;
pub mod prove;
pub mod rendering;
pub mod show;
pub mod steps;
pub mod survey;
pub mod unused;
pub mod usage;
pub mod validate;
