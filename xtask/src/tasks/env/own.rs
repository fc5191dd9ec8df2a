//! Which secrets a project sets itself: only they can be made up. What somebody else issues, nobody here can know.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::catalogue::{ServerKind, server_kind};
use crate::dotenv;
use crate::model::Model;
use crate::model::interpolate::Op;
use crate::source::real;
use crate::text::template::{self, Segment};
use crate::yaml::{Data, Origin, Value};

/// Keys that sign or encrypt and that any long text will do for, whole or behind a `_`.
const SIGNING: [&str; 11] = [
    "AUTH_SECRET",
    "COOKIE_PASSWORD",
    "COOKIE_SECRET",
    "CSRF_SECRET",
    "JWT_SECRET",
    "JWT_SECRET_KEY",
    "NEXTAUTH_SECRET",
    "SECRET_KEY_BASE",
    "SESSION_SECRET",
    "SESSION_SECRET_KEY",
    "SIGNING_SECRET",
];

/// The same as whole names: with another word before it, it is often the half of a pair that a provider issues.
const SIGNING_WHOLE: [&str; 5] = ["APP_SECRET_KEY", "DJANGO_SECRET_KEY", "FLASK_SECRET_KEY", "SECRET_KEY", "SUPERSET_SECRET_KEY"];

/// Whoever stands in a name issues what it names.
const ISSUERS: [&str; 26] = [
    "ANTHROPIC",
    "APPLE",
    "AUTH0",
    "AWS",
    "AZURE",
    "CLOUDFLARE",
    "DISCORD",
    "DOCKERHUB",
    "GCP",
    "GITHUB",
    "GITLAB",
    "GOOGLE",
    "HUGGINGFACE",
    "LANGSMITH",
    "MAILGUN",
    "NPM",
    "OKTA",
    "OPENAI",
    "OPENROUTER",
    "PAYPAL",
    "SENDGRID",
    "SENTRY",
    "SLACK",
    "STRIPE",
    "TELEGRAM",
    "TWILIO",
];

/// What the stacks say of the variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A server of these stacks takes them for its own password.
    pub own: BTreeSet<String>,
    /// Every place that names them does without a value.
    pub optional: BTreeSet<String>,
}

impl Known {
    /// `main` is the root's `.env`, which need not be there.
    pub fn of(models: &[Model], main: &Path) -> Known {
        let mut known = Known::default();
        let mut needed: BTreeMap<&str, bool> = BTreeMap::new();
        for model in models {
            for reference in &model.references {
                *needed.entry(&reference.name).or_default() |= matches!(reference.op, Op::None | Op::Required { .. });
            }
            for service in model.services() {
                let image = model.service(service).and_then(|service| service.get("image")).and_then(Value::as_str);
                if let Some(kind) = image.and_then(server_kind).filter(|kind| !kind.keys.password.is_empty()) {
                    known.own.extend(of_server(model, service, kind, main));
                }
            }
        }
        known.optional = needed.into_iter().filter(|(_, needed)| !needed).map(|(name, _)| name.to_string()).collect();
        known
    }

    /// Whether nobody else has to know the secret first.
    pub fn can_be_made_up(&self, name: &str) -> bool {
        self.own.contains(name) || is_signing_key(name)
    }
}

/// The variables that a server of this kind takes for its password.
fn of_server(model: &Model, service: &str, kind: &ServerKind, main: &Path) -> BTreeSet<String> {
    let is_own = |key: &str| kind.keys.password.iter().any(|known| known == key);
    let mut places: BTreeSet<Origin> = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (key, value) in model.environment_of(service).into_iter().filter(|(key, _)| is_own(key)) {
        match value {
            Some((value, at)) if !is_by_name(model, value, at) => places.insert(at),
            _ => names.insert(key.to_string()),
        };
    }
    for key in ["command", "entrypoint"] {
        scalars(model.service(service).and_then(|service| service.get(key)), &mut places);
    }
    let at_places = model.references.iter().filter(|reference| places.contains(&reference.at));
    names.extend(at_places.map(|reference| reference.name.clone()));
    for file in model.env_files.get(service).into_iter().flatten() {
        // What the root's `.env` is going to hold under such a key, the server gets as it stands.
        if file.path == main || real(&file.path) == main {
            names.extend(kind.keys.password.iter().cloned());
        }
        let Some(source) = file.source.and_then(|number| model.sources.get(number as usize)) else { continue };
        for entry in source.entries().iter().filter(|entry| is_own(&entry.key)) {
            let segments = template::parse(entry.value_span.slice(&source.text));
            Segment::each_var(&segments, true, &mut |var, _| {
                names.insert(var.name.clone());
            });
        }
    }
    names
}

/// Whether a value stands nowhere in the files: the name alone does.
fn is_by_name(model: &Model, value: &str, at: Origin) -> bool {
    let named = model.references.iter().any(|reference| reference.at == at);
    let text = model.sources.get(at.file as usize).and_then(|source| source.text.get(at.span.start..at.span.end));
    !named && text.is_some_and(|text| !text.contains(value))
}

fn scalars(value: Option<&Value>, into: &mut BTreeSet<Origin>) {
    match value.map(|value| (&value.data, value.at)) {
        None => {}
        Some((Data::Seq(items), _)) => items.iter().for_each(|item| scalars(Some(item), into)),
        Some((_, at)) => {
            into.insert(at);
        }
    }
}

fn is_signing_key(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let ends_in = |known: &str| upper.strip_suffix(known).is_some_and(|head| head.is_empty() || head.ends_with('_'));
    let issued = upper.split('_').any(|word| ISSUERS.contains(&word));
    !issued && (SIGNING_WHOLE.contains(&upper.as_str()) || SIGNING.iter().any(|known| ends_in(known)))
}

/// The text with a comment above each of these variables that does not say so yet.
pub fn marked_required(text: &str, names: &[String]) -> String {
    const MARK: &str = "# required, and issued by somebody else: fill it in";
    let entries = dotenv::parse(text, &|_| Some("set".to_string())).unwrap_or_default();
    let at: BTreeSet<usize> = entries.iter().filter(|entry| names.contains(&entry.key)).map(|entry| entry.line - 1).collect();
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut marked = String::with_capacity(text.len() + at.len() * (MARK.len() + 2));
    let mut above = "";
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if at.contains(&number) && !(above.starts_with('#') && above.contains("required")) {
            marked.push_str(MARK);
            marked.push_str(ending);
        }
        marked.push_str(line);
        above = line;
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_key_is_the_project_s_own_and_a_provider_s_is_not() {
        for own in ["JWT_SECRET", "API_JWT_SECRET", "NEXTAUTH_SECRET", "SECRET_KEY", "DJANGO_SECRET_KEY", "SECRET_KEY_BASE"] {
            assert!(is_signing_key(own), "{own}");
        }
        for issued in [
            "SLACK_SIGNING_SECRET",
            "OAUTH_SECRET",
            "AWS_SECRET_KEY",
            "S3_SECRET_KEY",
            "BROKER_API_SECRET",
            "OAUTH_CLIENT_SECRET",
            "SMTP_PASSWORD",
        ] {
            assert!(!is_signing_key(issued), "{issued}");
        }
    }

    #[test]
    fn what_is_to_be_filled_in_is_marked_once() {
        let text = "# x\nA='1\n2'\nB=\n# used by web; required\nC=\n";
        let names = ["A".to_string(), "B".to_string(), "C".to_string()];
        let marked = marked_required(text, &names);
        let mark = "# required, and issued by somebody else: fill it in\n";
        assert_eq!(marked, format!("# x\n{mark}A='1\n2'\n{mark}B=\n# used by web; required\nC=\n"));
        assert_eq!(marked_required(&marked, &names), marked);
    }
}
