/// Writes a value so that Compose reads exactly it back from an env file: plain where nothing can
/// be misread, else in single quotes, else in double quotes with escapes.
pub fn quote(value: &str) -> String {
    let harmless = |char: char| char.is_ascii_alphanumeric() || "_./:@%+,=-".contains(char);
    if value.chars().all(harmless) {
        return value.to_string();
    }
    if !value.contains(['\'', '\\', '\n', '\r']) {
        return format!("'{value}'");
    }
    let mut quoted = String::with_capacity(value.len() + 8);
    quoted.push('"');
    for char in value.chars() {
        match char {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '$' => quoted.push_str("\\$"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse;
    use super::quote;

    #[test]
    fn chooses_the_simplest_quotes_that_hold() {
        assert_eq!(quote(""), "");
        assert_eq!(quote("postgres://u:p@h/db?x=1"), "'postgres://u:p@h/db?x=1'");
        assert_eq!(quote("a.b-c_d/1"), "a.b-c_d/1");
        assert_eq!(quote("pa$$ #"), "'pa$$ #'");
        assert_eq!(quote("it's \"$1\"\\\n"), "\"it's \\\"\\$1\\\"\\\\\\n\"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_is_quoted_reads_back(value in "[a-z'\"\\\\$\\n\\r\\t #={}:é\u{feff}\u{a0}0-9]{0,24}|\\PC{0,12}", next in "[a-z]{1,3}") {
            let text = format!("A={}\nB={}\n", quote(&value), quote(&next));
            let entries = parse(&text, &|_| None).unwrap();
            prop_assert_eq!(&entries[0].value, &value);
            prop_assert_eq!(&entries[1].value, &next);
        }
    }
}
