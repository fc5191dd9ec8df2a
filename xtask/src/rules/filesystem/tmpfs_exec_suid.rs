use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "tmpfs-exec-suid",
    title: "programs can be run from a tmpfs",
    // As mounted by Docker 26, with other options beside them too; the long form of a tmpfs has no such options.
    doc: "The engine mounts a tmpfs with `noexec`, `nosuid` and `nodev`, so that what an attacker puts there cannot be run. The \
        options `exec`, `suid` and `dev` take that back. Leave them out; a program that unpacks its libraries into `/tmp` and \
        needs `exec` there can mostly be told another place.",
    category: Category::SecuritySettings,
    priority: Priority::P2,
    references: &[Reference::Spec("services.tmpfs"), Reference::Link("tmpfs mounts", "https://docs.docker.com/engine/storage/tmpfs/")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

const LOOSE: &[&str] = &["exec", "suid", "dev"];

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    for (index, entry) in service.items("tmpfs").iter().enumerate() {
        let Some((path, options)) = entry.as_str().and_then(|entry| entry.split_once(':')) else { continue };
        let (loose, kept): (Vec<&str>, Vec<&str>) = options.split(',').partition(|option| LOOSE.contains(&option.trim()));
        if loose.is_empty() {
            continue;
        }
        let message = format!("the tmpfs at `{path}` of `{}` has the option {}", service.name, loose.join(" and "));
        found
            .report(service.item_spot("tmpfs", index), message, "leave the option out: without it the engine refuses that")
            .about(path)
            .fix(|| {
                let home = service.subject.home_of(entry.at)?;
                let text = if kept.is_empty() { path.to_string() } else { format!("{path}:{}", kept.join(",")) };
                let is_plain = service.subject.written(entry.at).trim_matches(['"', '\'']) == entry.as_str()?;
                let change = service.change(&format!("tmpfs.{index}"), Some(text.clone().into()));
                let draft = is_plain.then(|| service.write(&home, &text)).flatten()?.renders(vec![change]);
                Some(draft.caveat("what it runs from there fails"))
            });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_options_that_loosen() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: x
    tmpfs:
      - /tmp:size=64m,exec
#       ^^^^^^^^^^^^^^^^^^ the tmpfs at `/tmp` of `a` has the option exec
      - /run:suid,dev
#       ^^^^^^^^^^^^^ the tmpfs at `/run` of `a` has the option suid and dev
  b:
    image: x
    tmpfs: /tmp:exec
#          ^^^^^^^^^ the tmpfs at `/tmp` of `b` has the option exec
  c: {image: x, tmpfs: [/a, '/b:size=1m,noexec,nosuid', '/exec']}
  d: {image: x, volumes: [{type: tmpfs, target: /tmp, tmpfs: {mode: 1777}}]}
",
        );
    }

    #[test]
    fn the_option_goes() {
        assert_fixed(
            &RULE,
            "services:\n  a:\n    image: x\n    tmpfs:\n      - /x\n      - /tmp:exec,size=1m\n      - /run:suid\n",
            "services:\n  a:\n    image: x\n    tmpfs:\n      - /x\n      - /tmp:size=1m\n      - /run\n",
        );
    }
}
