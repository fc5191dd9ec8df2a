//! The questions of `xtask.yaml` whose answers prove that a release serves.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::look::Standing;
use crate::actions::World;
use crate::engine::{Container, Exec};
use crate::project::Probe;

const PATIENCE: u64 = 5;
/// Between two questions that were not answered well.
const AGAIN: Duration = Duration::from_millis(200);
/// What one question gets when it is begun: its own answer tells more than that the time was up.
const LEAST: Duration = Duration::from_secs(1);
/// The status line of an answer; more is not read.
const MOST: u64 = 256;

/// All of them; what does not answer is a sentence each.
pub fn all(standing: &Standing<'_>, world: &World, running: &[Container]) -> Result<String, Vec<String>> {
    let mut why = Vec::new();
    let mut good = Vec::new();
    for probe in &standing.settings.probes {
        let until = Instant::now() + Duration::from_secs(probe.timeout.unwrap_or(PATIENCE));
        let asked = name(probe);
        loop {
            match ask(probe, standing, world, running, until) {
                Ok(()) => {
                    good.push(asked.clone());
                    break;
                }
                Err(said) if Instant::now() + AGAIN >= until || standing.live.cancel.requested() => {
                    why.push(format!("{asked}: {said}"));
                    break;
                }
                Err(_) => std::thread::sleep(AGAIN),
            }
        }
    }
    if why.is_empty() { Ok(good.join(", ")) } else { Err(why) }
}

fn name(probe: &Probe) -> String {
    match (&probe.http, &probe.tcp, &probe.service) {
        (Some(url), _, _) => shown(url),
        (_, Some(address), _) => address.clone(),
        (_, _, Some(service)) => format!("the command in {service}"),
        _ => "a probe".to_string(),
    }
}

/// Without what may be a password or a token: what stands before an `@` of the host, and the query.
pub fn shown(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = plain.split_once("://").unwrap_or(("http", plain));
    let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}")
}

fn ask(probe: &Probe, standing: &Standing<'_>, world: &World, running: &[Container], until: Instant) -> Result<(), String> {
    let left = until.saturating_duration_since(Instant::now()).max(LEAST);
    match (&probe.http, &probe.tcp, &probe.command) {
        (Some(url), None, None) => http(url, probe.status.unwrap_or(200), left),
        (None, Some(address), None) => connect(address, left).map(|_| ()),
        (None, None, Some(argv)) => command(argv, probe.service.as_deref(), standing, world, running, left),
        _ => Err("a probe has exactly one of http, tcp and command".into()),
    }
}

fn connect(address: &str, left: Duration) -> Result<TcpStream, String> {
    let mut last = "it has no address".to_string();
    for address in address.to_socket_addrs().map_err(|error| error.to_string())? {
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

/// One GET by HTTP/1.0 without TLS: a deploy asks its own services, or a proxy on the same machine.
fn http(url: &str, status: u16, left: Duration) -> Result<(), String> {
    let rest = url.strip_prefix("http://").ok_or("only http:// is asked; for https give a command")?;
    let (host, path) = rest.split_once('/').map_or((rest, String::from("/")), |(host, path)| (host, format!("/{path}")));
    let address = if host.contains(':') { host.to_string() } else { format!("{host}:80") };
    let mut stream = connect(&address, left)?;
    let told = |error: std::io::Error| error.to_string();
    stream.set_read_timeout(Some(left)).map_err(told)?;
    stream.set_write_timeout(Some(left)).map_err(told)?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(told)?;
    let mut answer = Vec::new();
    // Who answers and hangs up at once may cut the rest off: the first line is what counts.
    let read = stream.take(MOST).read_to_end(&mut answer);
    if answer.is_empty() {
        read.map_err(told)?;
    }
    let line = String::from_utf8_lossy(&answer);
    let code = line.split_whitespace().nth(1).and_then(|code| code.parse::<u16>().ok());
    match code {
        Some(code) if code == status => Ok(()),
        Some(code) => Err(format!("answered {code} instead of {status}")),
        None => Err("what answers does not speak HTTP".into()),
    }
}

fn command(
    argv: &[String],
    service: Option<&str>,
    standing: &Standing<'_>,
    world: &World,
    running: &[Container],
    left: Duration,
) -> Result<(), String> {
    let service = service.ok_or("a command needs the service in which it runs")?;
    let container = running.iter().find(|container| container.service() == service && container.is_up());
    let container = container.ok_or_else(|| format!("{service} has no running container"))?;
    let exec = Exec { argv: argv.to_vec(), env: Vec::new(), stdin: None, deadline: left, masker: &world.masker };
    let done = standing.live.engine.exec(&container.id, &exec).map_err(|error| error.to_string())?;
    if done.code == 0 { Ok(()) } else { Err(format!("exit code {}: {}", done.code, done.output)) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_question_is_named_without_its_passwords() {
        assert_eq!(shown("http://localhost:8080/health"), "http://localhost:8080/health");
        assert_eq!(shown("http://me:canary@localhost:1/a@b?token=canary#canary"), "http://localhost:1/a@b");
    }

    #[test]
    fn an_answer_counts_by_its_status() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for answer in ["HTTP/1.1 200 OK\r\n\r\nhello", "HTTP/1.0 503 Service Unavailable\r\n\r\n", "SSH-2.0-x\r\n"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let read = stream.read(&mut request).unwrap();
                assert!(request[..read].starts_with(b"GET /health HTTP/1.0\r\n"));
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let url = format!("http://{address}/health");
        let left = Duration::from_secs(5);
        assert_eq!(http(&url, 200, left), Ok(()));
        assert_eq!(http(&url, 200, left), Err("answered 503 instead of 200".into()));
        assert_eq!(http(&url, 200, left), Err("what answers does not speak HTTP".into()));
        server.join().unwrap();
        assert!(http(&url, 200, left).is_err() && http("https://x", 200, left).is_err());
        assert!(connect(&address.to_string(), left).is_err());
    }
}
