//! Build contexts, one a service, for every way to install and to build.

use super::super::support::{Call, Outcome, Project};

pub const SERVER: &str = "const http = require('http');
http.createServer((request, response) => {
  response.statusCode = request.url === '/health' ? 200 : 404;
  response.end();
}).listen(process.env.PORT || 3000);
process.on('SIGTERM', () => process.exit(0));
";
pub const NODE: &str = "FROM node:18-bookworm-slim\nWORKDIR /app\nCOPY src ./src\nEXPOSE 3000\nCMD [\"node\", \"src/server.js\"]\n";
const NODE_ALL: &str =
    "FROM node:18-bookworm-slim\nWORKDIR /app\nCOPY . .\nRUN npm install\nEXPOSE 3000\nCMD [\"npm\", \"run\", \"dev\"]\n";
const PYTHON: &str = "FROM python:3.11-bookworm\nCOPY . .\nEXPOSE 8000\nCMD [\"python3\", \"main.py\"]\n";
const MAIN: &str = "ROUTES = {'/healthz': lambda: 200}\n";
const PACKAGE: &str = r#"{"name": "it's \"$HOME\"", "version": "1.0.0", "description": "a \\ b", "scripts": {"build": "tsc", "start": "node dist/server.js", "dev": "tsx watch src"},
  "dependencies": {"ms": "2.1.3"}, "devDependencies": {"typescript": "5.4.5"}}"#;
const PROJECT: &str =
    "[project]\nname = \"shop\"\nversion = \"1.0.0\"\ndependencies = [\"idna==3.7\"]\n[dependency-groups]\ndev = [\"pytest==8.0.0\"]\n";
const SCRIPTS: &str = "[project.scripts]\nserve = \"main:serve\"\n";
const POETRY: &str =
    "[tool.poetry]\nname = \"shop\"\nversion = \"1.0.0\"\n[tool.poetry.dependencies]\npython = \"^3.11\"\nidna = \"3.7\"\n";

/// One small service, committed.
pub fn small(compose: &str) -> Project {
    Project::with(&[("compose.yaml", compose), ("web/Dockerfile", NODE), ("web/src/server.js", SERVER)])
}

/// Every manager with a lock file and without, with a build and without: the services are called so.
pub fn every_kind() -> Project {
    let node = |name: &'static str, lock: &'static str, text: &'static str| {
        vec![
            (format!("{name}/Dockerfile"), NODE_ALL),
            (format!("{name}/package.json"), PACKAGE),
            (format!("{name}/src/server.ts"), SERVER),
            (format!("{name}/{lock}"), text),
        ]
    };
    let python = |name: &'static str, files: &[(&'static str, &'static str)]| {
        let own = files.iter().map(|(file, text)| (format!("{name}/{file}"), *text));
        own.chain([(format!("{name}/Dockerfile"), PYTHON), (format!("{name}/main.py"), MAIN)]).collect::<Vec<_>>()
    };
    let all = [
        node("npm", "package-lock.json", "{}"),
        node("pnpm", "pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
        node("yarn", "yarn.lock", "# yarn lockfile v1\n"),
        node("bare", "notes.txt", ""),
        vec![("plain/Dockerfile".to_string(), NODE), ("plain/src/server.js".into(), SERVER)],
        python("pip", &[("requirements.txt", "idna==3.7\n")]),
        python("project", &[("pyproject.toml", PROJECT)]),
        python("uv", &[("pyproject.toml", PROJECT), ("uv.lock", "version = 1\n")]),
        python("poetry", &[("pyproject.toml", POETRY), ("poetry.lock", "# by Poetry 1.8.2 and\n")]),
        python("snake", &[]),
    ];
    let scripts = [PROJECT, SCRIPTS].concat();
    let project = Project::new();
    let mut compose = "services:\n".to_string();
    for files in &all {
        for (path, text) in files {
            project.write(path, text);
        }
        let name = files[0].0.split('/').next().unwrap();
        compose.push_str(&format!("  {name}: {{build: {name}}}\n"));
    }
    project.write("script/Dockerfile", &PYTHON.replace("\"python3\", \"main.py\"", "\"serve\""));
    project.write("script/main.py", MAIN).write("script/pyproject.toml", &scripts);
    project.write("compose.yaml", &format!("{compose}  script: {{build: script}}\n"));
    project.git_init();
    project
}

/// Goes over the guard that wants an engine: the files are written, and said to be not proven.
pub fn unproven<'p>(project: &'p Project, args: &[&str]) -> Call<'p> {
    project.xtask(&[&["dockerfile-prod", "--yes", "--override", "engine", "--reason", "a test of files"], args].concat())
}

pub fn written(project: &Project) -> Outcome {
    unproven(project, &[]).run().exits(0)
}
