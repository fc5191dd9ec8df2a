use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use super::*;

struct Bench {
    _folder: tempfile::TempDir,
    root: PathBuf,
    outside: PathBuf,
    puts: Vec<Vec<u8>>,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().canonicalize().unwrap();
    let (root, outside) = (top.join("project"), top.join("outside"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&outside).unwrap();
    Bench { _folder: folder, root, outside, puts: Vec::new() }
}

impl Bench {
    fn write(&self, path: &str, content: &[u8], mode: u32) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    /// Binds by path, writable or not.
    fn keep(&mut self, binds: &[(&Path, bool)], tracked: &[&str]) -> Kept {
        let volumes: Vec<Value> =
            binds.iter().map(|(path, writable)| json!({"type": "bind", "source": path, "target": "/x", "read_only": !writable})).collect();
        let tracked = tracked.iter().map(|path| self.root.join(path)).collect();
        let rendered = json!({"services": {"a": {"volumes": volumes}}});
        let puts = &mut self.puts;
        let mut put = |content: &[u8]| {
            puts.push(content.to_vec());
            Ok(Sha::of(content))
        };
        keep_files(&self.root, &rendered, &[], &tracked, &mut put).unwrap()
    }

    fn names(&self, paths: impl Iterator<Item = PathBuf>) -> Vec<String> {
        paths.map(|path| path.strip_prefix(&self.root).map_or(path.clone(), Path::to_path_buf).display().to_string()).collect()
    }

    fn files(&self, kept: &Kept) -> Vec<String> {
        self.names(kept.files.iter().map(|file| file.path.clone()))
    }

    fn left(&self, kept: &Kept) -> Vec<(String, Reason, bool)> {
        let names = self.names(kept.not_kept.iter().map(|not| not.path.clone()));
        names.into_iter().zip(&kept.not_kept).map(|(name, not)| (name, not.reason, not.content.is_some())).collect()
    }
}

#[test]
fn a_folder_is_kept_with_its_modes_and_links() {
    let mut bench = bench();
    bench.write("conf/a.conf", b"a", 0o640);
    bench.write("conf/sub/b.sh", b"b", 0o755);
    bench.write("conf/.git/config", b"theirs", 0o644);
    symlink("a.conf", bench.root.join("conf/link")).unwrap();
    symlink("/etc/passwd", bench.root.join("conf/out")).unwrap();
    symlink("../../../..", bench.root.join("conf/up")).unwrap();
    fs::set_permissions(bench.root.join("conf/sub"), Permissions::from_mode(0o750)).unwrap();
    nix::unistd::mkfifo(&bench.root.join("conf/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let kept = bench.keep(&[(&bench.root.join("conf"), false)], &[]);
    let files: Vec<(u32, Sha)> = kept.files.iter().map(|file| (file.mode, file.content.clone())).collect();
    assert_eq!(bench.files(&kept), ["conf/a.conf", "conf/sub/b.sh"]);
    assert_eq!(files, [(0o640, Sha::of(b"a")), (0o755, Sha::of(b"b"))]);
    let folders: Vec<u32> = kept.folders.iter().map(|folder| folder.mode).collect();
    assert_eq!(
        (bench.names(kept.folders.iter().map(|folder| folder.path.clone())), folders[1]),
        (vec!["conf".into(), "conf/sub".into()], 0o750)
    );
    assert_eq!(kept.links, [KeptLink { path: bench.root.join("conf/link"), target: "a.conf".into() }]);
    assert_eq!(bench.left(&kept), [("conf/out".into(), Reason::LeadsOut, false), ("conf/up".into(), Reason::LeadsOut, false)]);
    assert_eq!(bench.puts.len(), 2);
}

#[test]
fn what_a_service_may_write_is_data_unless_git_tracks_it() {
    let mut bench = bench();
    bench.write("app/main.py", b"code", 0o644);
    bench.write("app/upload.bin", b"data", 0o644);
    bench.write("nginx.conf", b"conf", 0o644);
    bench.write("app.sqlite", b"data", 0o644);
    let binds = ["app", "nginx.conf", "app.sqlite"].map(|name| bench.root.join(name));
    let binds: Vec<(&Path, bool)> = binds.iter().map(|path| (path.as_path(), true)).collect();
    let kept = bench.keep(&binds, &["app/main.py", "app/deleted.py", "nginx.conf"]);
    assert_eq!(bench.files(&kept), ["app/main.py", "nginx.conf"]);
    assert_eq!(bench.left(&kept), [("app".into(), Reason::Data, false), ("app.sqlite".into(), Reason::Data, false)]);
    assert!(kept.folders.is_empty() && !bench.puts.contains(&b"data".to_vec()));
    // The project as a whole holds more than the services' files, also where nobody writes to it.
    let root = bench.root.clone();
    let kept = bench.keep(&[(&root, false)], &["nginx.conf"]);
    assert_eq!((bench.files(&kept), kept.folders.len(), kept.not_kept.len()), (vec!["nginx.conf".to_string()], 0, 0));
}

#[test]
fn what_is_large_or_outside_is_only_known() {
    let mut bench = bench();
    bench.write("large", &vec![7; LARGEST as usize + 1], 0o644);
    bench.write("many/one", &vec![7; LARGEST as usize], 0o644);
    bench.write("many/two", b"2", 0o644);
    bench.write("fits", &vec![7; LARGEST as usize], 0o644);
    fs::write(bench.outside.join("cert.pem"), "cert").unwrap();
    let paths = ["large", "many", "fits", "missing"].map(|name| bench.root.join(name));
    let (cert, folder) = (bench.outside.join("cert.pem"), bench.outside.clone());
    let binds: Vec<(&Path, bool)> = paths.iter().chain([&cert, &folder]).map(|path| (path.as_path(), false)).collect();
    let kept = bench.keep(&binds, &[]);
    assert_eq!(bench.files(&kept), ["fits"]);
    let left: Vec<(Reason, bool)> = kept.not_kept.iter().map(|not| (not.reason, not.content.is_some())).collect();
    let expected = [(Reason::Outside, false), (Reason::Outside, true), (Reason::TooLarge, true), (Reason::TooLarge, false)];
    assert_eq!((left.as_slice(), kept.folders.len()), (&expected[..], 0));
    for n in 0..=MOST_FILES {
        bench.write(&format!("crowd/{n}"), b"", 0o644);
    }
    let crowd = bench.root.join("crowd");
    let kept = bench.keep(&[(&crowd, false)], &[]);
    assert_eq!((bench.left(&kept), kept.files.len()), (vec![("crowd".into(), Reason::TooLarge, false)], 0));
}

#[test]
fn links_on_the_way_are_kept_with_what_they_lead_to() {
    let mut bench = bench();
    bench.write("versions/two/app.conf", b"two", 0o644);
    symlink("versions/two", bench.root.join("current")).unwrap();
    symlink("current/app.conf", bench.root.join("app.conf")).unwrap();
    symlink("round", bench.root.join("round")).unwrap();
    symlink(bench.outside.join("x"), bench.root.join("away")).unwrap();
    let paths = ["app.conf", "round", "away"].map(|name| bench.root.join(name));
    let binds: Vec<(&Path, bool)> = paths.iter().map(|path| (path.as_path(), false)).collect();
    let kept = bench.keep(&binds, &[]);
    assert_eq!(bench.files(&kept), ["versions/two/app.conf"]);
    assert_eq!(bench.names(kept.links.iter().map(|link| link.path.clone())), ["app.conf", "current", "round"]);
    assert_eq!(bench.left(&kept), [("away".into(), Reason::LeadsOut, false), ("round".into(), Reason::LeadsOut, false)]);
}
