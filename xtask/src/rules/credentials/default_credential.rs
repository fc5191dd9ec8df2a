use super::evidence::{EvidenceKind, Hit};
use super::interpolation::{Fallback, Part, defaults, parts};
use super::site::Site;
use super::url::{self, UrlPassword};
use super::value::{is_credential, is_left_placeholder};
use super::{Check, Reference, Rule};
use crate::catalogue::{KeyShape, key_shape};
use crate::finding::{Category, FixKind, Priority};

pub static RULE: Rule = Rule {
    name: "default-credential",
    title: "a credential has a default",
    doc: "`${DB_PASSWORD:-postgres}` starts with a password that everybody knows whenever the variable is forgotten, \
        and nobody notices. Demand the variable instead: `${DB_PASSWORD:?set DB_PASSWORD in .env}`.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Owasp(12), Reference::Spec("interpolation")],
    fix: FixKind::Report,
    check: Check::Credential(check),
};

fn check(site: &Site<'_>) -> Vec<Hit> {
    if site.verbatim || !site.value().contains('$') {
        return Vec::new();
    }
    let urls = url::passwords(site.text, site.value.clone());
    let whole = matches!(parts(site.text, site.value.clone()).as_slice(), [Part::Variable { .. }]);
    let mut hits = Vec::new();
    for Fallback { variables, range } in defaults(site.text, site.value.clone()) {
        let value = &site.text[range.clone()];
        let inside = |url: &&UrlPassword| url.range.start <= range.start && range.end <= url.range.end;
        let url = urls.iter().find(inside).map(|url| url.parts.clone());
        // What stands in for a credential is one, whatever the variables between are called.
        let shapes = variables.iter().rev().map(|name| key_shape(name));
        let shape = match shapes.clone().find(|shape| shape.is_credential()).or(shapes.clone().next()).unwrap_or(KeyShape::Neutral) {
            _ if url.is_some() => KeyShape::Password,
            _ if whole && matches!(site.shape, KeyShape::Password | KeyShape::Secret | KeyShape::About) => site.shape,
            of_variable => of_variable,
        };
        if is_credential(site, shape, value) || (whole && is_left_placeholder(site, value)) {
            let url = url.or_else(|| site.connection.clone());
            hits.push(Hit { url, variable: variables.last().cloned(), ..Hit::new(EvidenceKind::Default, range) });
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::super::search::tests::{keys, of, secrets};

    #[test]
    fn finds_defaults_of_credentials() {
        let text = "
services:
  a:
    environment:
      - POSTGRES_PASSWORD=${DB_PW:-postgres}
      - REDIS_URL=redis://:${REDIS_PASSWORD-two}@redis/0
      - NESTED_TOKEN=${A_TOKEN:-${B:-three33}}
      - NESTED=${C_SECRET:-${D:-five5}}
      - SALUTE=${SALUTE:-changeme}
      - OPTS=--x ${ADMIN_PASSWORD:-four}
      - JDBC=jdbc:mysql://db/x?password=${P:-five}
    command: [redis-server, --requirepass, '${R:-six}']
";
        assert_eq!(secrets(text, "default-credential"), ["postgres", "two", "three33", "five5", "changeme", "four", "five", "six"]);
        let all = of(text);
        let variables: Vec<_> = all.iter().map(|e| e.variable.as_deref().unwrap()).collect();
        assert_eq!(variables, ["DB_PW", "REDIS_PASSWORD", "B", "D", "SALUTE", "ADMIN_PASSWORD", "P", "R"]);
        assert_eq!(all[1].url.as_ref().unwrap().host, "redis");
        assert_eq!(all[6].url.as_ref().unwrap().host, "db");
        assert!(all[0].known_default && !all[1].known_default);
    }

    #[test]
    fn leaves_alone_other_defaults() {
        let text = "
services:
  a:
    environment:
      A_PASSWORD: ${A:-}
      B_PASSWORD: ${B:-${C}}
      LOG_LEVEL: ${LOG_LEVEL:-debug}
      API_KEY_HEADER: ${API_KEY:-x-api-key}
      DB_USER: ${DB_USER:-admin}
      PASSWORD_FILE: ${PASSWORD_FILE:-/run/secrets/x}
      TOKEN_TTL: ${TOKEN_TTL:-3600}
      USE_AUTH: ${USE_TOKEN:-true}
      ADMIN_USER: ${X_USER:-changeme}
";
        assert_eq!(keys(text), Vec::<String>::new());
    }
}
