//! Releases of one small web server, good and bad, built once and kept for the next time.

use std::process::Command;
use std::sync::OnceLock;

/// Their common name; the tag says what is wrong with one.
pub const NAME: &str = "xtask-test/prod-up";

/// `v1` to `v3` serve their tag; the others do not, or not for long.
const RELEASES: &[(&str, &str)] = &[
    ("v1", "RUN echo v1 > /usr/share/nginx/html/index.html"),
    ("v2", "RUN echo v2 > /usr/share/nginx/html/index.html"),
    ("v3", "RUN echo v3 > /usr/share/nginx/html/index.html"),
    ("crash", "ENTRYPOINT []\nCMD [\"sh\", \"-c\", \"echo it falls over; exit 3\"]"),
    // Well at first, and then not any more.
    (
        "late",
        "ENTRYPOINT []\nCMD [\"sh\", \"-c\", \"(sleep ${LATE:-4}; rm /usr/share/nginx/html/index.html) & exec nginx -g 'daemon off;'\"]",
    ),
    ("dies", "ENTRYPOINT []\nCMD [\"sh\", \"-c\", \"(sleep ${LATE:-4}; nginx -s stop) & exec nginx -g 'daemon off;'\"]"),
    // Says what nobody may read, and falls over.
    ("talks", "ENTRYPOINT []\nCMD [\"sh\", \"-c\", \"env; cat /run/secrets/* 2>&1; exit 3\"]"),
    ("ill", "ENTRYPOINT []\nCMD [\"sleep\", \"600\"]"),
    ("nocmd", "ENTRYPOINT []\nCMD [\"/no/such/program\"]"),
];

/// Builds what is not there yet.
pub fn make() {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        for (tag, lines) in RELEASES {
            build(&format!("{NAME}:{tag}"), lines);
        }
    });
}

/// The web server with these lines more.
pub fn build(name: &str, lines: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Dockerfile"), format!("FROM nginx:1.22\n{lines}\n")).unwrap();
    let mut build = Command::new("docker");
    let built = build.args(["build", "-q", "-t", name]).arg(folder.path()).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
