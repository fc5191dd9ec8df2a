//! A command written as one string, split into words the way Compose does it: shell quoting, no
//! variables, and everything from an operator (`;`, `&`, `|`, `<`, `>`) on is dropped.

/// The words, or nothing if quotes or parentheses do not close.
pub fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Words::default();
    for char in line.chars() {
        if !words.take(char)? {
            break;
        }
    }
    words.finish()
}

#[derive(Default)]
struct Words {
    done: Vec<String>,
    word: String,
    /// A word has begun; an empty one in quotes counts.
    begun: bool,
    escaped: bool,
    single: bool,
    double: bool,
    backquote: bool,
    /// Inside `$( )`.
    dollar: bool,
}

impl Words {
    fn open(&self) -> bool {
        self.single || self.double || self.backquote || self.dollar
    }

    /// Nothing: not a command line. False: an operator ends the words.
    fn take(&mut self, char: char) -> Option<bool> {
        if self.escaped {
            self.escaped = false;
            self.word.push(char);
            self.begun = true;
            return Some(true);
        }
        match char {
            '\\' if !self.single => self.escaped = true,
            ' ' | '\t' | '\r' | '\n' if !self.open() => self.end_word(),
            '"' if !self.single && !self.dollar => {
                self.begun |= self.double;
                self.double = !self.double;
            }
            '\'' if !self.double && !self.dollar => {
                self.begun |= self.single;
                self.single = !self.single;
            }
            '(' if !(self.single || self.double || self.backquote) => {
                if self.dollar || !self.word.ends_with('$') {
                    return None;
                }
                self.dollar = true;
                self.word.push('(');
            }
            ';' | '&' | '|' | '<' | '>' if !self.open() => {
                // `2>file`: the number belongs to the operator.
                if char == '>' && self.word.starts_with(|c: char| c.is_ascii_digit()) {
                    self.begun = false;
                }
                return Some(false);
            }
            _ => {
                match char {
                    '`' if !(self.single || self.double || self.dollar) => self.backquote = !self.backquote,
                    ')' if !(self.single || self.double || self.backquote) => self.dollar = !self.dollar,
                    _ => {}
                }
                self.push(char);
            }
        }
        Some(true)
    }

    fn push(&mut self, char: char) {
        self.word.push(char);
        // A blank inside quotes begins no word of its own; the closing quote does.
        self.begun |= !matches!(char, ' ' | '\t' | '\r' | '\n');
    }

    fn end_word(&mut self) {
        if std::mem::take(&mut self.begun) {
            self.done.push(std::mem::take(&mut self.word));
        }
    }

    fn finish(mut self) -> Option<Vec<String>> {
        if self.escaped || self.open() {
            return None;
        }
        self.end_word();
        Some(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    /// Each line was split by Compose 2.40.
    #[test]
    fn splits_like_compose() {
        for (line, words) in [
            ("echo a && b", vec!["echo", "a"]),
            ("a \"b;c\" d", vec!["a", "b;c", "d"]),
            ("echo $(x y) z", vec!["echo", "$(x y)", "z"]),
            ("a `b c` d", vec!["a", "`b c`", "d"]),
            ("a>b", vec!["a"]),
            ("2>x", vec![]),
            ("a 2>x", vec!["a"]),
            ("2a>x", vec![]),
            ("a\\tb\\nc \"d\\te\" 'f\\tg'", vec!["atbnc", "dte", "f\\tg"]),
            ("\"\" b ''", vec!["", "b", ""]),
            ("a\"b\"c", vec!["abc"]),
            ("a)b c)", vec!["a)b c)"]),
            ("a \\  '' \" \" 'a'\\''b'", vec!["a", " ", "", " ", "a'b"]),
            ("", vec![]),
        ] {
            assert_eq!(split(line).as_deref(), Some(&words.iter().map(ToString::to_string).collect::<Vec<_>>()[..]), "{line}");
        }
        for line in ["(a)", "a \"b", "a\\", "$( a b"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
