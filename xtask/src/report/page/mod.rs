//! Pages in one file: nothing is loaded from elsewhere, and nothing runs that was not written here.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::harmless;
use crate::error::{Error, Result};

const STYLE: &str = include_str!("page.css");

/// The page that a template makes of its content. The template finds `style`, `script` and the `policy` that
/// lets exactly these two in; everything else is escaped.
pub fn page(template: &str, script: &str, content: Value) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // What ends in .html is escaped.
    let rendered = environment.add_template("page.html", template).and_then(|()| {
        let mut all = content;
        all["style"] = json!(STYLE);
        all["script"] = json!(script);
        all["policy"] = json!(policy(script));
        environment.get_template("page.html")?.render(Serde(&all))
    });
    rendered.map_err(|error| Error::unusable("write the page").why(error.to_string()))
}

fn policy(script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", base64(&Sha256::digest(text)));
    let script = if script.is_empty() { "'none'".to_string() } else { hash(script) };
    format!("default-src 'none'; style-src {}; script-src {script}; base-uri 'none'; form-action 'none'", hash(STYLE))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |number, at| number << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let value = (number >> (18 - 6 * digit)) & 63;
            text.push(if digit > chunk.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    text
}

/// A sentence in pieces: what stands between backquotes is code.
pub fn pieces(text: &str) -> Value {
    let parts: Vec<&str> = text.split('`').collect();
    let last = parts.len() - 1;
    let piece = |(number, part): (usize, &&str)| match number % 2 == 1 {
        true if number == last => json!({"code": false, "text": format!("`{}", harmless(part))}),
        is_code => json!({"code": is_code, "text": harmless(part)}),
    };
    parts.iter().enumerate().filter(|(_, part)| !part.is_empty()).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_standard() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        cases.iter().for_each(|(plain, wanted)| assert_eq!(base64(plain.as_bytes()), *wanted));
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn names_stay_names() {
        let made = page("<p title=\"{{ name }}\">{{ name }}</p>{{ policy }}", "", json!({"name": "\"><img src=x>"})).unwrap();
        assert!(made.starts_with("<p title=\"&quot;&gt;&lt;img src=x&gt;\">&quot;&gt;&lt;img src=x&gt;</p>"), "{made}");
        assert!(made.contains("script-src &#x27;none&#x27;"), "{made}");
        assert!(page("{{ missing }}", "", json!({})).is_err());
    }

    #[test]
    fn code_stands_between_backquotes() {
        let made = pieces("`a` is `b");
        assert_eq!(made, json!([{"code": true, "text": "a"}, {"code": false, "text": " is "}, {"code": false, "text": "`b"}]));
    }
}
