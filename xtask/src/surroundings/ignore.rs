//! Patterns for files of a build context: those of `.dockerignore`, and the sources of `COPY`.

/// A pattern; it holds for what it names and for everything below that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// Relative to the context; `.` is all of it.
    pub fn new(text: &str) -> Pattern {
        let mut parts: Vec<String> = Vec::new();
        for part in text.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part == ".." {
                parts.pop();
            } else {
                parts.push(part.to_string());
            }
        }
        Pattern(parts)
    }

    /// Whether it holds for a path relative to the context.
    pub fn holds(&self, path: &str) -> bool {
        // The positions in the pattern that the path so far can have reached.
        let mut reached = vec![false; self.0.len() + 1];
        reached[0] = true;
        self.pass_any(&mut reached);
        for part in path.split('/') {
            if reached[self.0.len()] {
                return true;
            }
            let mut next = vec![false; self.0.len() + 1];
            for (at, wanted) in self.0.iter().enumerate().filter(|(at, _)| reached[*at]) {
                if wanted == "**" {
                    next[at] = true;
                } else if fits(wanted, part) {
                    next[at + 1] = true;
                }
            }
            self.pass_any(&mut next);
            reached = next;
        }
        reached[self.0.len()]
    }

    /// `**` may also stand for nothing.
    fn pass_any(&self, reached: &mut [bool]) {
        for at in 0..self.0.len() {
            if reached[at] && self.0[at] == "**" {
                reached[at + 1] = true;
            }
        }
    }
}

/// One part of a path: `*` any characters, `?` and `[...]` any one.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (simple(pattern), name.chars().collect());
    let (mut at, mut n) = (0, 0);
    // Where to go on when what follows the last star did not fit.
    let mut again: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(at) {
            Some('*') => {
                again = Some((at, n));
                at += 1;
            }
            Some(char) if *char == '?' || *char == name[n] => {
                at += 1;
                n += 1;
            }
            _ => {
                let Some((star, from)) = again else { return false };
                again = Some((star, from + 1));
                (at, n) = (star + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|char| *char == '*')
}

/// The pattern with each `[...]` as a `?`.
fn simple(pattern: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut rest = pattern;
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        match rest.find(']') {
            Some(close) if char == '[' && close > 0 => {
                out.push('?');
                rest = &rest[close + 1..];
            }
            _ => out.push(char),
        }
    }
    out
}

/// The patterns of a `.dockerignore`; the last one that holds decides.
#[derive(Debug, Clone, Default)]
pub struct Ignore(Vec<(Pattern, bool)>);

impl Ignore {
    pub fn parse(text: &str) -> Ignore {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pattern = |line: &str| match line.strip_prefix('!') {
            Some(line) => (Pattern::new(line.trim()), true),
            None => (Pattern::new(line), false),
        };
        Ignore(lines.map(pattern).collect())
    }

    pub fn leaves_out(&self, path: &str) -> bool {
        self.0.iter().rev().find(|(pattern, _)| pattern.holds(path)).is_some_and(|(_, kept)| !kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_hold_for_what_they_name_and_below() {
        for (pattern, path, expected) in [
            (".", "a/b", true),
            ("/src/", "src/a.py", true),
            ("src", "srcs/a.py", false),
            ("*.json", "package.json", true),
            ("*.json", "a/package.json", false),
            ("**/*.json", "a/b/package.json", true),
            ("**/*.json", "package.json", true),
            ("a/**", "a/b/c", true),
            ("a/**/d", "a/d", true),
            ("a/**/d", "a/b/c/d/e", true),
            ("[ab]?.t*", "a1.ts", true),
            ("x/../src", "src/a", true),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(Pattern::new(pattern).holds(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_line_that_holds_decides() {
        let ignore = Ignore::parse("# all\n*\n!src\n\nsrc/**/test\n");
        let left_out = |path| ignore.leaves_out(path);
        assert!(left_out("README.md") && !left_out("src/a.js") && left_out("src/x/test/a.js"));
        assert!(!Ignore::default().leaves_out("a"));
    }
}
