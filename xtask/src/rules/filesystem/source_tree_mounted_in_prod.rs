use std::path::Path;

use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, is_below};
use crate::yaml::Value;

pub static RULE: Rule = Rule {
    name: "source-tree-mounted-in-prod",
    title: "production runs sources of its host instead of its image",
    doc: "A bind mount of the sources hides what was built and tested in the image: whoever edits the host's folder changes \
        production, and the folder also shows `.env` and `.git` to the container. Copy the sources in the Dockerfile; mount \
        them in the compose file for development. Reported are the project's folder and the build context as a whole, and \
        folders with the name of sources (parameter `names`) at a place of programs (parameter `targets`).",
    category: Category::VolumeMounts,
    priority: Priority::P2,
    references: &[Reference::Spec("services.volumes")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(project) = service.subject.files.first().and_then(|file| file.parent()) else { return };
    for (index, mount) in
        service.items("volumes").iter().enumerate().filter(|(_, item)| item.get("type").and_then(Value::as_str) == Some("bind"))
    {
        let text = |key: &str| mount.get(key).and_then(Value::as_str).unwrap_or_default();
        let source = text("source").trim_end_matches('/');
        if is_source(service, project, source, text("target")) {
            let shown = Path::new(source).strip_prefix(project).unwrap_or(Path::new("")).to_string_lossy();
            let what = if shown.is_empty() { "the project's folder".to_string() } else { format!("`{shown}`") };
            let message = format!("`{}` runs {what} of its host instead of what is in its image", service.name);
            let spot = service.item_spot("volumes", index);
            found.report(spot, message, "copy the sources in the Dockerfile, and mount them in development only").about(text("target"));
        }
    }
}

fn is_source(service: &Service<'_>, project: &Path, source: &str, target: &str) -> bool {
    let list = |parameter| service.subject.policy.list(RULE.name, parameter);
    let whole =
        Path::new(source) == project || service.text("build.context").is_some_and(|context| context.trim_end_matches('/') == source);
    let name = source.rsplit('/').next().unwrap_or_default();
    let is_program_place = list("targets").iter().any(|place| is_below(target, place));
    Path::new(source).starts_with(project) && (whole || (is_program_place && list("names").iter().any(|known| known == name)))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_sources() {
        assert_findings(
            &RULE,
            "
services:
  all:
    image: x
    volumes: ['.:/app']
#             ^^^^^^^^ `all` runs the project's folder of its host instead of what is in its image
  context:
    build: ./services/api
    volumes:
      - type: bind
#       ^ `context` runs `services/api` of its host instead of what is in its image
        source: services/api/
        target: /opt/x
  src:
    image: x
    volumes: ['./web/src:/usr/src/app/src:ro']
#             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `src` runs `web/src` of its host instead of what is in its image
",
        );
    }

    #[test]
    fn settings_and_data_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: x
    volumes: ['./config:/app/config:ro', './data:/app/data', './app.yaml:/app/app.yaml', '/srv/app:/app', './app:/config', './html:/usr/share/nginx/html:ro', 'src:/src']
volumes: {src: }
",
        );
    }
}
