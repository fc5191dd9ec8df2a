//! A secret is never shown: canaries in every place where a secret can stand, and every way of
//! running. They may be in the project's own files and in the run's blobs, both private; nowhere else.

#![allow(clippy::print_stderr, reason = "a test says what it could not look at, and counts")]

mod support;

mod masking {
    mod comments;
    mod output;
    mod processes;
    mod store;
}

use support::Project;

/// One canary a kind of place. Long and random, some hard to quote: a mask that goes by the written
/// form would miss the decoded one.
pub struct Canaries;

impl Canaries {
    pub const ALL: [&str; 16] = [
        "Cmap7Kq2vX9zR4tB",
        "Clist'5Wn8#pQ3y",
        "Curl8Jd6%40mZ1sL",
        "Clabel4Tg$7hV2kN",
        "Cbuild9Rf3xC6wE",
        "Ccmd2Yb8uM5jD1q",
        "Chealth6Pz4oS9gA",
        "Cdefault3Hk7iF5n",
        "Cenvfile1Lv9eU8r",
        "Canchor5Xt2aB6yW",
        "Cconfig7Qm4cO3pZ",
        "Croot8Ns6dI1jGk",
        "Cliteral \\ 9 Vw\" x",
        "Cshell4Ea2fT7bHl",
        "ghp_C0123456789abcdefghijABCDEFGHIJ01234",
        "Cextern6Ud8kY3oRm",
    ];

    /// All of them in one project that phase 1 can migrate.
    pub fn project() -> Project {
        let project = Project::with(&[("compose.yaml", COMPOSE), ("config/app.env", APP_ENV), (".gitignore", "/.env\n")]);
        // A value of the root file that was there before: nothing of it may be shown either.
        project.write(".env", "ROOT_PASSWORD=Croot8Ns6dI1jGk\nNEUTRAL=Cextern6Ud8kY3oRm\n");
        project.hides(&Self::forms())
    }

    /// The canaries, as they are and as they are written in a file.
    pub fn forms() -> Vec<&'static str> {
        let mut forms = Self::ALL.to_vec();
        forms.extend(["Clist''5Wn8", "Curl8Jd6@mZ1sL", "Clabel4Tg$$7hV2kN", "Cliteral \\\\ 9 Vw\\\""]);
        forms
    }
}

const COMPOSE: &str = r##"x-shared: &shared
  SHARED_SECRET: Canchor5Xt2aB6yW
services:
  db:
    image: postgres:15
    environment:
      POSTGRES_PASSWORD: Cmap7Kq2vX9zR4tB # old
      LITERAL_PASSWORD: "Cliteral \\ 9 Vw\" x"
      FROM_ROOT: ${ROOT_PASSWORD}
      ODD: ${NEUTRAL}
    healthcheck:
      test: ["CMD-SHELL", "app --password Chealth6Pz4oS9gA check"]
    labels:
      dashboard.password: Clabel4Tg$$7hV2kN
  cache:
    image: redis:7
    command: redis-server --requirepass Ccmd2Yb8uM5jD1q
  app:
    image: app
    build:
      context: .
      args:
        - NPM_TOKEN=Cbuild9Rf3xC6wE
    env_file: config/app.env
    command: sh -c "app --api-key=Cshell4Ea2fT7bHl && true"
    environment:
      - 'API_PASSWORD=Clist''5Wn8#pQ3y'
      - DATABASE_URL=postgres://u:Curl8Jd6%40mZ1sL@elsewhere.example/x
      - FALLBACK_PASSWORD=${FALLBACK_PASSWORD:-Cdefault3Hk7iF5n}
      - SOURCE=ghp_C0123456789abcdefghijABCDEFGHIJ01234
  job:
    image: job
    environment:
      <<: *shared
configs:
  settings:
    content: |
      user = app
      password = Cconfig7Qm4cO3pZ
"##;

const APP_ENV: &str = "LEVEL=info\nSMTP_PASSWORD=Cenvfile1Lv9eU8r\n";
