use super::capabilities::{DEFAULT, capabilities};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "capabilities-not-dropped",
    title: "a container keeps capabilities that it does not need",
    doc: "The engine gives every container fourteen capabilities, among them to send forged packets, to make device nodes and \
        to change owners, and root inside has them all. Few services need more than none: say `cap_drop: [ALL]`, and give back in \
        `cap_add` what it needs. Images that start as root and change to their own user need `SETUID` and `SETGID`, often \
        `CHOWN`; with a `user` that is not root nothing is needed.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[
        Reference::Cis("5.4"),
        Reference::Owasp(3),
        Reference::Spec("services.cap_drop"),
        Reference::Link("Docker, capabilities", "https://docs.docker.com/engine/security/#linux-kernel-capabilities"),
    ],
    fix: FixKind::Prove,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let (dropped, added) = (capabilities(service, "cap_drop"), capabilities(service, "cap_add"));
    let has = |names: &[String], name: &str| names.iter().any(|known| known == name);
    // Neither a privileged container nor `cap_add: [ALL]` loses anything by `cap_drop: [ALL]`.
    if service.flag("privileged") || has(&added, "ALL") {
        return;
    }
    if has(&dropped, "ALL") || DEFAULT.iter().all(|name| has(&dropped, name)) {
        return;
    }
    let needed = needed(service);
    let missing: Vec<&str> = needed.iter().flatten().copied().filter(|name| !has(&added, name)).collect();
    let kept = if dropped.is_empty() { "all capabilities" } else { "capabilities" };
    let help = match &needed {
        None => "add `cap_drop: [ALL]`, and in `cap_add` what it then turns out to need".to_string(),
        Some(_) if missing.is_empty() => "add `cap_drop: [ALL]`; nothing more should be needed".to_string(),
        Some(_) => format!("add `cap_drop: [ALL]`, and what its image needs: `cap_add: [{}]`", missing.join(", ")),
    };
    let message = format!("`{}` keeps {kept} that the engine gives to every container", service.name);
    // Of an image that is not known, nobody can say what it needs before it was tried.
    let kind = if needed.is_some() { FixKind::Prove } else { FixKind::Propose };
    found.report(service.spot("cap_drop"), message, help).fix_as(kind, || drop_all(service, &missing));
}

/// What the service needs when all else is dropped; `None`: not known. As a user that is not root a process
/// has no capabilities anyway, and the name of an image that is built here says nothing of its insides.
fn needed(service: &Service<'_>) -> Option<Vec<&'static str>> {
    let user = service.scalar("user").filter(|user| !user.is_empty());
    if user.is_some_and(|user| !matches!(user.split(':').next(), Some("root" | "0"))) {
        return Some(Vec::new());
    }
    if service.get("build").is_some() {
        return None;
    }
    let needed = service.kind()?.container(service.image()?)?.capabilities.as_ref()?;
    Some(needed.iter().map(String::as_str).collect())
}

fn drop_all(service: &Service<'_>, missing: &[&str]) -> Option<Draft> {
    let draft = service.append("cap_drop", "ALL")?.caveat("what needs a capability that is not in `cap_add` fails");
    if missing.is_empty() { Some(draft) } else { draft.and(service.append_all("cap_add", missing)) }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::finding::FixKind;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_services_that_keep_some() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ `web` keeps all capabilities that the engine gives to every container
    image: x
  some:
    image: x
    cap_drop: [NET_RAW, MKNOD]
#   ^^^^^^^^ `some` keeps capabilities that the engine gives to every container
    cap_add: [NET_ADMIN]
  all: {image: x, cap_drop: [all], cap_add: [CHOWN]}
  each:
    image: x
    cap_drop: [CAP_AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_BIND_SERVICE, NET_RAW, SETFCAP, SETGID, SETPCAP,
      SETUID, SYS_CHROOT]
  worse: {image: x, privileged: true}
  every: {image: x, cap_add: [ALL]}
",
        );
    }

    #[test]
    fn an_overlay_that_drops_them_counts() {
        let base = "services:\n  web: {image: x, cap_drop: [NET_RAW]}\n";
        Fixture::new(base).overlay("over.yaml", "services:\n  web: {cap_drop: [ALL]}\n").assert_findings(&RULE);
    }

    #[test]
    fn what_the_image_needs_is_given_back() {
        assert_fixed(
            &RULE,
            "services:\n  db:\n    image: postgres:15\n    cap_add: [SETUID, SYS_NICE]\n  web:\n    image: nginx:1.22\n    cap_drop:\n      - MKNOD\n",
            "services:\n  db:\n    image: postgres:15\n    cap_add: [SETUID, SYS_NICE, CHOWN, DAC_OVERRIDE, FOWNER, SETGID]\n    cap_drop:\n      \
             - ALL\n  web:\n    image: nginx:1.22\n    cap_drop:\n      - MKNOD\n      - ALL\n    cap_add:\n      - CHOWN\n      \
             - NET_BIND_SERVICE\n      - SETGID\n      - SETUID\n",
        );
    }

    #[test]
    fn only_what_is_known_is_to_be_proven() {
        let kinds = |service: &str| {
            let findings = Fixture::new(&format!("services:\n  a:\n    {service}\n")).findings(&RULE);
            findings.into_iter().map(|finding| finding.fix.map(|fix| (fix.kind, fix.operations.len()))).collect::<Vec<_>>()
        };
        assert_eq!(kinds("image: postgres:15\n    user: '999:999'"), [Some((FixKind::Prove, 1))]);
        assert_eq!(kinds("image: postgres:15\n    user: root"), [Some((FixKind::Prove, 2))]);
        assert_eq!(kinds("image: own/app:1"), [Some((FixKind::Propose, 1))]);
        assert_eq!(kinds("image: postgres:15\n    build: ."), [Some((FixKind::Propose, 1))]);
    }
}
