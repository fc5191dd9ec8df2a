//! A stack's runbook in Markdown, with the commands of this stack.

use super::markdown::{code, plain};
use crate::release::Replacing;
use crate::tasks::deploy::preflight::runbook::{Place, Runbook, Service};

/// `exits`: the codes with what they mean.
pub fn markdown(runbook: &Runbook, exits: &[(u8, &str)]) -> String {
    let chapters = [
        head(runbook),
        deploy(runbook),
        watch(runbook),
        back(runbook),
        recover(),
        state(runbook),
        services(runbook),
        data(runbook),
        not_undone(runbook),
        codes(exits),
    ];
    let body = chapters.join("\n");
    format!("{}{body}", runbook.marker(&body))
}

fn head(runbook: &Runbook) -> String {
    let files: Vec<String> = runbook.files.iter().map(|file| code(file)).collect();
    let profiles = match runbook.profiles.as_slice() {
        [] => String::new(),
        some => format!(", profiles {}", some.iter().map(|profile| code(profile)).collect::<Vec<_>>().join(", ")),
    };
    format!(
        "# Runbook: {}\n\nCompose project {}, files {}{profiles}. Made by `cargo xtask preflight`; when the stack changes, make it anew.\n",
        plain(&runbook.stack),
        code(&runbook.project),
        files.join(", ")
    )
}

fn deploy(runbook: &Runbook) -> String {
    let stack = word(&runbook.stack);
    let tag = tag(runbook);
    let tried = if runbook.rehearses { "tried beside the live services, " } else { "" };
    let mut text = format!(
        "## Deploy\n\n{}\nGuards first, all together; then the new release is {tried}put in place service by service in the order below, and \
         counts once all are well, nothing was started again for {} s, and every probe answers. Otherwise what ran before serves again.\n",
        commands(&[
            (format!("preflight {stack}{tag}"), "before the first time"),
            (format!("prod-up {stack}{tag} --dry-run"), "guards and plan; nothing is touched"),
            (format!("prod-up {stack}{tag}"), "asks, then deploys"),
        ]),
        runbook.settle_secs
    );
    if let Some(tag) = &runbook.tag {
        text.push_str(&format!("\n{} may be exported instead of `--tag`.\n", code(tag)));
    }
    text.push_str(&list("Probes", &runbook.probes));
    let hooks: Vec<String> = runbook.hooks.iter().map(|(moment, program)| format!("{moment}: {program}")).collect();
    text.push_str(&list("Hooks", &hooks));
    text
}

/// An example of one, where the stack has any.
fn tag(runbook: &Runbook) -> &'static str {
    if runbook.tag.is_some() { " --tag v1.4.2" } else { "" }
}

fn watch(runbook: &Runbook) -> String {
    let stack = word(&runbook.stack);
    let tag = tag(runbook);
    let shown = commands(&[
        (format!("ps {stack}"), "state, uptime, restarts, memory; exits with 1 when something is not well"),
        (format!("logs -f {stack} --since 10m"), "all services as one, secrets masked"),
        (format!("prod-up {stack}{tag} --check"), "exits with 1 when what runs is not what the files say"),
    ]);
    format!("## Watch\n\n{shown}")
}

fn back(runbook: &Runbook) -> String {
    let stack = word(&runbook.stack);
    let shown = commands(&[
        (format!("history --releases {stack}"), "what was deployed, and which is current"),
        (format!("rollback --release {stack}"), "the release that ran before"),
        (format!("rollback --release {stack} --to r0003"), "the one named"),
    ]);
    let keep = runbook.keep;
    format!(
        "## Roll back\n\n{shown}\nThe containers are made from the release's own record: neither the files of then nor their variables are needed. The \
         last {keep} releases are kept. A rollback that does not hold takes itself back; twice goes back twice.\n"
    )
}

fn recover() -> String {
    let shown = commands(&[
        ("recover --dry-run".to_string(), "what it would do"),
        ("recover".to_string(), "puts a killed run back, or does what was left after its commit"),
        ("history".to_string(), "which runs there were, and how they ended"),
        ("doctor".to_string(), "what is missing on this machine"),
    ]);
    format!("## After a kill, a crash or a power cut\n\nUntil it is done, every changing command refuses.\n\n{shown}")
}

fn state(runbook: &Runbook) -> String {
    format!(
        "## Where state is\n\n- Runs: {} in the project's root (0700, ignored by git). Journals and, for 90 days, originals.\n- Releases and locks: \
         {}, else {} for root, else {}. They hold secrets. One machine drives one engine: always deploy from the same.\n- Images of releases: tags \
         {} on the engine; `docker image prune` leaves them, `prune -a` does not.\n",
        code(".xtask/"),
        code("$XTASK_STATE"),
        code("/var/lib/xtask"),
        code("$XDG_STATE_HOME/xtask"),
        code(&format!("xtask.local/{}...", runbook.project)),
    )
}

fn services(runbook: &Runbook) -> String {
    let mut text =
        "## Services\n\nIn the order of a deploy.\n\n| service | image | replaced by | healthy within | started again | ports | needs |\n\
                    |---|---|---|---|---|---|---|\n"
            .to_string();
    for service in &runbook.services {
        text.push_str(&row(service, runbook.settle_secs));
    }
    let names = [
        ("swap", "the new container is made, the old one is stopped and kept, the new one starts"),
        ("rolling", "the new container is well before the old one stops"),
        ("recreate", "Compose replaces it; it is away meanwhile"),
    ];
    text.push('\n');
    text.extend(names.map(|(name, meaning)| format!("- {}: {meaning}\n", code(name))));
    if !runbook.external_networks.is_empty() {
        let names: Vec<String> = runbook.external_networks.iter().map(|name| code(name)).collect();
        text.push_str(&format!("\nNetworks that others make, and that must be there first: {}.\n", names.join(", ")));
    }
    text
}

fn row(service: &Service, settle_secs: u64) -> String {
    let how = match service.how {
        Replacing::Swap => "swap",
        Replacing::Rolling => "rolling",
        Replacing::Recreate => "recreate",
    };
    let health = match service.health_secs {
        Some(secs) => format!("{secs} s"),
        None => format!("no check in the files: runs {settle_secs} s undisturbed"),
    };
    let many = |items: &[String]| items.iter().map(|item| code(item)).collect::<Vec<_>>().join(" ");
    format!(
        "| {} | {} | {how} | {health} | {} | {} | {} |\n",
        code(&service.name),
        code(&service.image),
        plain(&service.restart),
        many(&service.ports),
        many(&service.needs)
    )
}

fn data(runbook: &Runbook) -> String {
    if runbook.data.is_empty() {
        return "## Data\n\nNo service keeps data in a volume or a folder of the machine.\n".to_string();
    }
    let mut text = "## Data\n\nNo command here deletes any of it. Back it up before a release that changes it.\n\n| place | of | made by |\n|---|---|---|\n".to_string();
    for Place { kind, name, external, services } in &runbook.data {
        let of: Vec<String> = services.iter().map(|service| code(service)).collect();
        let made = match (*kind, external) {
            ("folder", _) => "you",
            (_, true) => "others",
            (_, false) => "the first deploy",
        };
        text.push_str(&format!("| {kind} {} | {} | {made} |\n", code(name), of.join(" ")));
    }
    text
}

fn not_undone(runbook: &Runbook) -> String {
    let mut text = "## What a way back does not undo\n\n- What the newer release wrote into the data above: changed schemas, deleted rows, sent \
                    messages. A server that has brought its files to a new major version does not go back.\n- Requests that failed meanwhile.\n- \
                    Files outside the project, and bound ones that were too large to keep: `history --releases` names them.\n- One-shots that \
                    were done; they are not run again unless their label `xtask.rollback` is `run`.\n"
        .to_string();
    if !runbook.hooks.is_empty() {
        text.push_str("- What the hooks have done.\n");
    }
    text
}

fn codes(exits: &[(u8, &str)]) -> String {
    let rows: String = exits.iter().map(|(code, meaning)| format!("| {code} | {} |\n", plain(meaning))).collect();
    format!("## Exit codes\n\n| exit | meaning |\n|---|---|\n{rows}")
}

fn list(title: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let lines: String = items.iter().map(|item| format!("- {}\n", plain(item))).collect();
    format!("\n{title}:\n\n{lines}")
}

/// A block to copy from, the remarks in one column.
fn commands(lines: &[(String, &str)]) -> String {
    let width = lines.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    let lines: String = lines.iter().map(|(command, remark)| format!("cargo xtask {command:<width$}   # {remark}\n")).collect();
    format!("```sh\n{lines}```\n")
}

/// As one word of a shell, without anything that would end a block of code.
fn word(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_./".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_string();
    }
    let text: String = text.chars().filter(|char| !char.is_control() && *char != '`').collect();
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
#[path = "runbook_tests.rs"]
mod tests;
