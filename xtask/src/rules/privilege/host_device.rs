use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::yaml::Value;

pub static RULE: Rule = Rule {
    name: "host-device",
    title: "a container reaches a device of the host",
    doc: "A disk, the memory or all of `/dev` in a container is the host's data without any check of permissions. A rule for \
        device groups does the same for nodes that root inside makes by itself. Give the one device that is needed, with `r` alone \
        where reading is enough. Devices that do not lead to the host's data are not reported: graphics, sound, video, serial \
        lines, tunnels; see the parameters `harmless` (paths, what is below them, or up to a `*`) and `harmless_majors` \
        (numbers of character devices, `MAJOR` or `MAJOR:MINOR`). GPUs by `gpus` or `deploy` are not looked at.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[Reference::Cis("5.18"), Reference::Spec("services.devices"), Reference::Spec("services.device_cgroup_rules")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let harmless = service.subject.policy.list(RULE.name, "harmless");
    for (index, device) in service.items("devices").iter().enumerate() {
        let Some(source) = device.get("source").and_then(Value::as_str) else { continue };
        if source.starts_with('/') && !harmless.iter().any(|known| is_below(source, known)) {
            let rights = device.get("permissions").and_then(Value::as_str).unwrap_or("rwm");
            let does = if rights.contains('w') { "reads and writes" } else { "reads" };
            found
                .report(
                    service.item_spot("devices", index),
                    format!("`{}` {does} the device `{source}` of the host", service.name),
                    "remove it, or name it in the rule's parameter `harmless` if it cannot hurt",
                )
                .about(source);
        }
    }
    let majors = service.subject.policy.list(RULE.name, "harmless_majors");
    for (index, rule) in service.items("device_cgroup_rules").iter().enumerate() {
        let Some((rule, kind)) = rule.as_str().and_then(|rule| Some((rule, whole_kind(rule, majors)?))) else { continue };
        found
            .report(
                service.item_spot("device_cgroup_rules", index),
                format!("`{}` may make and use {kind} of the host", service.name),
                "allow only the character devices that it needs, by their major number",
            )
            .about(rule);
    }
}

/// Whether a path is the known one, stands below it, or starts as it does up to its `*`.
fn is_below(path: &str, known: &str) -> bool {
    match known.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

/// What `TYPE MAJOR:MINOR ACCESS` opens, unless it is harmless.
fn whole_kind(rule: &str, majors: &[String]) -> Option<&'static str> {
    let mut words = rule.split_whitespace();
    let (kind, number) = (words.next()?, words.next()?);
    let major = number.split(':').next().unwrap_or_default();
    match kind {
        "a" => Some("every device"),
        "b" => Some("disks"),
        _ if major == "*" => Some("every character device"),
        _ if majors.iter().any(|known| known == major || known == number) => None,
        _ => Some("character devices"),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_disks_memory_and_rules_for_all() {
        assert_findings(
            &RULE,
            "
services:
  disks:
    image: x
    devices:
      - /dev/sda:/dev/xvda:r
#       ^^^^^^^^^^^^^^^^^^^^ `disks` reads the device `/dev/sda` of the host
      - /dev/mem
#       ^^^^^^^^ `disks` reads and writes the device `/dev/mem` of the host
      - '/dev:/dev'
#       ^^^^^^^^^^^ `disks` reads and writes the device `/dev` of the host
      - {source: /dev/drive, target: /dev/x}
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `disks` reads and writes the device `/dev/drive` of the host
    device_cgroup_rules:
      - a *:* rwm
#       ^^^^^^^^^ `disks` may make and use every device of the host
      - b 8:* rmw
#       ^^^^^^^^^ `disks` may make and use disks of the host
      - c *:* r
#       ^^^^^^^ `disks` may make and use every character device of the host
      - c 1:1 rwm
#       ^^^^^^^^^ `disks` may make and use character devices of the host
",
        );
    }

    #[test]
    fn devices_that_hold_no_data_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  media:
    image: x
    gpus: all
    devices:
      - /dev/dri
      - /dev/dri/renderD128:/dev/dri/renderD128
      - /dev/net/tun:/dev/net/tun
      - /dev/fuse
      - /dev/ttyUSB0:/dev/ttyUSB0:rw
      - /dev/serial/by-id/usb-stick-if00:/dev/ttyACM0
      - vendor.example/gpu=all
    device_cgroup_rules: ['c 188:* rmw', 'c 10:200 rwm']
    deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}
",
        );
    }

    #[test]
    fn parameters_decide() {
        let policy = "rules: {host-device: {harmless: [/dev/sd*], harmless_majors: ['1:1']}}\n";
        let text = "
services:
  a:
    image: x
    devices: [/dev/sdb, /dev/dri]
#                       ^^^^^^^^ `a` reads and writes the device `/dev/dri` of the host
    device_cgroup_rules: [c 1:1 r]
";
        Fixture::new(text).policy(policy).assert_findings(&RULE);
    }
}
