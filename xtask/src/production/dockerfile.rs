//! The Dockerfile of a recipe, explained.

use super::{Install, Recipe, STAGE};

/// The text without its mark. `pinned` gives a base image as it is to be written, with its digest where that is known.
pub fn dockerfile(recipe: &Recipe, pinned: impl Fn(&str) -> String) -> String {
    let (base, runtime) = (pinned(&recipe.base), pinned(&recipe.runtime));
    let mut text = head(recipe);
    if let Some(install) = &recipe.dependencies {
        text.push_str(&format!("\n# {}\nFROM {base} AS dependencies\nWORKDIR {}\n", install.why, recipe.folder));
        text.push_str(&installed(install));
    }
    text.push_str(&build(recipe, &base));
    text.push_str(&run(recipe, &runtime));
    text
}

fn head(recipe: &Recipe) -> String {
    let mut text = format!("# The production image of {}.\n", one_line(&recipe.service));
    text.push_str("# To have it written anew, change the sources or xtask.yaml, not this file: a changed one is left alone.\n");
    for note in &recipe.notes {
        text.push_str(&format!("# Note: {}.\n", one_line(note)));
    }
    text
}

fn installed(install: &Install) -> String {
    let mut text = String::from("# Before the sources: this layer is made again only when these files change.\n");
    // Each folder by itself: what is copied together loses the names of its folders.
    let mut folders: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in &install.manifests {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, names)) => names.push(name),
            None => folders.push((folder, vec![name])),
        }
    }
    for (folder, names) in folders {
        let into = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        text.push_str(&format!("COPY {} ./{into}\n", names.join(" ")));
    }
    install.commands.iter().for_each(|command| text.push_str(&format!("RUN {command}\n")));
    text
}

fn build(recipe: &Recipe, base: &str) -> String {
    let Some(step) = &recipe.build else { return String::new() };
    let mut text = String::from("\n# What the sources are made into. Nothing of this stage runs, so its tools stay behind.\n");
    match (&step.install, &recipe.dependencies) {
        (None, Some(_)) => text.push_str(&format!("FROM dependencies AS build\nWORKDIR {}\n", recipe.folder)),
        _ => text.push_str(&format!("FROM {base} AS build\nWORKDIR {}\n", recipe.folder)),
    }
    match &step.install {
        Some(install) => text.push_str(&installed(install)),
        None if recipe.dependencies.is_none() => text.push_str(&format!("RUN python3 -m venv {}/.venv\n", recipe.folder)),
        None => {}
    }
    text.push_str("COPY . ./\n");
    step.commands.iter().for_each(|command| text.push_str(&format!("RUN {command}\n")));
    text
}

fn run(recipe: &Recipe, runtime: &str) -> String {
    let folder = &recipe.folder;
    let mut text = String::from("\n# What runs: the service, the packages that it needs, and nothing to build with.\n");
    text.push_str(&format!("FROM {runtime} AS {STAGE}\n"));
    let mut labels = recipe.labels.clone();
    if labels.iter().all(|(name, _)| name != "org.opencontainers.image.title") {
        labels.insert(0, ("org.opencontainers.image.title".into(), recipe.service.clone()));
    }
    labels.push(("org.opencontainers.image.base.name".into(), recipe.runtime.clone()));
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    text.push_str(&format!("LABEL {}\n", labels.join(" \\\n      ")));
    for (name, value) in &recipe.environment {
        // The search path grows; all else is as it is.
        let value = if name == "PATH" { format!("\"{value}\"") } else { quoted(value) };
        text.push_str(&format!("ENV {name}={value}\n"));
    }
    text.push_str(&format!("WORKDIR {folder}\n"));
    let adds = recipe.build.as_ref().is_some_and(|step| step.adds_package);
    let from = if adds { Some("build") } else { recipe.dependencies.as_ref().map(|_| "dependencies") };
    let into = recipe.dependencies.as_ref().map_or(".venv", |install| install.into);
    if let Some(from) = from {
        text.push_str(&format!("COPY --from={from} {folder}/{into} ./{into}\n"));
    }
    text.push_str(
        "# By name: what is not named, a secret or a test, cannot get in. They belong to root, so the service cannot change them.\n",
    );
    for name in &recipe.copies {
        let made = recipe.made.contains(name);
        text.push_str(&if made { format!("COPY --from=build {folder}/{name} ./{name}\n") } else { format!("COPY {name} ./{name}\n") });
    }
    text.push_str(&format!("# Not root; by number, so that a platform can tell.\nUSER {}\n", recipe.user));
    if let Some(port) = recipe.port {
        text.push_str(&format!("EXPOSE {port}\n"));
    }
    match &recipe.health {
        Some(probe) => {
            text.push_str("# Asked by the engine; whoever is ill three times is unhealthy.\n");
            text.push_str("HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \\\n");
            text.push_str(&format!("  CMD {}\n", words(probe)));
        }
        None => text.push_str("# It answers no questions (`health: none`).\nHEALTHCHECK NONE\n"),
    }
    text.push_str(&format!("CMD {}\n", words(&recipe.entry)));
    text
}

/// The form that no shell reads.
fn words(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| serde_json::Value::from(word.as_str()).to_string()).collect();
    format!("[{}]", words.join(", "))
}

/// A value that means itself.
fn quoted(value: &str) -> String {
    let line: String = one_line(value);
    let mut out = String::from("\"");
    for char in line.chars() {
        if matches!(char, '"' | '\\' | '$') {
            out.push('\\');
        }
        out.push(char);
    }
    out.push('"');
    out
}

fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
