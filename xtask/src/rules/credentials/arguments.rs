//! Credentials among the arguments of a command, in list form or as one shell string.

use std::ops::Range;

use crate::catalogue::{ShortOptions, key_shape, short_options};

/// The value of an option: the word that holds it, its bytes in that word, the option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OptionValue {
    pub word: usize,
    pub range: Range<usize>,
    pub option: String,
}

/// The values of options that take a credential in a word of their own, or in a short option's word.
/// `--password=x` and `PGPASSWORD=x` are assignments and found as such.
pub(super) fn option_values(words: &[&str]) -> Vec<OptionValue> {
    let mut found = Vec::new();
    let mut program: Option<&ShortOptions> = None;
    for (n, word) in words.iter().enumerate() {
        if ends_command(word) {
            program = None;
            continue;
        }
        if let Some(options) = short_options(word) {
            program = Some(options);
            continue;
        }
        let next = words.get(n + 1).filter(|next| !next.starts_with('-') && !ends_command(next));
        let has = |list: &[String]| list.iter().any(|option| option == word);
        if program.is_some_and(|p| has(&p.user_password)) {
            found.extend(next.and_then(|next| Some(value(n + 1, next.find(':')? + 1..next.len(), word))));
        } else if program.is_some_and(|p| has(&p.separate)) || takes_credential(word) {
            found.extend(next.map(|next| value(n + 1, 0..next.len(), word)));
        } else if let Some(option) = program.and_then(|p| p.attached.iter().find(|option| is_attached(word, option))) {
            found.push(value(n, option.len()..word.len(), option));
        }
    }
    found.retain(|value| !value.range.is_empty());
    found
}

fn value(word: usize, range: Range<usize>, option: &str) -> OptionValue {
    OptionValue { word, range, option: option.to_string() }
}

fn takes_credential(word: &str) -> bool {
    let is_name = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    word.len() > 3 && word.starts_with('-') && is_name && key_shape(word).is_credential()
}

fn is_attached(word: &str, option: &str) -> bool {
    word.len() > option.len() && word.starts_with(option)
}

fn ends_command(word: &str) -> bool {
    matches!(word, ";" | "&&" | "||" | "|" | "&" | "\n")
}

/// The words of a shell string, without the quotes around them; operators and line ends are words.
/// Words inside a quoted word (`sh -c "..."`) are not split again.
pub(super) fn shell_words(text: &str, within: Range<usize>) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = within.start;
    while at < within.end {
        let c = text[at..].chars().next().unwrap_or(' ');
        if c == '\n' || matches!(c, ';' | '|' | '&') {
            let doubled = text[at + 1..within.end].starts_with(c) && c != '\n' && c != ';';
            words.push(at..at + 1 + usize::from(doubled));
            at += 1 + usize::from(doubled);
        } else if c.is_whitespace() || c == '\\' && text[at + 1..within.end].starts_with('\n') {
            at += if c == '\\' { 2 } else { c.len_utf8() };
        } else {
            let end = word_end(text, at..within.end);
            words.push(without_quotes(text, at..end));
            at = end;
        }
    }
    words
}

fn word_end(text: &str, range: Range<usize>) -> usize {
    let mut quote = None;
    let mut depth = 0usize;
    let mut chars = text[range.clone()].char_indices().peekable();
    while let Some((n, c)) = chars.next() {
        let opens_variable = c == '$' && matches!(chars.peek(), Some((_, '{' | '(')));
        match quote {
            Some(open) if c == open => quote = None,
            Some('"') | None if c == '\\' => drop(chars.next()),
            Some(_) => {}
            None if opens_variable => {
                depth += 1;
                chars.next();
            }
            None if depth > 0 && matches!(c, '}' | ')') => depth -= 1,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if depth == 0 && (c.is_whitespace() || matches!(c, ';' | '|' | '&')) => return range.start + n,
            None => {}
        }
    }
    range.end
}

fn without_quotes(text: &str, word: Range<usize>) -> Range<usize> {
    let inner = &text[word.clone()];
    let quoted =
        inner.len() > 1 && ['"', '\''].iter().any(|q| inner.starts_with(*q) && inner.ends_with(*q) && inner.matches(*q).count() == 2);
    if quoted { word.start + 1..word.end - 1 } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let ranges = shell_words(text, 0..text.len());
        let words: Vec<&str> = ranges.iter().map(|range| &text[range.clone()]).collect();
        option_values(&words).into_iter().map(|v| (v.option, words[v.word][v.range].to_string())).collect()
    }

    fn one(text: &str, option: &str, value: &str) {
        assert_eq!(found(text), [(option.to_string(), value.to_string())], "{text}");
    }

    #[test]
    fn options_that_take_a_credential() {
        one("redis-server --appendonly yes --requirepass pw", "--requirepass", "pw");
        one("redis-cli -a pw ping | grep -q PONG", "-a", "pw");
        one("mysqladmin ping -h localhost -uroot -ppw || exit 1", "-p", "pw");
        one("mongosh -u root -p pw --eval 'x'", "-p", "pw");
        one("exec /opt/mssql-tools/bin/sqlcmd -S . -U sa -P pw -Q 'SELECT 1'", "-P", "pw");
        one("curl -f -u elastic:pw http://x", "-u", "pw");
        one("server --api-key 'p w'; next", "--api-key", "p w");
        one("x --password ${P:-a b} y", "--password", "${P:-a b}");
        one("redis-cli -a \\\n pw ping", "-a", "pw");
    }

    #[test]
    fn options_that_only_look_so() {
        for text in [
            "grep -a x; ls -p y",
            "redis-cli ping && grep -a x",
            "x --password-file /run/x",
            "x --token-ttl 5",
            "x --password --other",
            "curl -u elastic http://x",
            "mysql -h db --port 3306",
            "nc -p 80",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
