//! How a server's own client, in the server's own container, writes what a restore needs.
//!
//! All of it is data: shell scripts that run in the container, and how to tell a whole dump from a cut one. No
//! value of the container's environment leaves the container: its scripts find them where the server found them.
//! Besides `XTASK_WHAT` and `XTASK_MARK` they have the dump's options, `XTASK_COMMAND` for `command`.

mod command;
mod lodging;
mod mariadb;
mod postgres;
mod rabbitmq;
mod rdb;
mod redis;
mod revive;
mod sqlite;

use std::collections::BTreeMap;
use std::io::BufRead;

pub use lodging::{Lodging, SETUP, lodging};
pub use revive::{Revive, revive};

/// The kind of what only a command that somebody names can dump.
pub const COMMAND: &str = "command";

/// One kind of server.
pub struct Adapter {
    /// As the catalogue names the kind.
    pub kind: &'static str,
    /// The servers.
    pub programs: &'static [&'static str],
    /// Comes before each of the scripts.
    pub login: &'static str,
    /// Prints `client TEXT`, `server TEXT`, `what NAME` for everything that is to be dumped, and `left TEXT` for what
    /// will not be in it, a line each.
    pub survey: &'static str,
    /// Writes the dump of `XTASK_WHAT` to its standard output. On standard error it says `MARK count NAME N` and, at
    /// its end, `MARK exit CODE` of the client; MARK is `XTASK_MARK`. With `XTASK_DEEP` set it also says
    /// `MARK sum NAME TEXT` for each of those that it counts, if it can.
    pub dump: &'static str,
    /// Reads a dump from its standard input and succeeds when it is whole; where there is something that can.
    pub prove: fn(what: &str) -> Option<&'static str>,
    /// What is wrong with a dump that begins and ends so.
    pub whole: Whole,
    /// No dump is smaller, in bytes.
    pub least: u64,
    /// Counts in the dump itself, where the script cannot.
    pub scan: Option<Scan>,
    /// The server's option that sets the password of its clients: where the container's command has it, its value is
    /// given to the scripts as `XTASK_ARGUMENT`.
    pub password_option: Option<&'static str>,
}

/// What runs in an image of a server when somebody only wants its shell or its client.
const OTHERS: [&str; 16] = [
    "sh",
    "bash",
    "ash",
    "dash",
    "sleep",
    "tail",
    "cat",
    "true",
    "crond",
    "redis-cli",
    "psql",
    "pg_dump",
    "pg_dumpall",
    "mariadb",
    "mysql",
    "rabbitmqctl",
];

impl Adapter {
    /// Whether what a container runs can be the server; what is not known can.
    pub fn serves(&self, command: &[String]) -> bool {
        let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_string();
        let wraps = |word: &String| word.contains("entrypoint") || matches!(name(word).as_str(), "tini" | "dumb-init" | "--");
        let mut rest = command.iter().skip_while(|word| wraps(word)).peekable();
        let other = rest.peek().is_some_and(|first| OTHERS.contains(&name(first).as_str()));
        let mut words = rest.flat_map(|word| word.split_whitespace());
        !other
            || words.any(|word| self.programs.contains(&name(word.trim_matches(['"', '\'', ';'])).as_str()) || word.contains("entrypoint"))
    }
}

/// Reads the dump of `what` to its end, and counts what a restored one must have; `None` where it cannot tell. An
/// error says why the dump is not whole.
pub type Scan = fn(what: &str, from: &mut dyn BufRead) -> Result<Option<BTreeMap<String, u64>>, String>;

/// What is wrong with the dump of `what`, of which these are the first and the last bytes.
pub type Whole = fn(what: &str, head: &[u8], tail: &[u8]) -> Result<(), &'static str>;

/// So much of a dump's beginning and of its end is judged.
pub const ENDS: usize = 4096;

static ALL: [&Adapter; 7] =
    [&command::ADAPTER, &mariadb::ADAPTER, &mariadb::MYSQL, &postgres::ADAPTER, &rabbitmq::ADAPTER, &redis::ADAPTER, &sqlite::ADAPTER];

/// Who can dump servers of this kind.
pub fn adapter(kind: &str) -> Option<&'static Adapter> {
    ALL.iter().copied().find(|adapter| adapter.kind == kind)
}

/// What was counted of a dump, in words; `None` where nothing was.
pub fn counted(kind: &str, counts: &BTreeMap<String, u64>) -> Option<String> {
    let (all, of) = (counts.values().sum::<u64>(), counts.len());
    let words = match kind {
        "redis" => format!("{all} keys in {of} databases"),
        "rabbitmq" => format!("{all} definitions of {of} kinds"),
        _ => format!("{all} rows in {of} tables"),
    };
    (of > 0).then_some(words)
}

/// What a server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    pub client: String,
    pub server: String,
    /// In the order of their paths.
    pub what: Vec<String>,
    /// What will not be in it, and why.
    pub left: Vec<String>,
}

impl Survey {
    pub fn read(said: &str) -> Survey {
        let mut survey = Survey::default();
        for line in said.lines() {
            match line.split_once(' ') {
                Some(("client", text)) => survey.client = text.trim().to_string(),
                Some(("server", text)) => survey.server = text.trim().to_string(),
                Some(("left", text)) => survey.left.push(text.trim().to_string()),
                Some(("what", name)) => survey.what.push(name.to_string()),
                _ => {}
            }
        }
        survey.what.sort_by_key(|what| path_of(what).split('/').map(String::from).collect::<Vec<_>>());
        survey
    }
}

/// The folder of a dump below that of its service.
pub fn path_of(what: &str) -> String {
    match what.split_once('/') {
        Some((kind, name)) => format!("{}/{}", super::segment(kind), super::segment(name)),
        None => super::segment(what),
    }
}

/// Reads what a dump's script says on standard error, however it is cut into pieces; what is not marked is left to
/// whoever shows it.
pub struct Marks {
    mark: String,
    line: Vec<u8>,
    pub counts: BTreeMap<String, u64>,
    pub sums: BTreeMap<String, String>,
    /// What the client ended with.
    pub exit: Option<i64>,
}

impl Marks {
    pub fn new(mark: &str) -> Marks {
        Marks { mark: mark.to_string(), line: Vec::new(), counts: BTreeMap::new(), sums: BTreeMap::new(), exit: None }
    }

    pub fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            if *byte == b'\n' {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                self.read(&line);
            } else {
                self.line.push(*byte);
            }
        }
    }

    fn read(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix(&self.mark) else { return };
        if let Some(code) = rest.strip_prefix(" exit ") {
            self.exit = code.trim().parse().ok();
        }
        if let Some((name, count)) = rest.strip_prefix(" count ").and_then(|rest| rest.rsplit_once(' '))
            && let Ok(count) = count.parse()
        {
            self.counts.insert(name.to_string(), count);
        }
        if let Some((name, sum)) = rest.strip_prefix(" sum ").and_then(|rest| rest.rsplit_once(' ')) {
            self.sums.insert(name.to_string(), sum.trim().to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_across_pieces_and_nothing_else_is() {
        let mut marks = Marks::new("m1");
        for piece in ["noise\nm1 cou", "nt public.a b 12\nm2 exit 7\nm1 exit", " 0\nm1 count x"] {
            marks.take(piece.as_bytes());
        }
        assert_eq!(marks.counts, BTreeMap::from([("public.a b".to_string(), 12)]));
        assert_eq!(marks.exit, Some(0));
    }

    #[test]
    fn a_shell_in_a_server_s_image_is_no_server() {
        let serves = |words: &[&str]| redis::ADAPTER.serves(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(serves(&["docker-entrypoint.sh", "redis-server"]) && serves(&["docker-entrypoint.sh", "--save", "60 1"]));
        assert!(serves(&["sh", "-c", "exec /usr/bin/redis-server --requirepass \"$P\""]) && serves(&["/init"]));
        assert!(!serves(&["sh", "-c", "while true; do date; done"]) && !serves(&["docker-entrypoint.sh", "redis-cli", "monitor"]));
    }

    #[test]
    fn a_survey_is_in_the_order_of_its_paths() {
        let survey = Survey::read("client c 1\nserver s 2\nwhat roles\nwhat databases/b/c\nwhat databases/a\n");
        assert_eq!((survey.client.as_str(), survey.server.as_str()), ("c 1", "s 2"));
        assert_eq!(survey.what, ["databases/a", "databases/b/c", "roles"]);
        assert_eq!(Survey::read("left its messages\n").left, ["its messages"]);
        assert_eq!(path_of("databases/b/c"), "databases/b%2Fc");
    }
}
