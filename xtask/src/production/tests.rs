//! Recipes and files of whole build contexts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::{Call, Environment, load};
use crate::source::{Disk, Overlay};
use crate::surroundings::{Build, Ignore, Surroundings};

/// A context with a Dockerfile that says as little as possible, and what the service of the compose file says.
fn made(service: &str, files: &[(&str, &str)], wish: &ServiceProduction) -> Result<Recipe, Vec<Refused>> {
    let root = Path::new("/nowhere/p");
    let mut overlay = Overlay::new(&Disk);
    overlay.set(root.join("compose.yaml"), Some(format!("services:\n  web:\n    build: {{context: ctx{service}\n").into_bytes()));
    let mut listed = BTreeSet::new();
    for (name, text) in files {
        let path = root.join("ctx").join(name);
        overlay.set(&path, Some(text.as_bytes().to_vec()));
        listed.insert(path);
    }
    let call = Call { files: vec![root.join("compose.yaml")], ..Call::default() };
    let model = load(&overlay, &call, &Environment::new()).unwrap();
    let around = Surroundings::gather(&model, &overlay, root, &listed, None);
    let json = model.json();
    let context = PathBuf::from("/nowhere/p/ctx");
    let names: Vec<String> = listed.iter().map(|path| path.strip_prefix(&context).unwrap().display().to_string()).collect();
    let subject = Subject {
        service: "web",
        definition: &json["services"]["web"],
        build: &around.builds["web"],
        context: &context,
        listed: &names,
        files: &overlay,
        wish,
    };
    recipe(&subject)
}

fn of(files: &[(&str, &str)]) -> Recipe {
    made("}", files, &ServiceProduction::default()).unwrap_or_else(|why| panic!("{why:?}"))
}

fn why(files: &[(&str, &str)]) -> String {
    let refused = made("}", files, &ServiceProduction::default()).unwrap_err();
    refused.iter().map(|one| one.why.as_str()).collect::<Vec<_>>().join("; ")
}

const NODE: &str = "FROM node:18\nWORKDIR /srv/app\nCOPY . .\nRUN npm ci\nEXPOSE 3000\nCMD [\"npx\", \"nodemon\", \"src/server.js\"]\n";
const PYTHON: &str = "FROM python:3.11-bookworm\nCOPY . .\nEXPOSE 8000\nCMD python3 src/main.py\n";
const SERVER: &str = "if (path === '/healthz') ok(); server.listen(process.env.PORT || 3000)";
const MAIN: &str = "if path == \"/health\": pass";

fn commands(install: &Option<Install>) -> String {
    install.as_ref().map(|install| install.commands.join(" | ")).unwrap_or_default()
}

#[test]
fn npm_with_a_lock_file() {
    let package = r#"{"name": "shop", "version": "1.2.0", "main": "src/server.js", "dependencies": {"pg": "8"}, "devDependencies": {"nodemon": "3"}}"#;
    let lock = r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/pg": {}, "node_modules/nodemon": {"dev": true}, "node_modules/fsevents": {"dev": true, "hasInstallScript": true}}}"#;
    let files = [
        ("Dockerfile", NODE),
        ("package.json", package),
        ("package-lock.json", lock),
        ("src/server.js", SERVER),
        ("test/a.js", ""),
        ("README.md", ""),
        (".env", ""),
    ];
    let recipe = of(&files);
    assert_eq!((recipe.language, recipe.manager, recipe.folder.as_str()), (Language::Node, "npm", "/srv/app"));
    assert_eq!((recipe.base.as_str(), recipe.runtime.as_str()), ("node:18", "node:18-slim"));
    assert_eq!(commands(&recipe.dependencies), "npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force");
    assert_eq!((recipe.copies.clone(), recipe.build.clone()), (vec!["package.json".to_string(), "src".into()], None));
    assert_eq!((recipe.entry.join(" "), recipe.port, recipe.path.as_deref()), ("node src/server.js".into(), Some(3000), Some("/healthz")));
    assert_eq!(recipe.development.paths, ["node_modules/nodemon", "node_modules/fsevents"]);
    let text = dockerfile(&recipe, |base| format!("{base}@sha256:abc"));
    for line in [
        "FROM node:18@sha256:abc AS dependencies\n",
        "COPY package.json package-lock.json ./\n",
        "FROM node:18-slim@sha256:abc AS production\n",
        "COPY --from=dependencies /srv/app/node_modules ./node_modules\n",
        "COPY src ./src\n",
        "ENV PORT=\"3000\"\n",
        "USER 10001:10001\nEXPOSE 3000\n",
        "org.opencontainers.image.version=\"1.2.0\"",
        "CMD [\"node\", \"src/server.js\"]\n",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(!text.contains("AS build"), "{text}");
}

#[test]
fn a_build_with_each_manager_of_node() {
    let package = r#"{"scripts": {"build": "tsc", "start": "NODE_ENV=production node dist/server.js", "dev": "tsx watch src"}, "dependencies": {"pg": "8"}, "devDependencies": {"typescript": "5"}}"#;
    for (lock, text, production, all, run) in [
        ("package-lock.json", "{}", "npm ci --omit=dev ", "npm ci --no-audit", "npm run build"),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\n",
            "pnpm install --frozen-lockfile --prod",
            "pnpm install --frozen-lockfile",
            "pnpm run build",
        ),
        ("yarn.lock", "# yarn lockfile v1\n", "yarn install --frozen-lockfile --production=true", "--production=false", "yarn run build"),
        ("none", "", "npm install --no-package-lock --omit=dev", "npm install --no-package-lock --no-audit", "npm run build"),
    ] {
        let recipe = of(&[("Dockerfile", NODE), ("package.json", package), (lock, text), ("src/server.ts", SERVER), ("public/x.css", "")]);
        assert!(commands(&recipe.dependencies).contains(production), "{lock}: {recipe:?}");
        let build = recipe.build.clone().unwrap();
        assert!(commands(&build.install).contains(all) && build.commands == [run], "{lock}: {build:?}");
        assert_eq!((recipe.copies.join(" "), recipe.made.join(" ")), ("dist package.json public".into(), "dist".into()));
        assert_eq!(recipe.notes.iter().any(|note| note.contains("no lock file")), lock == "none");
        let text = dockerfile(&recipe, str::to_string);
        assert!(text.contains("COPY --from=build /srv/app/dist ./dist\n") && text.contains("COPY public ./public\n"), "{text}");
    }
}

#[test]
fn python_with_each_manager() {
    let poetry = "[tool.poetry]\nname = \"shop\"\nversion = \"1\"\n[tool.poetry.dependencies]\npython = \"^3.11\"\nidna = \"3\"\n[tool.poetry.group.dev.dependencies]\npytest = \"8\"\n";
    let project =
        "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"idna==3.7\"]\n[dependency-groups]\ndev = [\"pytest==8\"]\n";
    for (manager, files, command) in [
        (
            "pip",
            vec![("requirements.txt", "-r more.txt\nidna==3.7\n"), ("more.txt", ""), ("requirements-dev.txt", "pytest\n")],
            "pip install --no-cache-dir --requirement requirements.txt",
        ),
        ("pip", vec![("pyproject.toml", project)], "tomllib"),
        ("uv", vec![("pyproject.toml", project), ("uv.lock", "version = 1\n")], "uv sync --frozen --no-dev"),
        (
            "poetry",
            vec![
                ("pyproject.toml", poetry),
                ("poetry.lock", "# This file is automatically @generated by Poetry 1.8.2 and should not be changed by hand.\n"),
            ],
            "poetry==1.8.2",
        ),
        ("poetry", vec![("pyproject.toml", poetry)], "poetry install --only=main"),
    ] {
        let all = [files, vec![("Dockerfile", PYTHON), ("src/main.py", MAIN), ("src/test_x.py", "")]].concat();
        let recipe = of(&all);
        assert_eq!((recipe.language, recipe.manager), (Language::Python, manager));
        assert!(commands(&recipe.dependencies).contains(command), "{recipe:?}");
        assert_eq!(
            (recipe.entry.join(" "), recipe.copies.join(" "), recipe.port),
            ("python3 src/main.py".into(), "src".into(), Some(8000))
        );
        assert_eq!(recipe.development.names, ["pytest"], "{manager}");
        let text = dockerfile(&recipe, str::to_string);
        assert!(
            text.contains("COPY --from=dependencies /app/.venv ./.venv\n") && text.contains("ENV PATH=\"/app/.venv/bin:$PATH\"\n"),
            "{text}"
        );
        assert!(text.contains("FROM python:3.11-slim-bookworm AS production\n"), "{text}");
    }
}

#[test]
fn requirements_keep_their_folders_and_are_followed_once() {
    let files = [
        ("Dockerfile", PYTHON),
        ("src/main.py", MAIN),
        ("requirements.txt", "-r requirements/base.txt\n"),
        ("requirements/base.txt", "-r ../requirements.txt # both ways\n-c limits.txt\nidna==3.7\n"),
        ("requirements/limits.txt", ""),
    ];
    let text = dockerfile(&of(&files), str::to_string);
    assert!(text.contains("COPY requirements.txt ./\nCOPY requirements/base.txt requirements/limits.txt ./requirements/\n"), "{text}");
    let outside = [files[0], files[1], ("requirements.txt", "-r ../more.txt\n"), ("../more.txt", "idna\n")];
    assert!(why(&outside).contains("../more.txt"));
}

#[test]
fn yarn_4_comes_as_a_package_and_brings_what_its_lock_file_names() {
    let package = r#"{"main": "src/server.js", "packageManager": "yarn@4.9.2+sha1.ab", "scripts": {"prepare": "husky"}, "dependencies": {"ms": "2"}}"#;
    let lock = "__metadata:\n  version: 8\n";
    let rc = "nodeLinker: node-modules\n";
    let files = |package, rc| {
        [
            ("Dockerfile", NODE),
            ("package.json", package),
            ("yarn.lock", lock),
            (".yarnrc.yml", rc),
            (".yarn/patches/ms.patch", ""),
            ("src/server.js", SERVER),
        ]
    };
    let install = of(&files(package, rc)).dependencies.unwrap();
    assert_eq!(install.manifests, ["package.json", "yarn.lock", ".yarnrc.yml", ".yarn/patches/ms.patch"]);
    assert_eq!(install.commands[..2], ["npm pkg delete scripts.prepare", "npm install --global --force @yarnpkg/cli-dist@4.9.2"]);
    assert!(install.commands[2].contains("yarn workspaces focus --production"), "{install:?}");
    let old = package.replace("4.9.2", "3.8.0");
    assert!(why(&files(&old, rc)).contains("one before 4"));
    assert!(why(&files(package, "nodeLinker: pnp\n")).contains("Plug'n'Play"));
    assert!(why(&files(package, "nodeLinker: node-modules\nnpmAuthToken: x\n")).contains(".yarnrc.yml of web logs in to a registry"));
}

#[test]
fn who_shares_a_folder_says_itself_what_it_starts_and_who_asks_it() {
    let context = PathBuf::from("/nowhere/p/ctx");
    let (wish, listed) = (ServiceProduction::default(), ["src/server.js".to_string()]);
    let mut overlay = Overlay::new(&Disk);
    overlay.set(context.join("src/server.js"), Some(SERVER.into()));
    let build = |text: &str| {
        let parsed = crate::surroundings::dockerfile::Dockerfile::parse(text, &std::collections::BTreeMap::new());
        Build { text: Some(text.into()), image: parsed.image(None), dockerfile: Some(parsed), ..Build::default() }
    };
    let plain = NODE.replace("\"npx\", \"nodemon\"", "\"node\"");
    let started = |definition: Json, text: &str| {
        let (own, other, none) = (build(&plain), build(text), serde_json::json!({}));
        let subject = |service, definition, build| Subject {
            service,
            definition,
            build,
            context: &context,
            listed: &listed,
            files: &overlay,
            wish: &wish,
        };
        let first = subject("api", &none, &own);
        start(&subject("worker", &definition, &other), &first, &recipe(&first).unwrap())
    };
    let works = serde_json::json!({"command": ["node", "w.js"], "healthcheck": {"disable": true}});
    assert_eq!(started(works, &plain), Ok(Start::Told));
    assert_eq!(started(serde_json::json!({}), &plain), Ok(Start::Told), "it is the same once more");
    assert_eq!(started(serde_json::json!({"command": ["nodemon", "w.js"]}), &plain), Ok(Start::Untold));
    let unasked = started(serde_json::json!({"command": ["node", "w.js"]}), &plain).unwrap_err();
    assert!(unasked.why.ends_with("asks how api is") && unasked.help.contains("disable: true"), "{unasked:?}");
    let own = started(serde_json::json!({}), &plain.replace("server.js", "w.js")).unwrap_err();
    assert!(own.why.contains("starts `node src/server.js`, which is not what worker starts now"), "{own:?}");
}

#[test]
fn a_python_package_with_a_script_is_built() {
    let project = "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"idna\"]\nscripts = {shop = \"shop:main\"}\n";
    let files = [
        ("Dockerfile", "FROM python:3.11-slim\nCOPY . .\nEXPOSE 80\n"),
        ("pyproject.toml", project),
        ("uv.lock", ""),
        ("shop/__init__.py", MAIN),
    ];
    let recipe = of(&files);
    assert_eq!(recipe.entry, ["shop"]);
    let text = dockerfile(&recipe, str::to_string);
    assert!(text.contains("FROM dependencies AS build\n") && text.contains("pip install --no-cache-dir --no-deps .\n"), "{text}");
    assert!(text.contains("COPY --from=build /app/.venv ./.venv\n"), "{text}");
}

#[test]
fn sources_without_packages_need_no_stage_for_them() {
    let recipe = of(&[
        ("Dockerfile", "FROM node:18-bookworm-slim\nCOPY src ./src\nUSER node\nEXPOSE 8080\nCMD [\"node\", \"src/server.js\"]\n"),
        ("src/server.js", SERVER),
    ]);
    assert_eq!((recipe.user.as_str(), recipe.copies.join(" "), recipe.dependencies.is_none()), ("1000:1000", "src".into(), true));
    assert_eq!(dockerfile(&recipe, str::to_string).matches("FROM ").count(), 1);
}

#[test]
fn what_cannot_be_told_is_asked() {
    let node = |dockerfile: &str, package: &str, source: &str| {
        why(&[("Dockerfile", dockerfile), ("package.json", package), ("src/server.js", source)])
    };
    assert!(why(&[("Dockerfile", "FROM golang:1\n"), ("go.mod", "")]).contains("web is written in Go; Node and Python are known"));
    assert!(why(&[("Dockerfile", "FROM nginx:1\n")]).contains("web is built on nginx:1"));
    let all = node("FROM node\nCMD npm start\n", "{}", "");
    for word in ["which means another image tomorrow", "nothing tells what web starts", "nothing tells what web answers"] {
        assert!(all.contains(word), "{word}: {all}");
    }
    assert!(node("FROM node:18\nEXPOSE 1 2\nCMD [\"node\", \"src/server.js\"]\n", "{}", "'/health'").contains("several ports (1, 2)"));
    assert!(node("FROM node:18\nCMD [\"node\", \"src/server.js\"]\n", "{}", "'/health'").contains("on which port web answers /health"));
    assert!(node(NODE, r#"{"workspaces": ["a"]}"#, SERVER).contains("workspace"));
    assert!(node(NODE, r#"{"main": "src/gone.js"}"#, SERVER).contains("src/gone.js, which is not there"));
    let private = [("Dockerfile", NODE), ("package.json", "{}"), (".npmrc", "//h/:_authToken=${T}"), ("src/server.js", SERVER)];
    assert!(why(&private).contains("logs in to a registry"));
    let two = [("Dockerfile", NODE), ("package.json", "{}"), ("yarn.lock", ""), ("package-lock.json", "{}")];
    assert!(why(&two).contains("several lock files"));
    assert!(why(&[("Dockerfile", PYTHON), ("Pipfile", ""), ("src/main.py", MAIN)]).contains("Pipenv"));
}

#[test]
fn the_settings_answer() {
    let wish = ServiceProduction {
        entry: Some(vec!["node".into(), "x.js".into()]),
        port: Some(9),
        health: Some("/up".into()),
        base: Some("registry.example.com/ours:3".into()),
        skip: false,
    };
    let files = [("Dockerfile", "FROM ours\nCOPY x.js ./\n"), ("package.json", "{}"), ("x.js", "")];
    let recipe = made("}", &files, &wish).unwrap();
    assert_eq!(
        (recipe.base.as_str(), recipe.entry.join(" "), recipe.port, recipe.path.as_deref()),
        ("registry.example.com/ours:3", "node x.js".into(), Some(9), Some("/up"))
    );
    let silent = ServiceProduction { health: Some("none".into()), ..wish };
    assert!(dockerfile(&made("}", &files, &silent).unwrap(), str::to_string).contains("HEALTHCHECK NONE\n"));
}

#[test]
fn the_compose_file_tells_what_the_dockerfile_does_not() {
    let service = "}\n    user: \"5:6\"\n    command: [node, src/other.js]\n    environment: {PORT: 4000}\n    healthcheck: {test: [CMD, curl, 'http://localhost:4000/api/up']}";
    let files = [("Dockerfile", NODE), ("package.json", "{}"), ("src/other.js", SERVER)];
    let recipe = made(service, &files, &ServiceProduction::default()).unwrap();
    assert_eq!(
        (recipe.user.as_str(), recipe.entry.join(" "), recipe.port, recipe.path.as_deref()),
        ("5:6", "node src/other.js".into(), Some(4000), Some("/api/up"))
    );
}

#[test]
fn nothing_is_hidden_that_the_image_needs_and_secrets_are() {
    let recipe = Recipe {
        copies: vec!["src".into(), "test".into()],
        ..of(&[("Dockerfile", NODE), ("package.json", r#"{"main": "src/server.js"}"#), ("src/server.js", SERVER)])
    };
    let text = dockerignore(&recipe);
    let ignore = Ignore::parse(&text);
    for path in [
        ".env",
        "a/.env.local",
        ".git/config",
        "node_modules/x/y.js",
        "src/a.test.js",
        "Dockerfile.prod",
        "compose.prod.yaml",
        "tls/server.key",
    ] {
        assert!(ignore.leaves_out(path), "{path}");
    }
    for path in ["src/server.js", "package.json", "test/needed.js", "src/environment.js"] {
        assert!(!ignore.leaves_out(path), "{path}");
    }
    assert!(hides(&text, ["./README.md".to_string()]) && !hides(&text, ["src".to_string(), ".".into()]));
}

#[test]
fn values_of_the_project_mean_themselves_in_the_dockerfile() {
    let package = r#"{"name": "a\" $B\nRUN x", "description": "it's $HOME \\", "main": "src/server.js"}"#;
    let text = dockerfile(&of(&[("Dockerfile", NODE), ("package.json", package), ("src/server.js", SERVER)]), str::to_string);
    assert!(text.contains(r#"title="a\" \$B RUN x""#) && text.contains(r#"description="it's \$HOME \\""#), "{text}");
    let parsed = crate::surroundings::dockerfile::Dockerfile::parse(&text, &std::collections::BTreeMap::new());
    assert!(parsed.unclear.is_empty() && parsed.stages.len() == 1, "{:?}", parsed.unclear);
}
