use crate::catalogue::is_image;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "dev-tools-in-prod",
    title: "a tool of developers runs in production",
    doc: "Web pages that show a whole database, mail catchers that swallow mail, servers that reload on every change and print \
        their insides on every error: what helps at a workstation opens a door in production. Leave it out of the production \
        files, or put it behind a profile; what has a profile is not reported. The parameters name kinds of the catalogue, \
        images, variables with the value that means development, and commands: a word that begins with `-` counts anywhere, a \
        single word as a program, several words where they stand in a row.",
    category: Category::ServiceDefinitions,
    priority: Priority::P2,
    references: &[
        Reference::Spec("services.profiles"),
        Reference::Link("Flask, Debug Mode", "https://flask.palletsprojects.com/en/stable/quickstart/#debug-mode"),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.get("profiles").is_some() {
        return;
    }
    let list = |parameter| service.subject.policy.list(RULE.name, parameter);
    let of_kind = service.kind().is_some_and(|kind| list("kinds").contains(&kind.kind));
    if of_kind || service.image().is_some_and(|image| list("images").iter().any(|known| is_image(image, known))) {
        let message = format!("`{}` is a tool of developers", service.name);
        found.report(service.spot("image"), message, "leave it out of production, or put it behind a profile").about("image");
    }
    for setting in list("environment") {
        let Some((name, value)) = setting.split_once('=') else { continue };
        if service.variable(name).is_some_and(|set| set.trim().eq_ignore_ascii_case(value)) {
            let message = format!("`{}` runs in development mode: `{name}` says so", service.name);
            found.report(service.entry_spot("environment", name), message, format!("set `{name}` for production")).about(name);
        }
    }
    for key in ["command", "entrypoint"] {
        let words: Vec<&str> = service.words(key).into_iter().flat_map(str::split_whitespace).collect();
        if let Some(phrase) = list("commands").iter().find(|phrase| says(&words, phrase)) {
            let message = format!("`{}` runs in development mode: `{phrase}`", service.name);
            found.report(service.spot(key), message, "start it as it shall run in production").about(key);
        }
    }
}

fn says(words: &[&str], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split_whitespace().collect();
    let at = |start: usize| {
        let program = words[start].rsplit('/').next() == Some(phrase[0]) || words[start] == phrase[0];
        program && words[start..].iter().skip(1).zip(&phrase[1..]).all(|(word, wanted)| word == wanted)
    };
    let room = (words.len() + 1).saturating_sub(phrase.len());
    let single = phrase.len() == 1 && !phrase[0].starts_with('-');
    !phrase.is_empty() && (0..room).any(|start| at(start) && (!single || begins_a_program(words, start)))
}

/// At the start, or behind what starts programs.
fn begins_a_program(words: &[&str], at: usize) -> bool {
    const BEFORE: [&str; 10] = ["-c", "-lc", "exec", "&&", "||", ";", "npx", "run", "--", "yarn"];
    at == 0 || BEFORE.contains(&words[at - 1])
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_tools_and_development_modes() {
        assert_findings(
            &RULE,
            "
services:
  admin:
    image: dpage/pgadmin4
#          ^^^^^^^^^^^^^^ `admin` is a tool of developers
  mail:
    image: docker.io/maildev/maildev:2.1.0
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `mail` is a tool of developers
  web:
    image: app
    environment:
      NODE_ENV: development
#               ^^^^^^^^^^^ `web` runs in development mode: `NODE_ENV` says so
    command: sh -c 'npm ci && npm run dev'
#   ^^^^^^^ `web` runs in development mode: `npm run dev`
  api:
    image: app
    environment:
      - FLASK_DEBUG=1
#       ^^^^^^^^^^^^^ `api` runs in development mode: `FLASK_DEBUG` says so
    command: [uvicorn, 'app:api', --reload]
#   ^^^^^^^ `api` runs in development mode: `--reload`
  go:
    image: app
    entrypoint: [/go/bin/air]
#   ^^^^^^^^^^ `go` runs in development mode: `air`
",
        );
    }

    #[test]
    fn production_is_left_alone() {
        assert_findings(
            &RULE,
            "
services:
  web: {image: app, environment: {NODE_ENV: production, FLASK_DEBUG: '0'}, command: npm run start}
  asked: {image: adminer, profiles: [tools]}
  name: {image: app, command: [server, --name, air, --reload-interval, 5s, development]}
  dev: {image: app/adminer-exporter, command: npm run develop-docs}
",
        );
    }

    #[test]
    fn a_project_may_have_other_tools() {
        let text = "services: {a: {image: adminer}, b: {image: acme/console}}\n";
        let found = Fixture::new(text).policy("rules: {dev-tools-in-prod: {kinds: [], images: [acme/console]}}\n").findings(&RULE);
        assert_eq!(found.iter().map(|finding| finding.service.as_deref()).collect::<Vec<_>>(), [Some("b")]);
    }
}
