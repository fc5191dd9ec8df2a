//! Disks that become full, at many sizes: of the state folder, where the releases are, and of the project.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::mount::Mount;
use super::support::{Prod, QUICK, STACK, Said};

const SIZE_KIB: usize = 2048;

/// Leaves so much free, until it is removed.
fn fill(disk: &Path, free_kib: usize) -> std::path::PathBuf {
    let used = Command::new("df").args(["--output=used", "-k"]).arg(disk).output().unwrap();
    let used: usize = String::from_utf8(used.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
    let filler = disk.join(".xtask-filler");
    std::fs::write(&filler, vec![0_u8; (SIZE_KIB - used).saturating_sub(free_kib) * 1024]).unwrap();
    filler
}

/// Deploys at each size, the other release each time that one went well.
fn at_sizes(prod: &Prod, disk: &Path, sizes: &[usize]) {
    let mut codes = BTreeMap::new();
    let mut serving = ("v1", prod.serves("v1"));
    for &free_kib in sizes {
        let next = if serving.0 == "v1" { "v2" } else { "v1" };
        let filler = fill(disk, free_kib);
        let said: Said = prod.up(&["--tag", next, "--no-rehearse"]);
        std::fs::remove_file(&filler).unwrap();
        match said.code {
            0 => {
                prod.run(&["recover"]).expect(0, &[]);
                serving = (next, prod.serves(next));
            }
            3 | 4 | 6 => {
                // Also without a recovery.
                assert_eq!(prod.serves(serving.0), serving.1, "{free_kib} kB free: {}", said.text);
                prod.run(&["recover"]).expect(0, &["no run is open"]);
            }
            _ => panic!("{free_kib} kB free: {}", said.text),
        }
        *codes.entry(said.code).or_insert(0) += 1;
        assert_eq!(prod.whole(serving.0), serving.1, "{free_kib} kB free");
        let current: Vec<String> = prod.releases().iter().filter(|one| one["current"] == true).map(|one| one["tag"].to_string()).collect();
        assert_eq!(current, [format!("\"{}\"", serving.0)]);
    }
    println!("    full disk: how often each exit code: {codes:?}");
    assert!(codes.contains_key(&0) && codes.len() > 1, "{codes:?}");
}

fn sizes(few: &[usize]) -> Vec<usize> {
    if std::env::var_os("XTASK_FULL").is_some() { (0..=240).step_by(8).collect() } else { few.to_vec() }
}

#[test]
fn a_full_disk_under_the_project_ends_with_one_release() {
    let Some(prod) = Prod::of("df-disk", STACK, QUICK) else { return };
    std::fs::create_dir(prod.root().join(".xtask")).unwrap();
    let Some(disk) = Mount::new(&prod.root().join(".xtask"), &format!("size={SIZE_KIB}k,mode=700")) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    at_sizes(&prod, disk.path(), &sizes(&[0, 64, 96, 128, 600]));
}

#[test]
fn a_full_disk_under_the_releases_ends_with_one_release() {
    let Some(prod) = Prod::of("df-state", STACK, QUICK) else { return };
    let Some(disk) = Mount::new(prod.state.path(), &format!("size={SIZE_KIB}k,mode=700")) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    at_sizes(&prod, disk.path(), &sizes(&[0, 8, 16, 32, 600]));
}
