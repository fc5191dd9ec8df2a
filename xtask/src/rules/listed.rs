/// `A`, `A and B`, `A, B and 3 more`.
pub fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    match (shown.as_slice(), names.len()) {
        ([one], 1) => one.clone(),
        ([one, two], 2) => format!("{one} and {two}"),
        ([one, two, three], 3) => format!("{one}, {two} and {three}"),
        ([one, two, ..], count) => format!("{one}, {two} and {} more", count - 2),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(
            [&["A"][..], &["A", "B"], &["A", "B", "C"], &["A", "B", "C", "D"]].map(listed),
            ["`A`", "`A` and `B`", "`A`, `B` and `C`", "`A`, `B` and 2 more"]
        );
    }
}
