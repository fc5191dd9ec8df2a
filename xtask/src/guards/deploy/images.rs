//! Every image that would run can be had, and runs on this machine.

use crate::error::Error;
use crate::guards::Checked;

/// An image that a service would run and that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    pub services: Vec<String>,
    pub why: Error,
}

pub fn images_are_there(unavailable: &[Unavailable]) -> Checked {
    let why = unavailable.iter().map(|image| format!("{}: {}", image.services.join(", "), image.why)).collect();
    let mut help: Vec<&str> = unavailable.iter().filter_map(|image| image.why.help.as_deref()).collect();
    help.sort_unstable();
    help.dedup();
    Checked::new("images", why, help.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_image_is_told_with_who_needs_it_and_each_remedy_once() {
        let gone = |services: &[&str], image: &str| Unavailable {
            services: services.iter().map(ToString::to_string).collect(),
            why: Error::refused(format!("find the image {image}")).why("it is nowhere").help("build it"),
        };
        let refusal = images_are_there(&[gone(&["web", "job"], "app:1"), gone(&["db"], "db:1")]).refusal.unwrap();
        assert_eq!(refusal.why.len(), 2);
        assert!(refusal.why[0].starts_with("web, job: ") && refusal.why[0].contains("app:1"), "{:?}", refusal.why);
        assert_eq!(refusal.help, "build it");
        assert_eq!(images_are_there(&[]).refusal, None);
    }
}
