use serde_json::json;

use crate::finding::{Category, Change, FixKind, Priority};
use crate::model::interpolate::{Op, Segment, parse};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::{Operation, Place, Plain, Seg, Value, What};

use super::given::credentials;

pub static RULE: Rule = Rule {
    name: "secret-visible-in-inspect",
    title: "a credential is in the environment although the image takes a file",
    doc: "What is in a container's environment is shown by `docker inspect`, inherited by every process in it, and printed \
        by many crash reports. This image reads the credential from a file too, when a variable names it: give the service a \
        secret, and `..._FILE: /run/secrets/NAME` in place of the value.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Owasp(12), Reference::Spec("services.secrets")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(container) = service.image().and_then(|image| service.kind()?.container(image)) else { return };
    for (key, value) in credentials(service) {
        let Some(file_key) = container.file_variable(key) else { continue };
        let spot = if service.subject.is_in_compose(value.at) { service.entry_spot("environment", key) } else { service.name_spot() };
        let secret = key.to_ascii_lowercase();
        found
            .report(
                spot,
                format!("`docker inspect` shows `{key}` of `{}`, which its image also reads from a file", service.name),
                format!("give the service a secret, and `{file_key}: /run/secrets/{secret}` in place of `{key}`"),
            )
            .about(key)
            .fix(|| as_secret(service, key, value, file_key, &secret));
    }
}

/// The variable makes way for one that names the file of a new secret, which takes its value from where the
/// variable took it.
fn as_secret(service: &Service<'_>, key: &str, value: &Value, file_key: &str, secret: &str) -> Option<Draft> {
    let subject = service.subject;
    if !subject.is_in_compose(value.at) || subject.top("secrets").any(|(name, _)| name == secret) {
        return None;
    }
    let variable = only_variable(service, key, value)?;
    let home = subject.home_of(value.at)?;
    let path = format!("/run/secrets/{secret}");
    let operation = |place: Place, what: What| Operation { document: home.document, place, what };
    let (last, above) = home.place.0.split_last()?;
    let change = |name: &str, now| Change { path: ["services", service.name, "environment", name].map(String::from).to_vec(), now };
    let (gone, new) = (change(key, None), change(file_key, Some(json!(path))));
    let draft = match last {
        Seg::Index(_) => {
            let item = Plain::Str(format!("{file_key}={path}"));
            Draft::new(subject.path(home.file), operation(home.place.clone(), What::Set(item)), gone)
        }
        Seg::Key(_) => {
            let add = What::Add { key: file_key.to_string(), value: Plain::Str(path.clone()) };
            let removed = Draft::new(subject.path(home.file), operation(home.place.clone(), What::Remove), gone);
            removed.and(Some(Draft::new(subject.path(home.file), operation(Place(above.to_vec()), add), new.clone())))?
        }
    };
    let mut mounts: Vec<serde_json::Value> = Vec::new();
    for mount in service.items("secrets") {
        mounts.push(mounted(mount)?);
    }
    mounts.push(json!({"source": secret, "target": path}));
    let mount = service.append("secrets", secret)?;
    let declared = declared(service, &variable, secret)?;
    let name = format!("{}_{secret}", subject.model.name);
    let changes = vec![
        change(key, None),
        new,
        service.change("secrets", Some(mounts.into())),
        Change { path: vec!["secrets".into(), secret.into()], now: Some(json!({"name": name, "environment": variable})) },
    ];
    let draft = draft.and(Some(mount))?.and(Some(declared))?.renders(changes);
    Some(draft.caveat(format!("`{variable}` must be set where Compose is called; other programs in the container no longer find `{key}`")))
}

/// `secrets.NAME` in the file where the service stands.
fn declared(service: &Service<'_>, variable: &str, secret: &str) -> Option<Draft> {
    let subject = service.subject;
    let own = Place::default().key("services").key(service.name);
    let home = subject.home(&own)?;
    let section = Place::default().key("secrets");
    let source = Plain::Map(vec![("environment".into(), Plain::Str(variable.to_string()))]);
    let there = subject
        .documents()
        .any(|(file, document, read)| (file, document) == (home.file, home.document) && section.find(&read.root).is_some());
    let (place, what) = match there {
        true => (section, What::Add { key: secret.to_string(), value: source }),
        false => (Place::default(), What::Add { key: "secrets".into(), value: Plain::Map(vec![(secret.to_string(), source)]) }),
    };
    let operation = Operation { document: home.document, place, what };
    let change = Change { path: vec!["secrets".into(), secret.into()], now: None };
    Some(Draft::new(subject.path(home.file), operation, change))
}

/// A mounted secret as the rendered model has it; only the plain form is known here.
fn mounted(mount: &Value) -> Option<serde_json::Value> {
    let fields = mount.as_map()?;
    fields
        .iter()
        .map(|(key, field)| Some((key.clone(), json!(field.value.as_str()?))))
        .collect::<Option<serde_json::Map<_, _>>>()
        .map(Into::into)
}

/// The variable that the value is made of, if it is nothing else and has no default.
fn only_variable(service: &Service<'_>, key: &str, value: &Value) -> Option<String> {
    let subject = service.subject;
    let home = subject.home_of(value.at)?;
    let text = subject.node(&home)?.text()?;
    let text = if matches!(home.place.0.last(), Some(Seg::Index(_))) { text.strip_prefix(key)?.strip_prefix('=')? } else { text };
    match parse(text).as_slice() {
        [Segment::Var(var)] if matches!(var.op, Op::None | Op::Required { .. }) => Some(var.name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    #[test]
    fn finds_what_could_be_a_file() {
        Fixture::new(
            "
services:
  db:
    image: postgres:15
    environment:
      POSTGRES_USER: app
      POSTGRES_PASSWORD: ${PW:?}
#                        ^^^^^^^ `docker inspect` shows `POSTGRES_PASSWORD` of `db`, which its image also reads from a file
  filed: {image: 'postgres:15', environment: {POSTGRES_PASSWORD_FILE: /run/secrets/pw}}
  cache: {image: 'redis:7', environment: {REDIS_PASSWORD: '${PW:?}'}}
  mine: {image: 'mine:1', environment: {POSTGRES_PASSWORD: '${PW:?}'}}
",
        )
        .file(".env", "PW=hunter22\n")
        .assert_findings(&RULE);
    }

    #[test]
    fn a_secret_takes_its_place() {
        Fixture::new("services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: ${PW:?set it}\n      TZ: UTC\n")
            .file(".env", "PW=hunter22\n")
            .assert_fixed(
                &RULE,
                "services:\n  db:\n    image: postgres:15\n    environment:\n      TZ: UTC\n      POSTGRES_PASSWORD_FILE: \
                 /run/secrets/postgres_password\n    secrets:\n      - postgres_password\nsecrets:\n  postgres_password:\n    environment: PW\n",
            );
        Fixture::new("secrets:\n  a:\n    file: ./a\nservices:\n  db:\n    image: postgres:15\n    secrets: [a]\n    environment:\n      - POSTGRES_PASSWORD=${PW}\n")
            .file(".env", "PW=hunter22\n")
            .assert_fixed(
                &RULE,
                "secrets:\n  a:\n    file: ./a\n  postgres_password:\n    environment: PW\nservices:\n  db:\n    image: postgres:15\n    secrets: [a, \
                 postgres_password]\n    environment:\n      - POSTGRES_PASSWORD_FILE=/run/secrets/postgres_password\n",
            );
    }

    #[test]
    fn a_literal_and_an_env_file_are_left_to_a_person() {
        let literal = Fixture::new("services:\n  db:\n    image: postgres:15\n    environment: {POSTGRES_PASSWORD: hunter22}\n");
        assert!(literal.findings(&RULE)[0].fix.is_none());
        let file =
            Fixture::new("services:\n  db:\n    image: postgres:15\n    env_file: db.env\n").file("db.env", "POSTGRES_PASSWORD=hunter22\n");
        let found = file.findings(&RULE);
        assert!(found[0].fix.is_none() && found[0].file.ends_with("compose.yaml"));
    }
}
