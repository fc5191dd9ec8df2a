//! Reads tar archives as engines write them: ustar with pax records, and what GNU tar adds for long names and
//! large numbers. Names are bytes. An archive that ends before its end mark is an error.

use std::io::{Error, ErrorKind, Read, Result};

const BLOCK: usize = 512;
/// Names and attributes of one entry; a record that is longer was not written by an engine.
const LONGEST_RECORD: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    File,
    /// To an earlier entry of the archive, by its whole name.
    HardLink(Vec<u8>),
    Symlink(Vec<u8>),
    CharDevice(u64),
    BlockDevice(u64),
    Folder,
    Fifo,
}

/// One entry; the data of a file follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Without a `/` at its end.
    pub path: Vec<u8>,
    pub kind: Kind,
    pub size: u64,
    /// Permissions, setuid, setgid and sticky: the lowest twelve bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub user: String,
    pub group: String,
    /// Seconds since 1970, and nanoseconds.
    pub mtime: (i64, i32),
    pub attributes: Vec<(String, Vec<u8>)>,
}

pub struct Tar<R> {
    from: R,
    /// Of the current entry: data that was not read, and the zeros behind it.
    left: u64,
    padding: u64,
}

impl<R: Read> Tar<R> {
    pub fn new(from: R) -> Self {
        Tar { from, left: 0, padding: 0 }
    }

    /// The next entry; `None` at the end mark. What was not read of the last one is skipped.
    ///
    /// # Errors
    /// `UnexpectedEof`: the archive is cut off. `InvalidData`: this is no archive.
    pub fn next_entry(&mut self) -> Result<Option<Header>> {
        let mut pax = Pax::default();
        loop {
            self.skip()?;
            let mut block = [0; BLOCK];
            self.from.read_exact(&mut block)?;
            if block.iter().all(|byte| *byte == 0) {
                std::io::copy(&mut self.from, &mut std::io::sink())?;
                return Ok(None);
            }
            check(&block)?;
            let size = pax.size.unwrap_or(number(&block[124..136])?);
            let record = |tar: &mut Self| -> Result<Vec<u8>> {
                tar.start(size);
                tar.record()
            };
            match block[156] {
                b'x' => pax.read(&record(self)?)?,
                b'g' => _ = record(self)?,
                b'L' => pax.path = Some(text(&record(self)?).to_vec()),
                b'K' => pax.link = Some(text(&record(self)?).to_vec()),
                kind => {
                    let header = header(&block, kind, size, pax)?;
                    self.start(if header.kind == Kind::File { size } else { 0 });
                    return Ok(Some(header));
                }
            }
        }
    }

    fn start(&mut self, size: u64) {
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
    }

    fn record(&mut self) -> Result<Vec<u8>> {
        if self.left > LONGEST_RECORD {
            return Err(wrong("a record of it is too long"));
        }
        let mut data = Vec::new();
        self.read_to_end(&mut data)?;
        Ok(data)
    }

    fn skip(&mut self) -> Result<()> {
        let rest = self.left + self.padding;
        let skipped = std::io::copy(&mut self.from.by_ref().take(rest), &mut std::io::sink())?;
        (self.left, self.padding) = (0, 0);
        if skipped == rest { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }
}

/// The data of the current entry. That it ends early is an error, not an end.
impl<R: Read> Read for Tar<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let most = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let read = self.from.read(&mut into[..most])?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// What stands in front of an entry and overrides its header.
#[derive(Default)]
struct Pax {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    user: Option<String>,
    group: Option<String>,
    mtime: Option<(i64, i32)>,
    attributes: Vec<(String, Vec<u8>)>,
}

impl Pax {
    /// Lines `LENGTH KEY=VALUE\n`; the length is that of the whole line, and a value may hold anything.
    fn read(&mut self, mut records: &[u8]) -> Result<()> {
        while !records.is_empty() {
            let space = records.iter().position(|byte| *byte == b' ').ok_or_else(|| wrong("a record of it has no length"))?;
            let length: usize = parse(&records[..space])?;
            let line = records.get(space + 1..length).and_then(|line| line.strip_suffix(b"\n"));
            let line = line.ok_or_else(|| wrong("a record of it has a wrong length"))?;
            let equals = line.iter().position(|byte| *byte == b'=').ok_or_else(|| wrong("a record of it has no value"))?;
            let (key, value) = (&line[..equals], &line[equals + 1..]);
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(parse(value)?),
                b"uid" => self.uid = Some(parse(value)?),
                b"gid" => self.gid = Some(parse(value)?),
                b"uname" => self.user = Some(String::from_utf8_lossy(value).into_owned()),
                b"gname" => self.group = Some(String::from_utf8_lossy(value).into_owned()),
                b"mtime" => self.mtime = Some(time(value)?),
                _ => {
                    let name = key.strip_prefix(b"SCHILY.xattr.").map(|name| String::from_utf8_lossy(name).into_owned());
                    self.attributes.extend(name.map(|name| (name, value.to_vec())));
                }
            }
            records = &records[length..];
        }
        Ok(())
    }
}

fn header(block: &[u8; BLOCK], kind: u8, size: u64, pax: Pax) -> Result<Header> {
    let link = pax.link.unwrap_or_else(|| text(&block[157..257]).to_vec());
    let device = || -> Result<u64> { Ok(device(number(&block[329..337])?, number(&block[337..345])?)) };
    let kind = match kind {
        b'0' | 0 | b'7' => Kind::File,
        b'1' => Kind::HardLink(link),
        b'2' => Kind::Symlink(link),
        b'3' => Kind::CharDevice(device()?),
        b'4' => Kind::BlockDevice(device()?),
        b'5' => Kind::Folder,
        b'6' => Kind::Fifo,
        other => return Err(wrong(&format!("an entry of it has the unknown kind {:?}", other as char))),
    };
    let small = |field: &[u8]| number(field).and_then(|number| u32::try_from(number).map_err(|_| wrong("a number of it is too large")));
    let mut path = pax.path.unwrap_or_else(|| name(block));
    while path.ends_with(b"/") {
        path.pop();
    }
    Ok(Header {
        path,
        kind,
        size,
        mode: small(&block[100..108])? & 0o7777,
        uid: pax.uid.map_or_else(|| small(&block[108..116]), Ok)?,
        gid: pax.gid.map_or_else(|| small(&block[116..124]), Ok)?,
        user: pax.user.unwrap_or_else(|| String::from_utf8_lossy(text(&block[265..297])).into_owned()),
        group: pax.group.unwrap_or_else(|| String::from_utf8_lossy(text(&block[297..329])).into_owned()),
        mtime: match pax.mtime {
            Some(time) => time,
            None => (i64::try_from(number(&block[136..148])?).unwrap_or_default(), 0),
        },
        attributes: pax.attributes,
    })
}

/// A ustar name may have its beginning in the prefix.
fn name(block: &[u8; BLOCK]) -> Vec<u8> {
    let (name, prefix) = (text(&block[..100]), text(&block[345..500]));
    if &block[257..262] != b"ustar" || prefix.is_empty() || block[262] == b' ' {
        return name.to_vec();
    }
    [prefix, b"/", name].concat()
}

/// As the kernel packs it.
fn device(major: u64, minor: u64) -> u64 {
    ((major & 0xffff_f000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffff_ff00) << 12) | (minor & 0xff)
}

/// The sum of all bytes, its own taken as spaces.
fn check(block: &[u8; BLOCK]) -> Result<()> {
    let sum: u64 = block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    if number(&block[148..156])? == sum { Ok(()) } else { Err(wrong("the sum of a header does not hold")) }
}

/// Up to the first zero.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits; or, where the first bit is set, bytes.
fn number(field: &[u8]) -> Result<u64> {
    if field[0] & 0x80 != 0 {
        let bytes = field[1..].iter().skip_while(|byte| **byte == 0);
        return Ok(bytes.take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte)));
    }
    let digits: Vec<u8> = text(field).iter().copied().filter(|byte| *byte != b' ').collect();
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'7' if sum < 1 << 60 => Ok(sum * 8 + u64::from(digit - b'0')),
        _ => Err(wrong("a number of it cannot be read")),
    })
}

fn parse<T: std::str::FromStr>(digits: &[u8]) -> Result<T> {
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or_else(|| wrong("a number of it cannot be read"))
}

/// `1700000000.123456789`, also before 1970.
fn time(value: &[u8]) -> Result<(i64, i32)> {
    let text = std::str::from_utf8(value).map_err(|_| wrong("a time of it cannot be read"))?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanos: i32 = parse(format!("{fraction:0<9}").as_bytes().get(..9).unwrap_or_default())?;
    let seconds: i64 = parse(seconds.as_bytes())?;
    Ok((seconds, if text.starts_with('-') { -nanos } else { nanos }))
}

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the archive cannot be read: {why}"))
}

#[cfg(test)]
#[path = "tar_tests.rs"]
mod tests;
