use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "host-ipc",
    title: "a container shares memory with the processes of the host",
    doc: "With `ipc: host` a container reads and writes the shared memory, semaphores and queues of the host's processes. \
        Where only `/dev/shm` is too small, `shm_size` makes it larger; where two services share memory, one says \
        `ipc: shareable` and the other `ipc: service:NAME`.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[Reference::Cis("5.17"), Reference::Spec("services.ipc")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.text("ipc") == Some("host") {
        found
            .report(
                service.spot("ipc"),
                format!("`{}` shares memory with the processes of the host", service.name),
                "remove `ipc: host`; `shm_size` gives more shared memory",
            )
            .fix(|| Some(service.remove("ipc")?.caveat("`/dev/shm` has 64 MB then, unless `shm_size` says more")));
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_it() {
        assert_findings(
            &RULE,
            "
services:
  train:
    image: x
    ipc: host
#        ^^^^ `train` shares memory with the processes of the host
  web: {image: x, ipc: shareable}
  own: {image: x, ipc: private, shm_size: 1gb}
  side: {image: x, ipc: 'service:web'}
",
        );
    }

    #[test]
    fn the_key_goes() {
        let before = "services:\n  train:\n    image: x\n    ipc: host\n    shm_size: 1gb\n";
        assert_fixed(&RULE, before, "services:\n  train:\n    image: x\n    shm_size: 1gb\n");
    }
}
