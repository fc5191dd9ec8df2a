use super::evidence::{EvidenceKind, Hit};
use super::site::Site;
use super::value::{is_credential, is_left_placeholder};
use super::{Check, Reference, Rule};
use crate::finding::{Category, FixKind, Priority};

pub static RULE: Rule = Rule {
    name: "hardcoded-credential",
    title: "a credential is written out",
    doc: "A password, token or key stands as a literal under its key: in `environment`, build arguments, labels, or \
        among the arguments of a command. Whoever can read the repository, or its history, has it; and it cannot be \
        changed without a commit. Let it come from the environment: `${DB_PASSWORD:?set DB_PASSWORD in .env}`.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Owasp(12), Reference::Spec("services.secrets")],
    fix: FixKind::Report,
    check: Check::Credential(check),
};

fn check(site: &Site<'_>) -> Vec<Hit> {
    let written_out = site.connection.is_none() && is_credential(site, site.shape, site.value());
    if written_out || is_left_placeholder(site, site.value()) {
        return vec![Hit::new(EvidenceKind::Literal, site.value.clone())];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::super::search::tests::{keys, secrets};

    #[test]
    fn finds_literals_in_every_form() {
        let text = "
services:
  a:
    build: {args: {NPM_TOKEN: abcdefgh}}
    environment:
      POSTGRES_PASSWORD: one
      PIN_PASSWORD: 0123
      DAY_PASSWORD: 2024-05-06
      JWT_SECRET: 'it''s two'
      NEO4J_AUTH: neo4j/three
      SOME_KEY: kZ8sW2qP0vX7yT5mN3bL
      SESSION: changeme
    labels:
      - homepage.widget.password=four
      - traefik.http.middlewares.x.basicauth.users=u:$$apr1$$x,v:$$2y$$z
    command: redis-server --requirepass five
    healthcheck: {test: [CMD-SHELL, 'redis-cli -a five ping || PGPASSWORD=six psql']}
    entrypoint: [sh, -c, \"mysqladmin -pseven ping\"]
    logging: {options: {splunk-token: eight88}}
  b:
    environment: [DB_PASS=nine, \"API_KEY=te n\"]
volumes:
  v: {driver_opts: {o: 'username=u,password=eleven'}}
configs:
  c: {content: \"user: x\\npassword: twelve\\n\"}
";
        let expected = [
            "abcdefgh",
            "one",
            "0123",
            "2024-05-06",
            "it's two",
            "three",
            "kZ8sW2qP0vX7yT5mN3bL",
            "changeme",
            "four",
            "$$apr1$$x",
            "$$2y$$z",
            "five",
            "five",
            "six",
            "seven",
            "eight88",
            "nine",
            "te n",
            "eleven",
            "twelve",
        ];
        assert_eq!(secrets(text, "hardcoded-credential"), expected);
    }

    #[test]
    fn finds_what_stands_inside_other_values() {
        let text = "
services:
  a:
    command: \"curl -H 'Authorization: Bearer one11' http://x\"
    healthcheck: {test: [CMD, curl, -H, 'X-Api-Key: two22', x]}
    environment:
      UPSTREAM: Basic YWRtaW46c2VjcmV0
      REDIS_ARGS: --save 60 1 --requirepass four
      APP_CONFIG: |
        user: x
        password: five
        token = \"six66\"
      FLAGS: --verbose --password-file /x --level debug
      NOTES: |
        Remember: the token is elsewhere
        log_level: info
  b:
    environment: [\"EXTRA=--admin-password seven\", 'ABOUT=Authorization: Bearer $T']
";
        let expected = ["one11", "two22", "YWRtaW46c2VjcmV0", "four", "five", "six66", "seven"];
        assert_eq!(secrets(text, "hardcoded-credential"), expected);
    }

    #[test]
    fn leaves_alone_what_is_none() {
        let text = "
services:
  a:
    environment:
      A_PASSWORD: ${A}
      B_PASSWORD: ${B:?no}
      C_PASSWORD: $C
      D_PASSWORD:
      E_PASSWORD: ''
      F_PASSWORD: /run/secrets/f
      G_PASSWORD: 'yes'
      H_PASSWORD: true
      I_TOKEN: 3600
      J_TOKEN: 15m
      K_SECRET: https://vault/x
      L_KEY: some-name
      M_KEY: 3d0f0c52-7a51-4a53-9d27-6f3a0b8b4f11
      N_PUBLIC_KEY: kZ8sW2qP0vX7yT5mN3bL
      O_PASSWORD: '{{ vault.o }}'
      P_PASSWORD: ${P:+x}
      Q_USER: changeme
      NEO4J_AUTH: none
    secrets: [db-password]
    command: [mysqladmin, '-p$$DB_PASS', ping]
    healthcheck: {test: 'mysqladmin --password=\"$$(cat /run/secrets/x)\" ping'}
secrets:
  db-password: {file: ./db/password.txt}
";
        assert_eq!(keys(text), Vec::<String>::new());
    }
}
