//! What a backup holds of a volume, as a tar archive that engines unpack: ustar, with pax records for whatever does
//! not fit into it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use rustic_core::repofile::{Node, NodeType};
use serde_json::Value;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BLOCK: usize = 512;
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// More does not fit into the eleven octal digits of a size, nor into the seven of an id.
const LARGEST: u64 = 0o777_7777_7777;
const LARGEST_ID: u32 = 0o777_7777;

pub(super) struct Pack<W> {
    into: W,
    /// The first path of what is one file by several names.
    links: BTreeMap<(u64, u64), Vec<u8>>,
}

impl<W: Write> Pack<W> {
    pub fn new(into: W) -> Self {
        Pack { into, links: BTreeMap::new() }
    }

    /// Whether the content of the file must follow; it is as long as the node says.
    ///
    /// # Errors
    /// Nobody takes it, or the node is none that a tar archive could hold.
    pub fn entry(&mut self, path: &[u8], node: &Node) -> io::Result<bool> {
        let meta = &node.meta;
        let mut has_content = false;
        let (kind, link, device) = match &node.node_type {
            NodeType::File => match self.links.get(&(meta.device_id, meta.inode)) {
                Some(first) if meta.links > 1 => (b'1', first.clone(), 0),
                _ => {
                    if meta.links > 1 {
                        self.links.insert((meta.device_id, meta.inode), path.to_vec());
                    }
                    has_content = true;
                    (b'0', Vec::new(), 0)
                }
            },
            NodeType::Dir => (b'5', Vec::new(), 0),
            NodeType::Symlink { .. } => (b'2', node.node_type.to_link().as_os_str().as_bytes().to_vec(), 0),
            NodeType::Dev { device } => (b'4', Vec::new(), *device),
            NodeType::Chardev { device } => (b'3', Vec::new(), *device),
            NodeType::Fifo => (b'6', Vec::new(), 0),
            // It is made by whoever listens on it.
            NodeType::Socket => return Ok(false),
        };
        let size = if has_content { meta.size } else { 0 };
        let records = records(path, &link, size, node);
        if !records.is_empty() {
            let length = records.len() as u64;
            self.into.write_all(&header(b"pax", b'x', &[], length, 0, &Node::default()))?;
            self.into.write_all(&records)?;
            self.pad(length)?;
        }
        self.into.write_all(&header(path, kind, &link, size, device, node))?;
        Ok(has_content)
    }

    /// Where the content of a file goes.
    pub fn content(&mut self) -> &mut W {
        &mut self.into
    }

    /// After the content of a file.
    pub fn pad(&mut self, size: u64) -> io::Result<()> {
        let rest = size.next_multiple_of(BLOCK as u64) - size;
        self.into.write_all(&END[..usize::try_from(rest).unwrap_or_default()])
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.into.write_all(&END)?;
        self.into.flush()
    }
}

fn records(path: &[u8], link: &[u8], size: u64, node: &Node) -> Vec<u8> {
    let meta = &node.meta;
    let mut records = Vec::new();
    if path.len() > 100 {
        record(&mut records, "path", path);
    }
    if link.len() > 100 {
        record(&mut records, "linkpath", link);
    }
    if size > LARGEST {
        record(&mut records, "size", size.to_string().as_bytes());
    }
    for (key, id) in [("uid", meta.uid), ("gid", meta.gid)] {
        if let Some(id) = id.filter(|id| *id > LARGEST_ID) {
            record(&mut records, key, id.to_string().as_bytes());
        }
    }
    if let Some(mtime) = &meta.mtime {
        let nanos = mtime.as_nanosecond();
        if nanos < 0 || nanos % 1_000_000_000 != 0 {
            let sign = if nanos < 0 { "-" } else { "" };
            let (seconds, rest) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
            record(&mut records, "mtime", format!("{sign}{seconds}.{rest:09}").as_bytes());
        }
    }
    for (name, value) in attributes(node) {
        record(&mut records, &format!("SCHILY.xattr.{name}"), &value);
    }
    records
}

/// The library keeps the type to itself, but writes it as it stands in a repository.
fn attributes(node: &Node) -> Vec<(String, Vec<u8>)> {
    if node.meta.extended_attributes.is_empty() {
        return Vec::new();
    }
    let said = serde_json::to_value(&node.meta.extended_attributes).unwrap_or_default();
    let pair = |one: &Value| {
        let value = one.get("value").and_then(Value::as_str).unwrap_or_default();
        Some((one.get("name")?.as_str()?.to_string(), STANDARD.decode(value).ok()?))
    };
    said.as_array().into_iter().flatten().filter_map(pair).collect()
}

/// `LENGTH KEY=VALUE\n`, of which the length is that of all, itself included.
fn record(into: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    into.extend_from_slice(format!("{length} {key}=").as_bytes());
    into.extend_from_slice(value);
    into.push(b'\n');
}

fn header(path: &[u8], kind: u8, link: &[u8], size: u64, device: u64, node: &Node) -> [u8; BLOCK] {
    let meta = &node.meta;
    let mut block = [0; BLOCK];
    let mut put = |at: usize, most: usize, bytes: &[u8]| {
        let length = bytes.len().min(most);
        block[at..at + length].copy_from_slice(&bytes[..length]);
    };
    let octal = |number: u64, digits: usize| format!("{number:0digits$o}");
    put(0, 100, path);
    put(100, 7, octal(u64::from(unix_mode(meta.mode.unwrap_or_default())), 7).as_bytes());
    for (at, id) in [(108, meta.uid), (116, meta.gid)] {
        put(at, 7, octal(u64::from(id.filter(|id| *id <= LARGEST_ID).unwrap_or_default()), 7).as_bytes());
    }
    put(124, 11, octal(if size > LARGEST { 0 } else { size }, 11).as_bytes());
    let seconds = meta.mtime.as_ref().map_or(0, |mtime| u64::try_from(mtime.as_second()).unwrap_or_default());
    put(136, 11, octal(seconds.min(LARGEST), 11).as_bytes());
    put(148, 8, b"        ");
    put(156, 1, &[kind]);
    put(157, 100, link);
    put(257, 8, b"ustar\x0000");
    let (major, minor) = ((device >> 32 & 0xffff_f000) | (device >> 8 & 0xfff), (device >> 12 & 0xffff_ff00) | (device & 0xff));
    put(329, 7, octal(major & 0o777_7777, 7).as_bytes());
    put(337, 7, octal(minor & 0o777_7777, 7).as_bytes());
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

/// Restic keeps setuid, setgid and sticky in places of their own.
fn unix_mode(mode: u32) -> u32 {
    let moved = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];
    moved.iter().fold(mode & 0o777, |bits, (from, to)| if mode & from == 0 { bits } else { bits | to })
}

/// One step below a path.
pub(super) fn joined(at: &[u8], name: &OsStr) -> Vec<u8> {
    [at, b"/", name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::Path;

    use rustic_core::repofile::Metadata;

    use super::super::tar::{Kind, Tar};
    use super::*;

    #[test]
    fn what_is_packed_is_read_back() {
        let long = format!("held/{}", "x".repeat(200));
        let meta = |links| Metadata {
            mode: Some(0o750 | 1 << 23),
            uid: Some(3_000_000),
            gid: Some(998),
            size: 5,
            inode: 7,
            links,
            ..Metadata::default()
        };
        let file = |name: &str, links| Node::new_node(OsStr::new(name), NodeType::File, meta(links));
        let mut bytes = Vec::new();
        let mut pack = Pack::new(&mut bytes);
        assert!(pack.entry(long.as_bytes(), &file("x", 2)).unwrap());
        pack.content().write_all(b"hello").unwrap();
        pack.pad(5).unwrap();
        assert!(!pack.entry(b"held/y", &file("y", 2)).unwrap());
        let link = Node::new_node(OsStr::new("l"), NodeType::from_link(Path::new("to")), Metadata::default());
        assert!(!pack.entry(b"held/l", &link).unwrap());
        pack.finish().unwrap();

        let mut tar = Tar::new(bytes.as_slice());
        let first = tar.next_entry().unwrap().unwrap();
        assert_eq!((first.path.as_slice(), first.mode, first.uid, first.gid), (long.as_bytes(), 0o4750, 3_000_000, 998));
        let mut content = String::new();
        tar.read_to_string(&mut content).unwrap();
        assert_eq!(content, "hello");
        assert_eq!(tar.next_entry().unwrap().unwrap().kind, Kind::HardLink(long.into_bytes()));
        assert_eq!(tar.next_entry().unwrap().unwrap().kind, Kind::Symlink(b"to".to_vec()));
        assert!(tar.next_entry().unwrap().is_none());
    }
}
