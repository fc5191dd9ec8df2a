/// The escapes of double quotes. `\$` becomes `$$`, so that the expansion that follows leaves it
/// alone; octal ones are written `\0nnn`; a backslash in front of anything else stays.
pub fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let (text, used) = match tail.bytes().next() {
            Some(b'a') => ("\u{7}".to_string(), 1),
            Some(b'b') => ("\u{8}".to_string(), 1),
            Some(b'f') => ("\u{c}".to_string(), 1),
            Some(b'n') => ("\n".to_string(), 1),
            Some(b'r') => ("\r".to_string(), 1),
            Some(b't') => ("\t".to_string(), 1),
            Some(b'v') => ("\u{b}".to_string(), 1),
            Some(b'$') => ("$$".to_string(), 1),
            Some(b'"') => ("\"".to_string(), 1),
            Some(b'\\') => ("\\".to_string(), 1),
            Some(b'0') => octal(&tail[1..]),
            _ => ("\\".to_string(), 0),
        };
        out.push_str(&text);
        rest = &tail[used..];
    }
    out.push_str(rest);
    out
}

/// `\0` with up to three digits behind it. Only three octal ones name a character; otherwise the
/// zero is lost and the rest stays as it is, which is what Compose makes of it.
fn octal(digits: &str) -> (String, usize) {
    let count = digits.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let code = u8::from_str_radix(&digits[..count], 8).ok().filter(|_| count == 3);
    let text = code.map_or_else(|| format!("\\{}", &digits[..count]), |code| char::from(code).to_string());
    (text, count + 1)
}
