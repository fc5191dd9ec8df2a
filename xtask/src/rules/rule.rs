use super::credentials::{Hit, Site};
use super::{Found, Service, Spot, Subject};
use crate::finding::{Category, FixKind, Priority};
use crate::project::Role;

/// What a rule is called, why it exists, and how it looks.
pub struct Rule {
    /// Its file's name with hyphens; also its key in a policy and its anchor in the documents.
    pub name: &'static str,
    /// A finding of it in a few words, no capital, no full stop.
    pub title: &'static str,
    /// Why it matters and what to do, in Markdown.
    pub doc: &'static str,
    pub category: Category,
    pub priority: Priority,
    pub references: &'static [Reference],
    /// How far the tool goes in fixing what it finds; single findings may go less far.
    pub fix: FixKind,
    pub(crate) check: Check,
}

/// What a rule looks at.
pub enum Check {
    /// Each service that Compose would run, by itself.
    Service(fn(&Service<'_>, &mut Found<'_>)),
    /// A stack as a whole.
    Stack(fn(&Subject<'_>, &mut Found<'_>)),
    /// All stacks of a project together: what each has to say, then what follows from all of it. Models are
    /// gone by then.
    Across { gather: fn(&Subject<'_>) -> Vec<Fact>, judge: fn(&[Fact], &mut Found<'_>) },
    /// Each place that can hold a credential.
    Credential(fn(&Site<'_>) -> Vec<Hit>),
    /// Nothing by itself: other parts of the audit speak through it.
    Elsewhere,
}

/// What one stack says about something that several stacks share.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The stack's id.
    pub stack: String,
    pub role: Role,
    /// What it is about: a host port, a variable's name.
    pub key: String,
    /// What is said of it. Of a value that could be secret only a hash.
    pub says: String,
    pub spot: Spot,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// A recommendation of the CIS Docker Benchmark 1.6, chapter 5: `5.4`.
    Cis(&'static str),
    /// A rule of OWASP's Docker Security Cheat Sheet: `3`.
    Owasp(u8),
    /// An element of the Compose Specification: `services.privileged`.
    Spec(&'static str),
    /// Documentation elsewhere: its name and address.
    Link(&'static str, &'static str),
}

impl Reference {
    pub fn title(self) -> String {
        match self {
            Reference::Cis(number) => format!("CIS Docker Benchmark {number}"),
            Reference::Owasp(number) => format!("OWASP Docker Security Cheat Sheet, rule {number}"),
            Reference::Spec(element) => format!("Compose Specification, {element}"),
            Reference::Link(title, _) => title.to_string(),
        }
    }

    /// The address, where the document has a public one.
    pub fn address(self) -> Option<String> {
        match self {
            Reference::Cis(_) => None,
            Reference::Owasp(_) => Some("https://cheatsheetseries.owasp.org/cheatsheets/Docker_Security_Cheat_Sheet.html".into()),
            Reference::Spec(element) => Some(specification(element)),
            Reference::Link(_, address) => Some(address.to_string()),
        }
    }
}

fn specification(element: &str) -> String {
    let (chapter, anchor) = element.split_once('.').unwrap_or((element, ""));
    let page = match chapter {
        "networks" => "06-networks",
        "volumes" => "07-volumes",
        "configs" => "08-configs",
        "secrets" => "09-secrets",
        "build" => "build",
        "deploy" => "deploy",
        "interpolation" => "12-interpolation",
        "services" => "05-services",
        _ => "spec",
    };
    let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
    format!("https://github.com/compose-spec/compose-spec/blob/main/{page}.md{anchor}")
}
