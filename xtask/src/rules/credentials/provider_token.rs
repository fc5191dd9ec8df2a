use super::evidence::{EvidenceKind, Hit};
use super::interpolation::defaults;
use super::site::Site;
use super::{Check, Reference, Rule};
use crate::catalogue::{KeyShape, tokens_in};
use crate::finding::{Category, FixKind, Priority};

pub static RULE: Rule = Rule {
    name: "provider-token",
    title: "a provider's token is written out",
    doc: "The value has the shape of a provider's token, whatever its key is called. Programs search public \
        repositories for these shapes and use what they find within minutes. Revoke it at the provider, and let the \
        new one come from the environment.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Owasp(12)],
    fix: FixKind::Report,
    check: Check::Credential(check),
};

fn check(site: &Site<'_>) -> Vec<Hit> {
    if site.shape == KeyShape::About {
        return Vec::new();
    }
    let defaults = defaults(site.text, site.value.clone());
    let mut hits = Vec::new();
    for token in tokens_in(&site.key, site.value()) {
        let range = site.value.start + token.range.start..site.value.start + token.range.end;
        let variable = defaults.iter().find(|default| default.range == range).and_then(|default| default.variables.last().cloned());
        hits.push(Hit { token: Some(token.id), variable, ..Hit::new(EvidenceKind::Token, range) });
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::super::search::tests::{of, secrets};

    #[test]
    fn finds_tokens_under_any_key() {
        // Put together here, so that no scanner takes this file for a leak.
        let token = format!("ghp_{}", "RZCqsuFnygdi6pWR59fwMuA2hs4KsgH6GqkT");
        let text = format!("services:\n  a:\n    environment:\n      - SIGNAL_SOURCE={token}\n    extra: [{{x: 'v {token}'}}]\n");
        assert_eq!(secrets(&text, "provider-token"), [token.as_str(), token.as_str()]);
        assert_eq!(of(&text)[0].token, Some("github-pat"));
    }

    #[test]
    fn a_default_is_found_where_it_stands() {
        let token = format!("ghp_{}", "RZCqsuFnygdi6pWR59fwMuA2hs4KsgH6GqkT");
        let found = of(&format!("services:\n  a:\n    environment:\n      SOURCE: ${{SOURCE:-{token}}}\n"));
        assert_eq!((found.len(), found[0].secret.expose(), found[0].variable.as_deref()), (1, token.as_str(), Some("SOURCE")));
    }
}
