//! Where the variables of a file stand.

use std::ops::Range;

use crate::text::Span;
use crate::yaml::Origin;

use super::Found;
use super::interpolate::Op;

/// One `${NAME}` in the stack's files. A value that several services share through an anchor is
/// evaluated, and listed, once for each; a file that is read twice for two stacks, once for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub name: String,
    /// Its form: plain, with a default (`-`), required (`?`) or with a replacement (`+`).
    pub op: Op,
    /// Stands in the default or message of another variable.
    pub nested: bool,
    /// The scalar in which it stands.
    pub at: Origin,
    /// The bytes from `$` to the end of the name or the closing brace, in the file of `at`. `None`
    /// where the file does not hold them as they are read: behind an escape, or over several lines.
    pub span: Option<Span>,
    /// The bytes of its default, message or replacement; as with `span`.
    pub argument: Option<Span>,
    /// The way to that scalar in its file, for example `services.db.environment.PASSWORD`.
    pub place: String,
    /// The service of that file.
    pub service: Option<String>,
    pub found: Found,
}

impl Reference {
    /// Whether it brings a default with it, which may be empty.
    pub fn has_default(&self) -> bool {
        matches!(self.op, Op::Default { .. })
    }

    /// Whether Compose refuses the stack where the variable is missing.
    pub fn is_required(&self) -> bool {
        matches!(self.op, Op::Required { .. })
    }

    /// Whether Compose warns that the variable is not set and becomes nothing. It looks into
    /// defaults and messages too, also where they are not needed.
    pub fn is_warned_of(&self) -> bool {
        self.op == Op::None && self.found == Found::Unset
    }
}

/// A scalar's decoded text and its bytes in the file.
pub struct Written<'a> {
    raw: &'a str,
    text: &'a str,
    start: usize,
    /// How many bytes of quotes open the scalar, if it holds no escapes: nearly all do not.
    quote: Option<usize>,
    /// Where to look on in `raw`; nothing when something was not found.
    from: Option<usize>,
}

impl<'a> Written<'a> {
    pub fn new(source: &'a str, text: &'a str, at: Origin) -> Self {
        let raw = source.get(at.span.start..at.span.end).unwrap_or_default();
        let same = |skip: usize| raw.len() == text.len() + 2 * skip && raw.get(skip..skip + text.len()) == Some(text);
        Written { raw, text, start: at.span.start, quote: [0, 1].into_iter().find(|skip| same(*skip)), from: Some(0) }
    }

    /// Where a variable of the decoded text stands in the file. To be asked in the order of the text.
    pub fn span(&mut self, range: &Range<usize>) -> Option<Span> {
        let words = &self.text[range.clone()];
        let at = match self.quote {
            Some(quote) => quote + range.start,
            None => self.search(words)?,
        };
        Some(Span::new(self.start + at, self.start + at + words.len()))
    }

    fn search(&mut self, words: &str) -> Option<usize> {
        let mut from = self.from.take()?;
        loop {
            let at = from + self.raw.get(from..)?.find(words)?;
            from = at + 1;
            let dollars = self.raw.as_bytes()[..at].iter().rev().take_while(|byte| **byte == b'$').count();
            // Behind an odd number of dollar signs it is text, as in `$${A}`.
            if dollars % 2 == 0 {
                self.from = Some(from);
                return Some(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Call, Environment, Found, Unset, load};
    use crate::source::{Disk, Overlay};

    const COMPOSE: &str = r#"services:
  web:
    image: x:${TAG:-a${INNER}}
    user: '${WHO?say ''who''}$PLAIN'
    working_dir: "/A$${TAG}/${TAG+other}"
    command: |
      one $${PLAIN}
      two ${PLAIN} ${PLAIN-}
    privileged: ${YES:?}
"#;

    #[test]
    fn a_reference_says_its_form_and_its_bytes() {
        let mut files = Overlay::new(&Disk);
        files.set("/nowhere/a/compose.yaml", Some(COMPOSE.into()));
        let call = Call { files: vec!["/nowhere/a/compose.yaml".into()], unset: Unset::StandIn, ..Call::default() };
        let model = load(&files, &call, &Environment::from([("TAG".into(), String::new())])).unwrap();
        let told = model.references.iter().map(|r| {
            let slice = |span: Option<crate::text::Span>| span.map(|span| span.slice(COMPOSE));
            (slice(r.span), slice(r.argument), r.has_default(), r.is_required(), r.is_warned_of(), r.found)
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                (Some("${TAG:-a${INNER}}"), Some("a${INNER}"), true, false, false, Found::Exported),
                (Some("${INNER}"), None, false, false, true, Found::Unset),
                (None, None, false, true, false, Found::StandIn),
                (None, None, false, false, true, Found::Unset),
                (Some("${TAG+other}"), Some("other"), false, false, false, Found::Exported),
                (Some("${PLAIN}"), None, false, false, true, Found::Unset),
                (Some("${PLAIN-}"), Some(""), true, false, false, Found::Unset),
                (Some("${YES:?}"), Some(""), false, true, false, Found::StandIn),
            ]
        );
        assert_eq!(model.references[5].span.unwrap().start, COMPOSE.find("two ${PLAIN}").unwrap() + 4);
        let service = model.service("web").unwrap();
        assert_eq!(service.get("user").unwrap().as_str(), Some("1"));
        assert!(service.get("privileged").is_none(), "what nobody has granted is not taken for granted");
    }
}
