//! What a repository is reached by: `rclone serve restic`, and a door before it that can be shut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub const USER: &str = "shop";
/// With what a URL would have to hide.
pub const PASSWORD: &str = "canary/rest@Zt81:mW#q Y4";

pub struct Server {
    pub address: String,
    child: Child,
}

impl Server {
    pub fn start(folder: &Path) -> Server {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = Command::new("rclone");
        command.args(["serve", "restic", "--addr", &free]).arg(folder).env("RCLONE_USER", USER).env("RCLONE_PASS", PASSWORD);
        let child =
            command.env("RCLONE_CONFIG", "/dev/null").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&free).is_err() {
            assert!(Instant::now() < until, "rclone does not serve");
            thread::sleep(Duration::from_millis(50));
        }
        Server { address: free, child }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hands on every connection until it is shut: then those that there are break off, and new ones too.
pub struct Door {
    pub address: String,
    state: Arc<State>,
}

struct State {
    shut: AtomicBool,
    /// Bytes from clients until it shuts by itself.
    left: AtomicI64,
}

impl Door {
    pub fn before(server: &str) -> Door {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State { shut: AtomicBool::new(false), left: AtomicI64::new(i64::MAX) });
        let (server, shared) = (server.to_string(), state.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, state) = (server.clone(), shared.clone());
                thread::spawn(move || hand_on(&client, &server, &state));
            }
        });
        Door { address, state }
    }

    pub fn close_after(&self, bytes: i64) {
        self.state.left.store(bytes, Ordering::SeqCst);
    }

    pub fn open(&self) {
        self.state.left.store(i64::MAX, Ordering::SeqCst);
        self.state.shut.store(false, Ordering::SeqCst);
    }
}

fn hand_on(client: &TcpStream, server: &str, state: &Arc<State>) {
    let Ok(server) = TcpStream::connect(server) else { return };
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to, mut piece) = (client.try_clone().unwrap(), server.try_clone().unwrap(), vec![0; 64 << 10]);
    while let Ok(read @ 1..) = from.read(&mut piece) {
        let count = i64::try_from(read).unwrap();
        if state.left.fetch_sub(count, Ordering::SeqCst) < count {
            state.shut.store(true, Ordering::SeqCst);
        }
        if state.shut.load(Ordering::SeqCst) || to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    for stream in [client, &server] {
        let _ = stream.shutdown(Shutdown::Both);
    }
    let _ = back.join();
}
