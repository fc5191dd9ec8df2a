//! Whether code that reads a variable goes on without it.

use std::ops::Range;

use super::language::Language;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A comment, or a variable that is set or deleted.
    NoRead,
    /// A default is given, or the code asks whether it is set.
    Optional,
    Needed,
}

/// What follows a read that has, or is, an answer to a missing value.
const ANSWERS: [&str; 22] = [
    "??",
    "||",
    "&&",
    "==",
    "!=",
    "?:",
    "?.",
    "or ",
    "and ",
    "if ",
    "is ",
    "in ",
    "{",
    "do ",
    ".unwrap_or",
    ".ok()",
    ".is_ok",
    ".is_err",
    ".map_or",
    ".presence",
    ".nil?",
    ".blank?",
];

/// What stands before a read that only asks.
const QUESTIONS: [&str; 12] =
    ["if ", "if(", "elif ", "unless ", "while ", "while(", "typeof ", "not ", "bool(", "Boolean(", "cmp.Or(", "assert "];

/// Judges the read at a range of the text.
pub fn judge(language: Language, text: &str, read: Range<usize>) -> Verdict {
    let line_start = text[..read.start].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[line_start..read.start];
    if is_comment(language, before) || before.trim_end().ends_with("delete") {
        return Verdict::NoRead;
    }
    if language == Language::Shell {
        return Verdict::Needed;
    }
    let after = text[read.end..].trim_start();
    // A second argument is the default, where the language has that.
    if after.starts_with(',') && matches!(language, Language::Python | Language::Ruby) {
        return Verdict::Optional;
    }
    let after = after.strip_prefix([')', ']', '!']).unwrap_or(after).trim_start_matches([' ', '\t']);
    if after.starts_with('=') && !after.starts_with("==") && !after.starts_with("=>") {
        return Verdict::NoRead;
    }
    if QUESTIONS.iter().any(|question| before.contains(question))
        || before.trim_end().ends_with('!')
        || text[read.clone()].contains("LookupEnv")
    {
        return Verdict::Optional;
    }
    if answers(language, after) || is_filled_below(before, after) {
        return Verdict::Optional;
    }
    Verdict::Needed
}

fn is_comment(language: Language, before: &str) -> bool {
    let start = before.trim_start();
    let hash = matches!(language, Language::Python | Language::Ruby | Language::Shell | Language::Php);
    start.starts_with("//")
        || start.starts_with('*')
        || (start.starts_with("/*") && !start.contains("*/"))
        || (hash && start.starts_with('#'))
        || before.contains("// ")
}

/// Whether what comes next answers a missing value: behind the brackets that close, on the next line too.
fn answers(language: Language, after: &str) -> bool {
    let mut rest = after;
    // `parseInt(process.env.PORT, 10) || 3000`.
    if let Some(radix) = rest.strip_prefix(',').map(str::trim_start).and_then(|rest| rest.strip_prefix("10")) {
        rest = radix;
    }
    let rest = rest.trim_start_matches([')', ']', ' ', '\t']);
    let next = rest.trim_start_matches([')', ']', ' ', '\t', '\r', '\n']);
    let ternary = language != Language::Rust && next.starts_with('?');
    let is_word = |answer: &str| answer.ends_with(' ') || answer == "{";
    let opens = |answer: &str| match is_word(answer) {
        // On the next line a word begins a statement of its own.
        true => rest.starts_with(answer) && (language == Language::Ruby || !matches!(answer, "{" | "do ")),
        false => next.starts_with(answer),
    };
    ternary || ANSWERS.iter().any(|answer| opens(answer))
}

/// `a := os.Getenv("A")`, then within three lines `if a == ""` and, in its block, `a = `.
fn is_filled_below(before: &str, after: &str) -> bool {
    let Some((name, _)) = before.split_once(":=").or_else(|| before.split_once('=')) else { return false };
    let name = name.split_whitespace().next_back().unwrap_or_default();
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return false;
    }
    let lines: Vec<&str> = after.lines().skip(1).take(6).map(str::trim).collect();
    let asks = |line: &&str| line.starts_with("if ") || line.starts_with("if(");
    let Some(at) = lines.iter().take(3).position(|line| asks(line) && line.contains(name)) else { return false };
    let sets = |line: &&str| {
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=') && !rest.trim_start().starts_with("=="))
    };
    lines[at..].iter().take(3).any(|line| sets(line) || line.rsplit(['{', ')']).next().is_some_and(|last| sets(&last.trim())))
}
