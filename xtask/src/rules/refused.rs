//! Faults that no rule has to find: the model refuses the stack that has them.

/// A fault that ends an audit with exit 2 and its line.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refused {
    pub name: &'static str,
    pub title: &'static str,
    pub doc: &'static str,
}

/// What people look for by name among the rules.
pub const REFUSED: &[Refused] = &[
    Refused {
        name: "duplicate-key",
        title: "a key stands twice in a mapping",
        doc: "Compose refuses the file. Which of the two was meant nobody can tell: remove one.",
    },
    Refused {
        name: "dependency-cycle",
        title: "services wait for each other in a circle",
        doc: "None of them could be the first to start. Dependencies that follow from `links`, `volumes_from`, `network_mode`, `ipc` \
            and `pid` count like those of `depends_on`. Take one of them away: a client that tries again needs no order.",
    },
    Refused {
        name: "undefined-service",
        title: "a service that is named is not there",
        doc: "`depends_on`, `links`, `volumes_from`, `extends` or a shared namespace names a service that no file of the stack \
            declares, or one whose profile is not active together with the service's own.",
    },
    Refused { name: "undefined-network", title: "a network that a service joins is not declared", doc: UNDECLARED },
    Refused { name: "undefined-volume", title: "a volume that a service mounts is not declared", doc: UNDECLARED },
    Refused { name: "undefined-secret", title: "a secret that a service gets is not declared", doc: UNDECLARED },
    Refused { name: "undefined-config", title: "a config that a service gets is not declared", doc: UNDECLARED },
];

const UNDECLARED: &str = "Declare it in the section of that name at the file's top level; with `external: true` when it is made \
    elsewhere. A path of the host begins with `/`, `./` or `~/`: without that it is the name of a volume.";

/// The fault of that name.
pub fn refused(name: &str) -> Option<&'static Refused> {
    REFUSED.iter().find(|refused| refused.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Call, Environment, load};
    use crate::source::{Disk, Overlay};

    #[test]
    fn the_model_refuses_each_of_them() {
        for (name, said, text) in [
            ("duplicate-key", "compose.yaml:3:1", "services:\n  a: {image: x}\nservices: {}\n"),
            ("dependency-cycle", "compose.yaml:", "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, links: [a]}\n"),
            ("undefined-service", "compose.yaml:2:", "services:\n  a: {image: x, depends_on: [b]}\n"),
            ("undefined-network", "compose.yaml:2:", "services:\n  a: {image: x, networks: [b]}\n"),
            ("undefined-volume", "compose.yaml:2:", "services:\n  a: {image: x, volumes: ['data:/b']}\n"),
            ("undefined-secret", "compose.yaml:2:", "services:\n  a: {image: x, secrets: [b]}\n"),
            ("undefined-config", "compose.yaml:2:", "services:\n  a: {image: x, configs: [b]}\n"),
        ] {
            assert!(refused(name).is_some(), "{name}");
            assert!(crate::rules::named(name).is_none(), "{name} is a rule");
            let mut files = Overlay::new(&Disk);
            files.set("/nowhere/compose.yaml", Some(text.as_bytes().to_vec()));
            let call = Call { files: vec!["/nowhere/compose.yaml".into()], profiles: vec!["*".into()], ..Call::default() };
            let error = load(&files, &call, &Environment::new()).err().unwrap_or_else(|| panic!("{name} is taken"));
            assert!(error.to_string().contains(said), "{name}: {error}");
        }
        assert_eq!(REFUSED.len(), 7);
    }
}
