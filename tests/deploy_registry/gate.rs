//! A way to a registry, in the engine's own network, that can be closed, cut, and held up.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    Open,
    /// Nobody answers.
    Closed,
    /// After so many bytes of one connection nothing more comes.
    Stalls(usize),
    /// So many connections are cut in the middle of what they carry; then it is open.
    Cuts(usize),
}

/// Inside one answer, behind its header.
const IN_THE_MIDDLE: usize = 256 << 10;
const TICK: Duration = Duration::from_millis(20);

pub struct Gate {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    to: SocketAddr,
    way: Mutex<Way>,
    stalled: AtomicUsize,
    over: AtomicBool,
}

impl Gate {
    /// The way to the registry at this address of the engine's.
    pub fn open(to: &str) -> Gate {
        let state =
            State { to: to.parse().unwrap(), way: Mutex::new(Way::Open), stalled: AtomicUsize::new(0), over: AtomicBool::new(false) };
        let state = Arc::new(state);
        let (said, port) = std::sync::mpsc::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            enter_engine_network();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            said.send(listener.local_addr().unwrap().port()).unwrap();
            listener.set_nonblocking(true).unwrap();
            while !shared.over.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((client, _)) => {
                        let shared = Arc::clone(&shared);
                        // Threads are born in the network of their parent.
                        std::thread::spawn(move || shared.carry(client));
                    }
                    Err(_) => std::thread::sleep(TICK),
                }
            }
        });
        Gate { port: port.recv().unwrap(), state }
    }

    pub fn set(&self, way: Way) {
        self.state.stalled.store(0, Ordering::SeqCst);
        *self.state.way.lock().unwrap() = way;
    }

    /// Waits until something is held up.
    pub fn until_stalled(&self) {
        let began = Instant::now();
        while self.state.stalled.load(Ordering::SeqCst) == 0 {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing was transferred");
            std::thread::sleep(TICK);
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
    }
}

impl State {
    fn way(&self) -> Way {
        if self.over.load(Ordering::SeqCst) { Way::Closed } else { *self.way.lock().unwrap() }
    }

    fn carry(&self, mut client: TcpStream) {
        client.set_nonblocking(false).unwrap();
        if self.way() == Way::Closed {
            return;
        }
        let Ok(mut server) = TcpStream::connect(self.to) else { return };
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        let mut carried = 0;
        let mut piece = vec![0; 32 << 10];
        while let Ok(read @ 1..) = server.read(&mut piece) {
            carried += read;
            match self.way() {
                Way::Closed => break,
                Way::Stalls(after) if carried > after => {
                    self.stalled.fetch_add(1, Ordering::SeqCst);
                    while matches!(self.way(), Way::Stalls(_)) {
                        std::thread::sleep(TICK);
                    }
                    break;
                }
                Way::Cuts(left) if left > 0 && carried > IN_THE_MIDDLE => {
                    *self.way.lock().unwrap() = Way::Cuts(left - 1);
                    break;
                }
                _ => {}
            }
            if client.write_all(&piece[..read]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    }
}

/// Engines speak without TLS only to their own 127.0.0.1; a raised one has a network of its own.
fn enter_engine_network() {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let Some(socket) = host.strip_prefix("unix://") else { return };
    let Ok(pid) = std::fs::read_to_string(Path::new(socket).with_file_name("docker.pid")) else { return };
    let network = std::fs::File::open(format!("/proc/{}/ns/net", pid.trim())).unwrap();
    setns(network, CloneFlags::CLONE_NEWNET).unwrap();
}
