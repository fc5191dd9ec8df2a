//! Counts in a dump while it goes by.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};

use crate::backup::adapters::Scan;
use crate::error::{Error, Result};

/// What was found, or why the dump is not whole.
pub type Found = std::result::Result<Option<BTreeMap<String, u64>>, String>;

/// Hands what `body` is given to say piece by piece to a scan, and waits for its end. Without a scan nothing is found.
///
/// # Errors
/// That of `body`; the scan's own is what it has found.
pub fn scanned<T>(
    scan: Option<Scan>,
    what: &str,
    body: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<T>,
) -> Result<(T, Found)> {
    let Some(scan) = scan else { return Ok((body(&mut |_| Ok(()))?, Ok(None))) };
    let failed = |error: io::Error| Error::failed("make a pipe").why(error.to_string());
    let (from, mut into) = io::pipe().map_err(failed)?;
    std::thread::scope(|scope| {
        let scanning = scope.spawn(move || {
            let mut from = BufReader::with_capacity(1 << 16, from);
            let found = scan(what, &mut from);
            // Whoever writes must not wait for one that has given up.
            let _ = io::copy(&mut from, &mut io::sink());
            found
        });
        let done = body(&mut |piece| into.write_all(piece).map_err(failed));
        drop(into);
        let found = scanning.join().unwrap_or_else(|_| Err("it cannot be read".to_string()));
        Ok((done?, found))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_that_gives_up_holds_nobody_up() {
        let scan: Scan = |_, _| Err("no".to_string());
        let piece = vec![0; 1 << 20];
        let (_, found) = scanned(Some(scan), "", |say| say(&piece)).unwrap();
        assert_eq!(found, Err("no".to_string()));
        assert!(scanned(Some(scan), "", |_| Err::<(), _>(Error::failed("end"))).is_err());
    }
}
