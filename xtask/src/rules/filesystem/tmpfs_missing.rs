use super::scratch::{has_tmpfs, missing, wanted};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "tmpfs-missing",
    title: "a read-only container has nowhere to write",
    doc: "With `read_only: true` nothing can be written but volumes and `tmpfs`. Most programs count on `/tmp`, and fail at the \
        first upload, long line or crash when it cannot be written: often weeks later. Add `tmpfs: [/tmp]`, with a size such \
        as `/tmp:size=64m`. For images that are known it is their own paths that are asked for; \
        others are not reported once they have any `tmpfs`.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[Reference::Owasp(8), Reference::Spec("services.tmpfs")],
    fix: FixKind::Prove,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    // Of an image that is not known whoever gave it one tmpfs knows more.
    if has_tmpfs(service) && !wanted(service).is_known {
        return;
    }
    let paths = if service.flag("read_only") { missing(service) } else { Vec::new() };
    if paths.is_empty() {
        return;
    }
    let list = paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    found
        .report(service.spot("read_only"), format!("`{}` cannot write to {list}", service.name), format!("add {list} to `tmpfs`"))
        .fix(|| service.append_all("tmpfs", &paths.iter().map(String::as_str).collect::<Vec<_>>()));
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_what_cannot_write() {
        assert_findings(
            &RULE,
            "
services:
  web:
    build: .
    read_only: true
#              ^^^^ `web` cannot write to `/tmp`
  db:
    image: postgres:16
    read_only: true
#              ^^^^ `db` cannot write to `/var/run/postgresql`
    tmpfs: /tmp
  fixed:
    image: x
    read_only: true
#              ^^^^ `fixed` cannot write to `/tmp`
    volumes: ['./tmp:/tmp:ro']
",
        );
    }

    #[test]
    fn any_way_to_write_will_do() {
        assert_findings(
            &RULE,
            "
services:
  a: {image: x, read_only: true, tmpfs: ['/tmp:size=64m,mode=1777']}
  b: {image: x, read_only: true, volumes: [{type: tmpfs, target: /tmp}]}
  c: {image: x, read_only: true, volumes: ['scratch:/tmp/']}
  d: {image: 'redis:7', read_only: true}
  e: {image: 'postgres:16', read_only: true, tmpfs: [/tmp, /run]}
  f: {image: x}
  g: {image: x, read_only: true, tmpfs: /run}
volumes: {scratch: }
",
        );
    }

    #[test]
    fn it_gets_a_tmpfs() {
        assert_fixed(
            &RULE,
            "services:\n  a:\n    image: x\n    read_only: true\n",
            "services:\n  a:\n    image: x\n    read_only: true\n    tmpfs:\n      - /tmp\n",
        );
    }
}
