//! Runs the rules about credentials over a file and makes findings of what they say.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use foldhash::fast::RandomState;

use super::evidence::{Evidence, EvidenceKind, Hit};
use super::leaves::compose_sites;
use super::lines::{comment_sites, env_file_sites};
use super::site::{ComposeSource, EnvSource, LONGEST_READ, Site};
use super::{AT_SITES, Check, Rule, provider_token, tracked_env_file_secret};
use crate::catalogue::is_known_default;
use crate::finding::{Finding, Severity};
use crate::secret::{MASK_FROM_CHARS, Secret};
use crate::text::Span;
use crate::yaml::{Origin, Scalars};

/// The credentials of a compose file, in the file's order. A place that several services reach is
/// one entry.
pub fn credentials_in_compose(source: &ComposeSource<'_>) -> Vec<Evidence> {
    let sites = compose_sites(source);
    // Most files have nothing to be located.
    let scalars = LazyCell::new(|| Scalars::new(source.text, source.documents));
    let located = |site: &Site<'_>, hit: &Hit| scalars.span_within(site.scalar.span, hit.range.clone()).unwrap_or(site.scalar.span);
    let found = look(&sites);
    let mut evidence: Vec<Evidence> =
        found.into_iter().map(|(rule, site, hit)| tell(rule, site, located(site, &hit), hit, source.path)).collect();
    evidence.sort_by_key(|e| (e.scalar.span, e.range.start));
    evidence
}

/// What of a compose file's comments is never shown: what would be a credential if the comment were not one, and values
/// of `found` that stand there again. A comment is no finding: nothing reads it.
pub fn secrets_in_comments(source: &ComposeSource<'_>, found: &[Evidence]) -> Vec<Span> {
    let comments = source.documents.iter().flat_map(|document| &document.comments);
    let known: Vec<&str> = found.iter().filter(|one| !one.known_default).map(|one| one.secret.expose()).collect();
    let mut secrets = Vec::new();
    for comment in comments {
        let text = comment.span.slice(source.text);
        let at = |range: Range<usize>| Span::new(comment.span.start + range.start, comment.span.start + range.end);
        if text.contains([':', '=']) {
            let sites = comment_sites(text, Origin { file: source.file, span: comment.span });
            secrets.extend(look(&sites).into_iter().map(|(_, _, hit)| at(hit.range)));
        }
        for value in known.iter().filter(|value| value.chars().count() >= MASK_FROM_CHARS) {
            secrets.extend(text.match_indices(value).map(|(start, _)| at(start..start + value.len())));
        }
    }
    secrets
}

/// The credentials of an env file that git tracks; of another none, because that is their place.
pub fn credentials_in_env_file(source: &EnvSource<'_>) -> Vec<Evidence> {
    if !source.tracked {
        return Vec::new();
    }
    let sites = env_file_sites(source);
    let located = |site: &Site<'_>, hit: &Hit| {
        let written = site.scalar.span.slice(source.text);
        let (value, part) = (site.text, &site.text[hit.range.clone()]);
        // Where no escape stands in the value, it stands in the file as it is.
        let start = written.find(value).map(|at| site.scalar.span.start + at + hit.range.start);
        start.map_or(site.scalar.span, |start| Span::new(start, start + part.len()))
    };
    let found = look(&sites);
    let rule = &tracked_env_file_secret::RULE;
    let mut evidence: Vec<Evidence> =
        found.into_iter().map(|(_, site, hit)| tell(rule, site, located(site, &hit), hit, source.path)).collect();
    evidence.sort_by_key(|e| (e.scalar.span, e.range.start));
    evidence
}

type Found<'s, 'a> = (&'static Rule, &'s Site<'a>, Hit);

/// What all rules say of all sites. Where two speak of the same bytes, the earlier rule does.
fn look<'s, 'a>(sites: &'s [Site<'a>]) -> Vec<Found<'s, 'a>> {
    let mut kept: Vec<Found<'s, 'a>> = Vec::new();
    // The bytes of each scalar that are spoken for: starts and ends.
    let mut spoken: HashMap<Origin, BTreeMap<usize, usize>, RandomState> = HashMap::default();
    for rule in AT_SITES {
        let Check::Credential(check) = rule.check else { continue };
        for site in sites.iter().filter(|site| site.text.len() <= LONGEST_READ || rule.name == provider_token::RULE.name) {
            for hit in check(site) {
                let taken = spoken.entry(site.scalar).or_default();
                if taken.range(..hit.range.end).next_back().is_none_or(|(_, end)| *end <= hit.range.start) {
                    taken.insert(hit.range.start, hit.range.end);
                    kept.push((rule, site, hit));
                }
            }
        }
    }
    kept
}

fn tell(rule: &Rule, site: &Site<'_>, source: Span, hit: Hit, path: &std::path::Path) -> Evidence {
    let secret = site.text[hit.range.clone()].to_string();
    let known_default = is_known_default(&secret);
    let finding = Finding {
        rule: rule.name,
        severity: if hit.token.is_some() { Severity::Critical } else { Severity::High },
        file: path.to_path_buf(),
        span: source,
        place: site.place.to_string(),
        service: site.services.first().map(ToString::to_string),
        message: message(site, &hit, known_default),
        help: "move it into .env: cargo xtask migrate --phase 1".to_string(),
        about: String::new(),
        fix: None,
    };
    Evidence {
        finding,
        kind: hit.kind,
        key: site.key.to_string(),
        services: site.services.iter().map(ToString::to_string).collect(),
        scalar: site.scalar,
        range: hit.range,
        source,
        secret: Secret::new(secret),
        url: hit.url,
        variable: hit.variable,
        form: site.form,
        token: hit.token,
        known_default,
    }
}

fn message(site: &Site<'_>, hit: &Hit, known_default: bool) -> String {
    let key = &site.key;
    let what = match (hit.kind, hit.token, &hit.variable) {
        (_, _, Some(variable)) => format!("`{key}` falls back to a password when {variable} is not set"),
        (EvidenceKind::Url, ..) => format!("the URL of `{key}` holds a password"),
        (_, Some(token), _) => format!("`{key}` holds a token of the shape {token}"),
        _ => format!("`{key}` holds a credential that is written out"),
    };
    let of = site.services.first().map(|service| format!(" in {service}")).unwrap_or_default();
    let known = if known_default { "; it is a well-known default" } else { "" };
    format!("{what}{of}{known}")
}

#[cfg(test)]
#[path = "search_tests.rs"]
pub(super) mod tests;
