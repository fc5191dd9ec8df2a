use std::process::Command;

use super::*;

/// What `tar` makes of a folder with all kinds of entries.
fn archive(format: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let script = "mkdir -p v/sub && printf hello > v/plain && ln v/plain v/second && ln -s plain v/link && mkfifo v/pipe
        yes | head -c 100000 > v/sub/large && chmod 4755 v/plain && touch -d '2001-02-03T04:05:06.5Z' v/sub/large
        mkdir -p v/$(printf 'n%.0s' $(seq 120))/$(printf 'm%.0s' $(seq 120)) && (cd v/n*/m* && printf x > file) && touch v/$(printf 'bad\\377name')";
    let made = Command::new("sh").args(["-ec", script]).current_dir(folder.path()).status().unwrap();
    assert!(made.success());
    let options = [format!("--format={format}"), "--sort=name".into(), "--owner=someone:1234".into(), "--group=crowd:70000".into()];
    let made = Command::new("tar").args(options).args(["-cf", "-", "v"]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

fn entries(bytes: &[u8]) -> Result<Vec<(Header, Vec<u8>)>> {
    let (mut tar, mut found) = (Tar::new(bytes), Vec::new());
    while let Some(header) = tar.next_entry()? {
        let mut data = Vec::new();
        tar.read_to_end(&mut data)?;
        found.push((header, data));
    }
    Ok(found)
}

#[test]
fn reads_what_tar_writes_in_every_format() {
    for format in ["pax", "gnu"] {
        let all = entries(&archive(format)).unwrap();
        let find = |path: &[u8]| all.iter().find(|(header, _)| header.path == path).unwrap_or_else(|| panic!("{format}: {path:?}"));
        let (root, _) = &all[0];
        assert_eq!((root.path.as_slice(), &root.kind), (&b"v"[..], &Kind::Folder));
        let (plain, data) = find(b"v/plain");
        assert_eq!((&plain.kind, plain.size, plain.mode, data.as_slice()), (&Kind::File, 5, 0o4755, &b"hello"[..]));
        assert_eq!((plain.uid, plain.gid, plain.user.as_str(), plain.group.as_str()), (1234, 70000, "someone", "crowd"));
        assert_eq!(find(b"v/second").0.kind, Kind::HardLink(b"v/plain".to_vec()));
        assert_eq!(find(b"v/link").0.kind, Kind::Symlink(b"plain".to_vec()));
        assert_eq!(find(b"v/pipe").0.kind, Kind::Fifo);
        let (large, data) = find(b"v/sub/large");
        assert_eq!((large.mtime.0, data.len()), (981_173_106, 100_000));
        assert_eq!(large.mtime.1, if format == "pax" { 500_000_000 } else { 0 });
        let long = format!("v/{}/{}/file", "n".repeat(120), "m".repeat(120));
        assert_eq!(find(long.as_bytes()).1, b"x");
        find(b"v/bad\xffname");
        assert_eq!(all.len(), 11);
    }
}

#[test]
fn an_archive_that_is_cut_anywhere_is_an_error() {
    let whole = archive("pax");
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap().next_multiple_of(BLOCK);
    for cut in (0..=end).step_by(BLOCK / 2).chain([end - 1, end]) {
        assert!(entries(&whole[..cut]).is_err(), "cut at {cut} of {end}");
    }
    assert!(entries(&whole[..end + BLOCK]).is_ok());
}

#[test]
fn data_that_is_not_read_is_skipped_and_nonsense_refused() {
    let whole = archive("pax");
    let (mut tar, mut count) = (Tar::new(whole.as_slice()), 0);
    while tar.next_entry().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 11);
    let mut changed = whole.clone();
    changed[0] ^= 1;
    assert_eq!(entries(&changed).unwrap_err().kind(), ErrorKind::InvalidData);
    assert!(entries(&[7; 2048]).is_err());
}
