//! Text inside Markdown that stays the text it is: names of services come from files.

/// As running text, also inside a table; what stands between backquotes stays code.
pub fn plain(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let mut shown = String::new();
    for (number, part) in parts.iter().enumerate() {
        let last = number + 1 == parts.len();
        match number % 2 == 1 {
            true if last => shown.push_str(&format!("\\`{}", escaped(part))),
            true => shown.push_str(&code(part)),
            false => shown.push_str(&escaped(part)),
        }
    }
    shown
}

/// As code.
pub fn code(text: &str) -> String {
    let text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let text = text.replace('|', "\\|");
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\r' | '\t' => shown.push(' '),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '\\' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '`' => shown.extend(['\\', char]),
            _ if char.is_control() => shown.extend(char.escape_unicode()),
            _ => shown.push(char),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_becomes_markup() {
        assert_eq!(plain("a|b <img> *x* [y](z)"), "a\\|b &lt;img&gt; \\*x\\* \\[y\\](z)");
        assert_eq!(plain("`web` has `x|y`"), "`web` has `x\\|y`");
        assert_eq!(plain("one ` alone"), "one \\` alone");
        assert_eq!(code("a`b"), "`` a`b ``");
    }
}
