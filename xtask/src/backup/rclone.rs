//! rclone as the server of a repository, for as long as this process lives: also when it is killed, no server stays that
//! would open the repository to whoever guesses its password.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::hex;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// rclone takes the place of the shell; whoever watches ends it when nobody holds the other end of its input any more.
const SCRIPT: &str = "exec 3<&0
{ cat; kill $$; } <&3 >/dev/null 2>&1 3<&- &
exec rclone serve restic --addr 127.0.0.1:0 \"$1\" </dev/null >/dev/null 3<&-";
const SERVING: &str = "Serving restic REST API on ";
const USER: &str = "xtask";

struct Served {
    name: String,
    url: Secret,
    ended: Arc<AtomicBool>,
    /// Held, never written to.
    _alive: ChildStdin,
    /// Not waited for: its number must stay its own until the watcher has ended, too.
    _child: Child,
}

/// One for each name: a repository is opened several times.
static SERVED: Mutex<Vec<Served>> = Mutex::new(Vec::new());

/// The URL, with its password, at which rclone serves this remote.
///
/// # Errors
/// `Unusable`: rclone is not installed. `Failed`: it does not serve that.
pub fn served(name: &str) -> Result<Secret> {
    let mut all = SERVED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(served) = all.iter().find(|served| served.name == name && !served.ended.load(Ordering::SeqCst)) {
        return Ok(served.url.clone());
    }
    let label = format!("reach rclone:{name}");
    if which::which("rclone").is_err() {
        return Err(Error::unusable(label).why("rclone is not installed"));
    }
    let failed = |why: String| Error::failed(label.as_str()).why(why);
    let mut random = [0_u8; 24];
    let filled = std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random));
    filled.map_err(|error| failed(error.to_string()))?;
    let password = Secret::new(hex(&random));
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh", name]).env("RCLONE_USER", USER).env("RCLONE_PASS", password.expose());
    // Of a group of its own: who interrupts us lets us delete what is pending.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let (Some(alive), Some(said)) = (child.stdin.take(), child.stderr.take()) else { return Err(failed("it has no pipes".into())) };
    let mut said = BufReader::new(said);
    let mut last = String::new();
    let address = loop {
        let mut line = String::new();
        if said.read_line(&mut line).map_err(|error| failed(error.to_string()))? == 0 {
            return Err(failed(format!("rclone has ended: {}", last.trim())));
        }
        if let Some((_, url)) = line.split_once(SERVING) {
            break url.trim().trim_matches(['[', ']']).trim_start_matches("http://").to_string();
        }
        last = line;
    };
    let ended = Arc::new(AtomicBool::new(false));
    let note = ended.clone();
    thread::spawn(move || {
        // Who says something that nobody reads would wait.
        let _ = std::io::copy(&mut said, &mut std::io::sink());
        note.store(true, Ordering::SeqCst);
    });
    let url = Secret::new(format!("http://{USER}:{}@{address}", password.expose()));
    all.retain(|served| served.name != name);
    all.push(Served { name: name.to_string(), url: url.clone(), ended, _alive: alive, _child: child });
    Ok(url)
}
