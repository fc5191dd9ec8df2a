use super::evidence::{EvidenceKind, Hit};
use super::interpolation::{Part, parts};
use super::site::Site;
use super::url;
use super::value::is_credential;
use super::{Check, Reference, Rule};
use crate::catalogue::KeyShape;
use crate::finding::{Category, FixKind, Priority};

pub static RULE: Rule = Rule {
    name: "credential-in-url",
    title: "a credential stands inside a URL",
    doc: "A connection string carries the password of the server that it names: `postgres://app:secret@db/app`, \
        `Server=db;Password=secret`. It is the same credential as the server's own and goes stale when that changes. \
        Put the variable in its place: `postgres://app:${DB_PASSWORD:?set DB_PASSWORD in .env}@db/app`.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Owasp(12), Reference::Spec("services.secrets")],
    fix: FixKind::Report,
    check: Check::Credential(check),
};

fn check(site: &Site<'_>) -> Vec<Hit> {
    if let Some(connection) = &site.connection {
        let hit = Hit { url: Some(connection.clone()), ..Hit::new(EvidenceKind::Url, site.value.clone()) };
        return if is_credential(site, site.shape, site.value()) { vec![hit] } else { Vec::new() };
    }
    let mut hits = Vec::new();
    for password in url::passwords(site.text, site.value.clone()) {
        let written_out = matches!(parts(site.text, password.range.clone()).as_slice(), [Part::Literal(_)]);
        if (written_out || site.verbatim) && is_credential(site, KeyShape::Password, &site.text[password.range.clone()]) {
            hits.push(Hit { url: Some(password.parts), ..Hit::new(EvidenceKind::Url, password.range) });
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::super::search::tests::{keys, of, secrets};

    #[test]
    fn finds_passwords_in_urls_and_connection_strings() {
        let text = "
services:
  a:
    environment:
      DATABASE_URL: postgres://app:p%40ss@db:5432/app
      - ignored
"
        .replace(
            "      - ignored\n",
            "      SPRING_URL: 'jdbc:mysql://db/x?user=u&password=two'
      CONN: Server=db,1433;User Id=sa;Password=three;
      FALLBACK: ${FALLBACK:-amqp://guest:guest@rabbit}
      GO: root:five@tcp(mysql:3306)/x
    healthcheck: {test: [CMD, curl, 'http://u:six@localhost/']}
volumes:
  v: {driver_opts: {o: 'addr=nas,username=u,password=seven'}}
",
        );
        assert_eq!(secrets(&text, "credential-in-url"), ["p%40ss", "two", "three", "guest", "five", "six", "seven"]);
        let first = of(&text).remove(0);
        let url = first.url.unwrap();
        assert_eq!((url.scheme.as_str(), url.user.as_str(), url.host.as_str(), url.port.as_str()), ("postgres", "app", "db", "5432"));
        assert!(url.percent_encoded && first.variable.is_none() && first.key == "DATABASE_URL");
        assert_eq!(&first.finding.place, "services.a.environment.DATABASE_URL");
    }

    #[test]
    fn leaves_alone_urls_without_one() {
        let text = "
services:
  a:
    environment:
      A_URL: http://db:5432/x
      B_URL: postgres://u:${P}@db/x
      C_URL: postgres://u:$P@db/x
      D_URL: postgres://u:${P:?set P in .env}@db/x
      E_URL: https://github.com/a/b@v1
      F_URL: https://user@host/x
      G_URL: ${G:-http://x:1/}
      H_URL: jdbc:postgresql://db/x?user=u&password=${P}
    command: sh -c 'psql postgres://u:$${P}@db/x'
";
        assert_eq!(keys(text), Vec::<String>::new());
    }
}
