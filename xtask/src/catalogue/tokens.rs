//! Tokens that tell their provider by their shape, whatever key they stand under.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::values::entropy;

/// A token in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is, for example `github-pat`.
    pub id: &'static str,
    pub range: Range<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    id: String,
    regex: String,
    /// In lower case; a text without any of them is not searched.
    keywords: Vec<String>,
    /// The least entropy of the token, in bits a byte.
    #[serde(default)]
    entropy: f64,
    /// The group of the expression that is the token, when it is not the first that took part.
    group: Option<usize>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(skip)]
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    except: Vec<Regex>,
}

struct Shapes {
    shapes: Vec<Shape>,
    keywords: AhoCorasick,
    /// The shape of each keyword.
    owners: Vec<usize>,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let text = include_str!("../../../policies/tokens.yaml");
    let shapes: Vec<Shape> = serde_yaml::from_str(text).expect("policies/tokens.yaml is built in and held by a test");
    let mut owners = Vec::new();
    let mut words = Vec::new();
    for (n, shape) in shapes.iter().enumerate() {
        owners.extend(shape.keywords.iter().map(|_| n));
        words.extend(shape.keywords.iter().cloned());
    }
    let keywords = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).expect("a few hundred short words");
    Shapes { shapes, keywords, owners }
});

/// Compiling a shape costs ten milliseconds, so it waits for a text with one of its keywords. The
/// expressions are of bytes: their classes are ASCII, and thirty times smaller so.
fn compiled(shape: &Shape) -> Option<&Compiled> {
    let build = |text: &str| RegexBuilder::new(text).unicode(false).size_limit(64 << 20).build().ok();
    let compile = || {
        let except = shape.except.iter().filter_map(|text| build(text)).collect();
        build(&shape.regex).map(|regex| Compiled { regex, except })
    };
    shape.compiled.get_or_init(compile).as_ref()
}

/// The tokens in the value of a key: some shapes are told apart by a word in the key only.
pub fn tokens_in(key: &str, value: &str) -> Vec<Token> {
    let text = format!("{key}={value}");
    let head = key.len() + 1;
    let mut gated: Vec<usize> = SHAPES.keywords.find_overlapping_iter(&text).map(|m| SHAPES.owners[m.pattern().as_usize()]).collect();
    gated.sort_unstable();
    gated.dedup();
    let mut tokens = Vec::new();
    for n in gated {
        let shape = &SHAPES.shapes[n];
        let Some(compiled) = compiled(shape) else { continue };
        for captures in compiled.regex.captures_iter(text.as_bytes()) {
            let group = match shape.group {
                Some(group) => captures.get(group),
                None => captures.iter().skip(1).flatten().next().or(captures.get(0)),
            };
            let Some(found) = group.filter(|g| g.start() >= head) else { continue };
            let (Some(token), range) = (text.get(found.range()), found.start() - head..found.end() - head) else { continue };
            let excepted = compiled.except.iter().any(|regex| regex.is_match(token.as_bytes()));
            if !excepted && entropy(token) >= shape.entropy {
                tokens.push(Token { id: &shape.id, range });
            }
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_compiles_and_has_a_keyword() {
        assert!(SHAPES.shapes.len() > 190);
        for shape in &SHAPES.shapes {
            assert!(compiled(shape).is_some_and(|c| c.except.len() == shape.except.len()), "{}", shape.id);
            assert!(!shape.keywords.is_empty() && shape.keywords.iter().all(|k| *k == k.to_lowercase()), "{}", shape.id);
        }
    }

    #[test]
    fn a_token_is_found_under_any_key_with_its_place() {
        // Put together here, so that no scanner takes this file for a leak.
        let github = format!("ghp_{}", "RZCqsuFnygdi6pWR59fwMuA2hs4KsgH6GqkT");
        let found = tokens_in("SIGNAL_SOURCE", &format!("x {github}"));
        assert_eq!(found, [Token { id: "github-pat", range: 2..2 + github.len() }]);
        let slack = format!("https://hooks.slack.com/{}", "services/TNRTIDFUVRT/BJN4QXQCNWL/rGU3HFCHyZySWACAG6fneilM");
        assert_eq!(tokens_in("ALERT_TARGET", &slack)[0].id, "slack-webhook-url");
        assert_eq!(tokens_in("SIGNAL_SOURCE", "https://git.trading.example/api/v4/projects/42"), []);
        assert_eq!(tokens_in("X", &format!("AKIA{}", "IOSFODNN7EXAMPLE")), []);
    }
}
