//! A headless Chromium without a way to the world.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A page that is not there after this time is not coming.
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Browser {
    program: PathBuf,
}

impl Browser {
    /// The browser of this machine. Where tests run in full there has to be one.
    #[allow(clippy::print_stderr, reason = "a test says why it looks at nothing")]
    pub fn find() -> Option<Browser> {
        let found = ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| which::which(name).ok());
        if found.is_none() {
            assert!(std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "there is no Chromium; install the package chromium");
            eprintln!("not looked at: there is no Chromium");
        }
        found.map(|program| Browser { program })
    }

    /// The document after its scripts have run, as HTML.
    pub fn dom(&self, page: &str, fragment: &str) -> String {
        String::from_utf8(self.run(page, fragment, "--dump-dom").0).unwrap()
    }

    /// The size of a picture of the page, in bytes.
    pub fn picture(&self, page: &str) -> usize {
        self.run(page, "", "--screenshot=page.png").1
    }

    fn run(&self, page: &str, fragment: &str, what: &str) -> (Vec<u8>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.html");
        fs::write(&file, page).unwrap();
        let (shown, said) = (folder.path().join("shown"), folder.path().join("said"));
        let mut child = Command::new(&self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1300,1600"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(what)
            .arg(format!("file://{}{fragment}", file.display()))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(fs::File::create(&shown).unwrap())
            .stderr(fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > DEADLINE {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("Chromium did not end: {}", fs::read_to_string(&said).unwrap());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{}", fs::read_to_string(&said).unwrap());
        let size = fs::metadata(folder.path().join("page.png")).map_or(0, |picture| usize::try_from(picture.len()).unwrap());
        (fs::read(&shown).unwrap(), size)
    }
}
