//! Asks a published port again and again, as users do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Where the published ports of the engine answer.
pub fn host() -> String {
    std::env::var("XTASK_RIG_HOST").unwrap_or_else(|_| "127.0.0.1".into())
}

pub fn get(port: u16, path: &str) -> Option<String> {
    let address = format!("{}:{port}", host()).parse().ok()?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(15))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: test\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| body.to_string())
}

/// Users who ask until they are told to stop.
pub struct Users {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub answered: usize,
    pub lost: usize,
    /// Without any answer at all.
    pub longest_gap: Duration,
    pub last: String,
    since: Option<Instant>,
}

impl Users {
    pub fn ask(port: u16, paths: &[&str]) -> Users {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
        let user = |path: &&str| {
            let (stop, seen, path) = (stop.clone(), seen.clone(), path.to_string());
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let answer = get(port, &path);
                    let mut seen = seen.lock().unwrap();
                    match answer {
                        Some(answer) => {
                            let since = seen.since.replace(Instant::now());
                            seen.longest_gap = seen.longest_gap.max(since.map(|since| since.elapsed()).unwrap_or_default());
                            seen.answered += 1;
                            seen.last = answer;
                        }
                        None => seen.lost += 1,
                    }
                    drop(seen);
                    std::thread::sleep(Duration::from_millis(10));
                }
            })
        };
        let threads = paths.iter().map(user).collect();
        Users { stop, seen, threads }
    }

    pub fn stop(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().unwrap();
        }
        let seen = self.seen.lock().unwrap();
        seen.clone()
    }
}
