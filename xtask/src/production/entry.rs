//! What a service starts, as it is started for others than its developers.

use serde_json::Value as Json;

use super::Subject;
use crate::surroundings::dockerfile::Command;

/// These start programs again when their sources change, or serve for development.
const TOOLS: [&str; 12] =
    ["nodemon", "ts-node", "ts-node-dev", "tsx", "vite", "webpack", "webpack-dev-server", "npm", "yarn", "pnpm", "npx", "watchfiles"];
const SWITCHES: [&str; 6] = ["--watch", "--inspect", "--inspect-brk", "--reload", "--debug", "runserver"];

/// Whether it runs the service as it is, and nothing around it.
pub fn is_plain(words: &[String]) -> bool {
    let Some(first) = words.first() else { return false };
    let program = first.rsplit('/').next().unwrap_or_default();
    let shell = matches!(program, "sh" | "bash" | "ash");
    let switch = |word: &String| SWITCHES.contains(&word.split('=').next().unwrap_or_default());
    let flask = program == "flask" && words.iter().any(|word| word == "run");
    !shell && !flask && !TOOLS.contains(&program) && !words.iter().any(switch) && !words.iter().any(|word| TOOLS.contains(&word.as_str()))
}

/// A shell's line as words, where it is no more than a program with arguments; `NODE_ENV=production` before it goes.
pub fn words_of(line: &str) -> Option<Vec<String>> {
    if line.contains(['&', '|', ';', '<', '>', '$', '`', '*', '?', '(', ')', '"', '\'', '\\', '~', '#']) {
        return None;
    }
    let mut words: Vec<String> = line.split_whitespace().map(String::from).collect();
    if words.first().is_some_and(|word| word == "cross-env") {
        words.remove(0);
    }
    while words.first().is_some_and(|word| word.starts_with("NODE_ENV=")) {
        words.remove(0);
    }
    if words.first().is_some_and(|word| word == "exec") {
        words.remove(0);
    }
    (!words.is_empty() && !words[0].contains('=')).then_some(words)
}

/// What the compose file or the Dockerfile start, where that is plain.
pub fn declared(subject: &Subject<'_>) -> Option<(Vec<String>, &'static str)> {
    let composed = of_compose(subject).map(|words| (words, "the compose file"));
    composed.or_else(|| of_dockerfile(subject).map(|words| (words, "its Dockerfile")))
}

/// What the compose file starts, where that is plain.
pub fn of_compose(subject: &Subject<'_>) -> Option<Vec<String>> {
    let list = |key: &str| match subject.definition.get(key) {
        Some(Json::Array(words)) => Some(words.iter().filter_map(Json::as_str).map(String::from).collect::<Vec<_>>()),
        Some(Json::String(line)) => words_of(line),
        _ => None,
    };
    joined(list("entrypoint"), list("command")).filter(|words| is_plain(words))
}

/// What the present Dockerfile starts, where that is plain.
pub fn of_dockerfile(subject: &Subject<'_>) -> Option<Vec<String>> {
    let image = subject.build.image.as_ref()?;
    let of = |command: Option<&Command>| match command? {
        Command::Words(words) => Some(words.clone()),
        Command::Shell(line) => words_of(line),
    };
    joined(of(image.entrypoint.as_ref()), of(image.command.as_ref())).filter(|words| is_plain(words))
}

/// An init as entrypoint is left to who runs the container.
fn joined(entrypoint: Option<Vec<String>>, command: Option<Vec<String>>) -> Option<Vec<String>> {
    let mut words = entrypoint.unwrap_or_default();
    if words
        .first()
        .is_some_and(|word| ["tini", "dumb-init", "docker-entrypoint.sh"].contains(&word.rsplit('/').next().unwrap_or_default()))
    {
        words.clear();
    }
    words.extend(command.unwrap_or_default());
    (!words.is_empty()).then_some(words)
}

/// The first argument that names a file of the context: `src/server.js`.
pub fn file(words: &[String], endings: &[&str]) -> Option<String> {
    let named = words.iter().skip(1).find(|word| endings.iter().any(|ending| word.ends_with(ending)))?;
    Some(named.trim_start_matches("./").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(String::from).collect()
    }

    #[test]
    fn tools_for_development_are_no_entry() {
        for line in [
            "nodemon src/x.js",
            "node_modules/.bin/nodemon x",
            "node --watch x.js",
            "npm start",
            "uvicorn a:b --reload",
            "flask run",
            "python manage.py runserver",
            "sh -c x",
            "node --inspect=0.0.0.0 x",
            "python3 -m watchfiles x",
        ] {
            assert!(!is_plain(&words(line)), "{line}");
        }
        for line in ["node src/server.js", "gunicorn app:app", "python3 -m app", "node_modules/.bin/next start"] {
            assert!(is_plain(&words(line)), "{line}");
        }
        assert!(!is_plain(&[]));
    }

    #[test]
    fn a_line_for_a_shell_is_words_when_it_is_no_more() {
        assert_eq!(words_of("NODE_ENV=production node dist/x.js"), Some(words("node dist/x.js")));
        assert_eq!(words_of("cross-env NODE_ENV=production node x.js"), Some(words("node x.js")));
        for line in ["node x && y", "PORT=1 node x", "node $X", "", "node 'a b'"] {
            assert_eq!(words_of(line), None, "{line}");
        }
        assert_eq!(file(&words("node --max-old-space-size=9 ./src/x.js"), &[".js"]).as_deref(), Some("src/x.js"));
    }

    #[test]
    fn an_init_is_left_out() {
        assert_eq!(joined(Some(words("/usr/bin/tini --")), Some(words("node x"))), Some(words("node x")));
        assert_eq!(joined(Some(words("python3")), Some(words("x.py"))), Some(words("python3 x.py")));
        assert_eq!(joined(None, None), None);
    }
}
