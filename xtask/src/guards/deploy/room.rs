//! The engine has room for the images to be pulled, and for copies of data.

use crate::guards::Checked;

/// The file system in which the engine keeps images and volumes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub free: u64,
    /// What is to be written comes to so much, as far as it is known.
    pub needed: u64,
}

/// Beyond what images need: layers are unpacked beside what was fetched, and services write.
const SPARE: u64 = 512 << 20;

/// `None`: it cannot be seen from here (another machine's engine).
pub fn room_for_images(room: Option<Room>) -> Checked {
    let why = room.filter(|room| room.free < room.needed.saturating_add(SPARE)).map(|room| {
        let mib = |bytes: u64| bytes >> 20;
        format!(
            "{} MiB are free where the engine keeps images; the pull needs {} MiB and {} to spare",
            mib(room.free),
            mib(room.needed),
            mib(SPARE)
        )
    });
    Checked::new("room", why.into_iter().collect(), "make room; `docker system df` shows what takes it")
}

/// The same for a copy of data that is made beside what is there.
pub fn room_for_data(room: Option<Room>) -> Checked {
    let why = room.filter(|room| room.free < room.needed.saturating_add(SPARE)).map(|room| {
        let mib = |bytes: u64| bytes >> 20;
        format!(
            "{} MiB are free where the engine keeps volumes; a copy of the data needs {} MiB and {} to spare",
            mib(room.free),
            mib(room.needed),
            mib(SPARE)
        )
    });
    Checked::new("room-for-data", why.into_iter().collect(), "make room; `docker system df` shows what takes it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_refused_and_unknown_room_is_not() {
        assert_eq!((room_for_images(None).refusal, room_for_data(None).refusal), (None, None));
        let refused = room_for_data(Some(Room { free: 700 << 20, needed: 200 << 20 })).refusal.unwrap().why;
        assert!(refused[0].starts_with("700 MiB are free") && refused[0].contains("needs 200 MiB"), "{refused:?}");
        assert_eq!(room_for_images(Some(Room { free: 2 << 30, needed: 1 << 30 })).refusal, None);
        let why = room_for_images(Some(Room { free: 1 << 30, needed: 1 << 30 })).refusal.unwrap().why;
        assert_eq!(why, ["1024 MiB are free where the engine keeps images; the pull needs 1024 MiB and 512 to spare"]);
    }
}
