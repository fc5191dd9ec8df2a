use std::collections::BTreeSet;

use super::health::{Health, health, is_job, known_command};
use crate::finding::{Category, Change, FixKind, Priority};
use crate::rules::known::condition;
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::{Field, Operation, Origin, Place, Plain, Value, What};

pub static RULE: Rule = Rule {
    name: "depends-on-without-health",
    title: "a service starts before what it needs is ready",
    doc: "The short form of `depends_on`, and `condition: service_started`, wait for a process and not for an answer: a \
        database that was just started refuses connections for seconds. Where the dependency has a health check, say \
        `condition: service_healthy`. Where it has none but its image is known to have a health command, give it that first. \
        What Compose infers from links and shared namespaces is not meant.",
    category: Category::DependencyManagement,
    priority: Priority::P2,
    references: &[Reference::Spec("services.depends_on")],
    fix: FixKind::Apply,
    check: Check::Service(check),
};

const STARTED: &str = "service_started";
const HEALTHY: &str = "service_healthy";

/// What a service could wait for.
enum Ready {
    /// A health check that is there.
    Checked,
    /// A command that would be one.
    Possible,
}

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    for (name, need) in written(service) {
        if condition(&need.value) != Some(STARTED) {
            continue;
        }
        let place = format!("services.{}.depends_on.{name}", service.name);
        let spot = service.subject.spot(need.key, place, Some(service.name));
        match ready(service, name) {
            Some(Ready::Checked) => {
                let message = format!("`{}` starts before `{name}` is healthy", service.name);
                found
                    .report(spot, message, "write the long form with `condition: service_healthy`")
                    .about(name)
                    .fix(|| draft(service, need));
            }
            Some(Ready::Possible) => {
                let message = format!("`{}` starts before `{name}` is ready", service.name);
                let help = format!("give `{name}` a health check, then write the long form with `condition: service_healthy`");
                found.report(spot, message, help).about(name);
            }
            None => {}
        }
    }
}

/// The dependencies that `depends_on` itself names: one that Compose infers stands where its cause stands.
fn written<'a>(service: &Service<'a>) -> impl Iterator<Item = (&'a str, &'a Field)> {
    let listed = ["links", "volumes_from"].into_iter().flat_map(|key| service.items(key));
    let shared = ["network_mode", "ipc", "pid", "uts", "cgroup"].into_iter().filter_map(|key| service.get(key));
    let causes: BTreeSet<Origin> = listed.chain(shared).map(|value| value.at).collect();
    let needs = service.get("depends_on").and_then(Value::as_map).into_iter().flatten();
    needs.filter(move |(_, need)| !causes.contains(&need.key)).map(|(name, need)| (name.as_str(), need))
}

fn ready(service: &Service<'_>, name: &str) -> Option<Ready> {
    let dependency = service.subject.service(name)?;
    match health(&dependency) {
        Health::Checked => Some(Ready::Checked),
        Health::Unsaid if !is_job(&dependency) && known_command(&dependency).is_some() => Some(Ready::Possible),
        Health::Unsaid | Health::Disabled => None,
    }
}

/// In the long form the condition changes. The short form becomes the long one, with everything in it that
/// can be waited for: so the fixes of all its entries are one and the same.
fn draft(service: &Service<'_>, need: &Field) -> Option<Draft> {
    const CAVEAT: &str = "it waits until that is healthy, and does not start when it never is";
    let subject = service.subject;
    let stated = need.value.get("condition").filter(|condition| condition.at != need.key);
    if let Some(stated) = stated {
        let home = subject.home_of(stated.at)?;
        let name = written(service).find(|(_, other)| other.key == need.key)?.0;
        let operation = Operation { document: home.document, place: home.place, what: What::Set(Plain::Str(HEALTHY.into())) };
        return Some(Draft::new(subject.path(home.file), operation, change(service, name)).caveat(CAVEAT));
    }
    let mut home = subject.home_of(need.key)?;
    home.place = Place(home.place.0.split_last()?.1.to_vec());
    let names: Vec<&str> = subject.node(&home)?.items().iter().map(|item| item.text()).collect::<Option<_>>()?;
    let is_checked = |name: &str| matches!(ready(service, name), Some(Ready::Checked));
    let entry = |name: &&str| {
        let condition = if is_checked(name) { HEALTHY } else { STARTED };
        ((*name).to_string(), Plain::Map(vec![("condition".into(), Plain::Str(condition.into()))]))
    };
    let what = What::Set(Plain::Map(names.iter().map(entry).collect()));
    let changes: Vec<Change> = names.iter().filter(|name| is_checked(name)).map(|name| change(service, name)).collect();
    let operation = Operation { document: home.document, place: home.place, what };
    Some(Draft::new(subject.path(home.file), operation, changes.first()?.clone()).renders(changes).caveat(CAVEAT))
}

/// A service's name may hold dots.
fn change(service: &Service<'_>, name: &str) -> Change {
    let path = ["services", service.name, "depends_on", name, "condition"].map(String::from).into();
    Change { path, now: Some(HEALTHY.into()) }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_what_could_wait() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: app
    depends_on:
      - db
#       ^^ `web` starts before `db` is healthy
      - cache
#       ^^^^^ `web` starts before `cache` is ready
      - own
  api:
    image: app
    network_mode: service:db
    depends_on:
      db: {condition: service_started, required: false}
#     ^^ `api` starts before `db` is healthy
      job: {condition: service_completed_successfully}
  linked: {image: app, links: [db], volumes_from: [db]}
  good: {image: app, depends_on: {db: {condition: service_healthy}}}
  after: {image: app, depends_on: [off]}
  db: {image: postgres, healthcheck: {test: pg_isready}}
  cache: {image: redis}
  own: {image: app}
  job: {image: redis}
  off: {image: redis, healthcheck: {disable: true}}
",
        );
    }

    #[test]
    fn the_long_form_is_written_and_other_entries_stay() {
        assert_fixed(
            &RULE,
            "services:\n  web:\n    image: app\n    depends_on:\n      - db\n      - mq.one\n      - own\n    init: true\n  api:\n    image: \
             app\n    depends_on:\n      db:\n        condition: service_started # for now\n        restart: true\n  db: {image: postgres, \
             healthcheck: {test: pg_isready}}\n  mq.one: {image: app, healthcheck: {test: 'true'}}\n  own: {image: app}\n",
            "services:\n  web:\n    image: app\n    depends_on:\n      db:\n        condition: service_healthy\n      mq.one:\n        \
             condition: service_healthy\n      own:\n        condition: service_started\n    init: true\n  api:\n    image: app\n    \
             depends_on:\n      db:\n        condition: service_healthy # for now\n        restart: true\n  db: {image: postgres, \
             healthcheck: {test: pg_isready}}\n  mq.one: {image: app, healthcheck: {test: 'true'}}\n  own: {image: app}\n",
        );
    }
}
