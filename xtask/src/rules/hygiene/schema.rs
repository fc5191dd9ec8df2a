use std::path::Path;

use crate::catalogue::{Unknown, unknown_keys};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Spot, Subject};
use crate::text::Span;
use crate::yaml::{Document, Place, Seg};

pub static RULE: Rule = Rule {
    name: "schema",
    title: "a key or value that Compose does not know",
    doc: "Compose refuses a file with a key that it does not know, or with a value of a kind that its key does not take; a \
        slip of the pen thus ends in no deployment at all. Found in every document as it is written, also when the stack \
        cannot be loaded, with the key that is most likely meant. Keys that begin with `x-` are your own.",
    category: Category::ServiceDefinitions,
    priority: Priority::P1,
    references: &[Reference::Spec("spec")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

/// Something in a document that the schema does not know.
pub struct Slip {
    pub spot: Spot,
    pub message: String,
    pub help: String,
    /// The value that stands there, which nobody can tell from a secret.
    pub value: Span,
}

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for (file, number, document) in subject.documents() {
        for slip in slips(subject.path(file), document, file > 0 || number > 0) {
            found.report(slip.spot, slip.message, slip.help);
        }
    }
}

/// What the schema does not know in a document. One that is `laid_over` another may say nothing (null) of what
/// the other says.
pub fn slips(path: &Path, document: &Document, laid_over: bool) -> Vec<Slip> {
    let matters = |unknown: &Unknown<'_>| !(laid_over && matches!(unknown, Unknown::Type { null: true, .. }));
    unknown_keys(document).iter().filter(|unknown| matters(unknown)).map(|unknown| slip(path, document, unknown)).collect()
}

fn slip(path: &Path, document: &Document, unknown: &Unknown<'_>) -> Slip {
    let place = unknown.place();
    let key = place.0.iter().rev().find_map(|seg| if let Seg::Key(key) = seg { Some(key) } else { None });
    let key = key.and_then(|key| shown(key));
    let (message, help) = match unknown {
        Unknown::Key { nearest, elsewhere, .. } => {
            let help = match (nearest, elsewhere.as_deref()) {
                (Some(near), None | Some("")) => format!("did you mean `{near}`?"),
                (Some(near), Some(way)) => format!("did you mean `{near}`, or does it belong into `{way}`?"),
                (None, Some("")) => "it belongs at the top level of the file".to_string(),
                (None, Some(way)) => format!("it belongs into `{way}`"),
                (None, None) => "remove it, or begin it with `x-` when it is your own".to_string(),
            };
            (key.map_or("Compose does not know this key".into(), |key| format!("Compose knows no key `{key}` here")), help)
        }
        Unknown::Name { .. } => {
            let message = key.map_or("this cannot be a name".into(), |key| format!("`{key}` cannot be a name"));
            (message, "use letters, digits, `.`, `_` and `-`".to_string())
        }
        Unknown::Type { expected, .. } => {
            let message = key.map_or("Compose does not take this value".into(), |key| format!("`{key}` does not take this value"));
            (message, format!("write {expected}"))
        }
    };
    let value = place.find(&document.root).map_or(unknown.span(), |node| node.span);
    let spot = Spot { file: path.to_path_buf(), span: unknown.span(), place: place.to_string(), service: service(place) };
    Slip { spot, message, help, value }
}

/// A key as it may be shown: not when it could be a value that somebody wrote where a key stands.
fn shown(key: &str) -> Option<&str> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"._- ".contains(&byte);
    (!key.is_empty() && key.len() < 40 && key.bytes().all(is_word)).then_some(key)
}

fn service(place: &Place) -> Option<String> {
    match place.0.as_slice() {
        [Seg::Key(section), Seg::Key(name), ..] if section == "services" => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{RULE, slips};
    use crate::rules::testing::assert_findings;
    use crate::yaml::{Limits, read};

    fn said(text: &str, laid_over: bool) -> Vec<String> {
        let documents = read(text, Limits::default()).unwrap();
        let all = documents.iter().flat_map(|document| slips(Path::new("/a.yaml"), document, laid_over));
        all.map(|slip| format!("{} {}: {}; {}", slip.spot.service.unwrap_or_default(), slip.spot.place, slip.message, slip.help)).collect()
    }

    #[test]
    fn slips_of_the_pen_are_named_with_what_was_meant() {
        let text = "services:\n  web:\n    image: nginx\n    prots: ['80']\n    limits: {memory: 1g}\n    environment: 7\n    'KEY=value': 1\n  \
                    my web: {image: x}\nvolume: {}\nx-own: 1\n";
        assert_eq!(
            said(text, false),
            [
                "web services.web.prots: Compose knows no key `prots` here; did you mean `ports`?",
                "web services.web.limits: Compose knows no key `limits` here; did you mean `ulimits`, or does it belong into `services.*.deploy.resources`?",
                "web services.web.environment: `environment` does not take this value; write a list or a mapping",
                "web services.web.KEY=value: Compose does not know this key; remove it, or begin it with `x-` when it is your own",
                "my web services.my web: `my web` cannot be a name; use letters, digits, `.`, `_` and `-`",
                " volume: Compose knows no key `volume` here; did you mean `volumes`, or does it belong into `services.*.volumes[]`?",
            ]
        );
    }

    #[test]
    fn an_overlay_may_say_nothing() {
        let text = "services:\n  web:\n    ports:\n    image: 7\n";
        assert_eq!((said(text, false).len(), said(text, true).len()), (2, 1));
    }

    #[test]
    fn what_compose_takes_is_clean() {
        assert_findings(&RULE, "x-own: {any: 1}\nservices:\n  web: {image: nginx, x-own: 1, deploy: {resources: {limits: {cpus: 1}}}}\n");
    }
}
