use super::*;

/// A name that is misspelt would tick what nobody looked at.
#[test]
fn every_rule_that_the_review_names_exists() {
    let measures = compliance::MEASURES.iter().flat_map(|measure| [measure.never, measure.each, measure.also].concat());
    let items = checklist::LISTS.iter().flat_map(|(_, items)| items.iter()).chain(checklist::STEPS);
    let ticked = items.flat_map(|(_, by)| match by {
        checklist::By::Rules(rules) | checklist::By::Tried(rules, _) => rules.to_vec(),
        _ => Vec::new(),
    });
    let good = chapters::GOOD.iter().map(|(rule, ..)| *rule);
    let aspects = aspects::CREDENTIALS.iter().chain(aspects::EXPOSED).copied();
    let behind = seen::BEHIND.iter().flat_map(|(rule, behind)| std::iter::once(*rule).chain(behind.iter().copied()));
    let missing: std::collections::BTreeSet<&str> =
        measures.chain(ticked).chain(good).chain(aspects).chain(behind).filter(|name| rules::named(name).is_none()).collect();
    assert!(missing.is_empty(), "no rules: {missing:?}");
}
