//! What must hold before a stack goes into production. Each guard takes facts and says what stands
//! against the deploy; none touches anything.

mod backup;
mod external;
mod findings;
mod images;
mod major;
mod names;
mod ports;
mod roles;
mod room;
mod secret_files;
mod tag;
mod unchanged;
mod variables;

pub use backup::{HOUR_MS, is_backed_up, is_fresh, newest_verified};
pub use external::external_things_exist;
pub use findings::{Blocking, findings_are_accepted};
pub use images::{Unavailable, images_are_there};
pub use major::{COVERED_HOURS, MajorChange, NextImage, major_changes, major_changes_are_covered};
pub use names::{Names, names_are_kept};
pub use ports::{Held, Wanted, ports_are_free, wanted_ports};
pub use roles::one_role;
pub use room::{Room, room_for_data, room_for_images};
pub use secret_files::{SecretFile, secret_files, secret_files_are_ready};
pub use tag::{TagUse, tag_is_set, tag_use};
pub use unchanged::definitions_are_unchanged;
pub use variables::variables_are_set;
