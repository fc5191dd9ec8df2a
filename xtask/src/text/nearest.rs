/// The known word that somebody who wrote `word` most likely meant, if any is near enough.
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let near = known.map(|known| (strsim::damerau_levenshtein(word, known), known)).min_by_key(|(distance, _)| *distance);
    // A third of the letters may be wrong, but in a long word no more than three.
    near.filter(|(distance, known)| *distance <= (known.len().div_ceil(3)).min(3)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant_and_nothing_far() {
        let known = ["privileged", "ports", "volumes", "init"];
        let near = |word| nearest(word, known.into_iter());
        assert_eq!(near("privilaged"), Some("privileged"));
        assert_eq!(near("prots"), Some("ports"));
        assert_eq!(near("volums"), Some("volumes"));
        assert_eq!((near("xyz"), near("healthcheck")), (None, None));
    }
}
