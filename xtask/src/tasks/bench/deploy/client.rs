//! Who asks while a release goes out: a request every few milliseconds, each on a connection of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than the proxy waits for one that does not answer, so that its second try counts.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many requests wait for an answer at the same time; more would measure this machine.
const ASKING: usize = 24;
/// More are not sent, whatever happens.
const MOST: u32 = 200_000;
/// Of an answer more is not read.
const ANSWER_BYTES: u64 = 4096;

/// How a request came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Answered,
    Refused,
    /// Also a connection that ended before there was an answer.
    Reset,
    TimedOut,
    /// Answered, but not with 200.
    Status,
}

#[derive(Debug, Clone)]
struct Asked {
    /// Since the first one.
    begun: Duration,
    came: Came,
    /// The release that has answered.
    by: String,
}

/// What came of all requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    pub requests: usize,
    pub refused: usize,
    pub reset: usize,
    pub timed_out: usize,
    pub bad_status: usize,
    /// From the first failed request to the next answered one, summed.
    pub outage: Duration,
    /// The longest of these.
    pub longest: Duration,
    /// Who answered last; nobody, when the last request failed.
    pub serves: Option<String>,
}

impl Seen {
    pub fn failed(&self) -> usize {
        self.refused + self.reset + self.timed_out + self.bad_status
    }
}

/// Threads that ask until they are stopped.
pub struct Client {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Asked>>>,
}

impl Client {
    pub fn start(address: SocketAddr, every: Duration) -> Client {
        let (stop, next, started) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)), Instant::now());
        let thread = |_| {
            let (stop, next) = (Arc::clone(&stop), Arc::clone(&next));
            std::thread::spawn(move || ask_on(address, every, started, &stop, &next))
        };
        Client { threads: (0..ASKING).map(thread).collect(), stop }
    }

    /// Lets those that are under way come to their end.
    pub fn stop(mut self) -> Seen {
        seen(self.end())
    }

    fn end(&mut self) -> Vec<Asked> {
        self.stop.store(true, Ordering::SeqCst);
        self.threads.drain(..).flat_map(|thread| thread.join().unwrap_or_default()).collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end();
    }
}

/// Every thread takes the request that is due next, so that one without an answer delays none.
fn ask_on(address: SocketAddr, every: Duration, started: Instant, stop: &AtomicBool, next: &AtomicU32) -> Vec<Asked> {
    let mut asked = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= MOST {
            break;
        }
        std::thread::sleep((started + every * number).saturating_duration_since(Instant::now()));
        let begun = started.elapsed();
        let (came, by) = match ask(address) {
            Ok((200, by)) => (Came::Answered, by),
            Ok(_) => (Came::Status, String::new()),
            Err(error) => (failure(error.kind()), String::new()),
        };
        asked.push(Asked { begun, came, by });
    }
    asked
}

/// The status and the first line of the answer's body.
pub fn ask(address: SocketAddr) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").and_then(|(_, body)| body.lines().next()).unwrap_or_default();
    Ok((status.ok_or(ErrorKind::UnexpectedEof)?, body.trim().to_string()))
}

fn failure(kind: ErrorKind) -> Came {
    match kind {
        ErrorKind::ConnectionRefused => Came::Refused,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Came::TimedOut,
        _ => Came::Reset,
    }
}

fn seen(mut asked: Vec<Asked>) -> Seen {
    asked.sort_by_key(|asked| asked.begun);
    let count = |came: Came| asked.iter().filter(|asked| asked.came == came).count();
    let mut seen = Seen {
        requests: asked.len(),
        refused: count(Came::Refused),
        reset: count(Came::Reset),
        timed_out: count(Came::TimedOut),
        bad_status: count(Came::Status),
        ..Seen::default()
    };
    let mut down: Option<Duration> = None;
    for (place, one) in asked.iter().enumerate() {
        let last = place + 1 == asked.len();
        match (one.came, down) {
            (Came::Answered, None) => {}
            (_, None) if !last => down = Some(one.begun),
            (_, None) => {}
            (came, Some(since)) if came == Came::Answered || last => {
                seen.outage += one.begun - since;
                seen.longest = seen.longest.max(one.begun - since);
                down = None;
            }
            (_, Some(_)) => {}
        }
    }
    seen.serves = asked.last().filter(|last| last.came == Came::Answered).map(|last| last.by.clone());
    seen
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn asked(ms: u64, came: Came) -> Asked {
        Asked { begun: Duration::from_millis(ms), came, by: "v1".into() }
    }

    #[test]
    fn an_outage_lasts_from_the_first_failure_to_the_next_answer() {
        use Came::{Answered, Refused, Status, TimedOut};
        let came = [(30, Answered), (0, Answered), (10, Refused), (20, Status), (40, TimedOut), (45, Answered), (50, Answered)];
        let seen = seen(came.map(|(ms, came)| asked(ms, came)).to_vec());
        assert_eq!((seen.requests, seen.failed(), seen.refused, seen.bad_status, seen.timed_out), (7, 3, 1, 1, 1));
        assert_eq!((seen.outage, seen.longest), (Duration::from_millis(25), Duration::from_millis(20)));
        assert_eq!(seen.serves.as_deref(), Some("v1"));
    }

    #[test]
    fn an_outage_that_does_not_end_lasts_to_the_end() {
        let seen = seen(vec![asked(0, Came::Answered), asked(10, Came::Reset), asked(90, Came::Reset)]);
        assert_eq!((seen.outage, seen.serves), (Duration::from_millis(80), None));
        assert_eq!(super::seen(Vec::new()), Seen::default());
    }

    #[test]
    fn who_answers_refuses_and_hangs_up_is_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let says = ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nv2\n", "HTTP/1.1 503 No\r\n\r\n", ""];
            for answer in says {
                let (mut stream, _) = listener.accept().unwrap();
                let read = stream.read(&mut [0; 512]).unwrap();
                assert!(read > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        assert_eq!(ask(address).unwrap(), (200, "v2".to_string()));
        assert_eq!(ask(address).unwrap().0, 503);
        assert_eq!(failure(ask(address).unwrap_err().kind()), Came::Reset);
        server.join().unwrap();
        assert_eq!(failure(ask(address).unwrap_err().kind()), Came::Refused);
    }

    #[test]
    fn a_client_asks_again_and_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 512]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv1");
            }
        });
        let client = Client::start(address, Duration::from_millis(5));
        std::thread::sleep(Duration::from_millis(300));
        let seen = client.stop();
        assert!(seen.requests >= 20 && seen.failed() == 0, "{seen:?}");
        assert_eq!((seen.outage, seen.serves.as_deref()), (Duration::ZERO, Some("v1")));
    }
}
