//! What a stack needs before it is started, so that nothing is started in vain.

use std::collections::BTreeSet;
use std::path::Path;

use super::chosen::Chosen;
use super::order::{names, networks};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::model::{Found, Model};
use crate::project::Project;
use crate::yaml::Value;

/// Refuses where Compose would refuse, or the engine halfway: variables, files, networks and volumes.
/// Returns the external networks to be created: those that the project declares as its own.
///
/// # Errors
/// `Refused`, with everything that is missing at once.
pub fn check(project: &Project, chosen: &[Chosen<'_>], engine: &dyn Engine) -> Result<Vec<String>> {
    let mut missing = BTreeSet::new();
    let mut create = Vec::new();
    let mut made: BTreeSet<String> = BTreeSet::new();
    for chosen in chosen {
        let of = |what: String| format!("{what} (stack {})", chosen.stack.id);
        missing.extend(variables(&chosen.model).into_iter().chain(files(chosen)).map(of));
        for network in networks(&chosen.model, true) {
            if made.contains(&network) || create.contains(&network) || engine.network(&network)?.is_some() {
                continue;
            }
            if project.settings.networks.contains(&network) {
                create.push(network);
            } else {
                missing.insert(of(format!("the external network {network}: list it under `networks` in xtask.yaml, and it is created")));
            }
        }
        for volume in names(&chosen.model, "volumes", true) {
            if engine.volume(&volume)?.is_none() {
                missing.insert(of(format!("the external volume {volume}: `docker volume create {volume}` makes it")));
            }
        }
        made.extend(networks(&chosen.model, false));
    }
    refused(&missing.into_iter().collect::<Vec<_>>())?;
    Ok(create)
}

/// Refuses what Compose itself would refuse to read.
///
/// # Errors
/// `Refused`, with every required variable that has no value.
pub fn check_variables(project: &Project, chosen: &[Chosen<'_>]) -> Result<()> {
    let missing: BTreeSet<String> = chosen.iter().flat_map(|chosen| variables(&chosen.model)).collect();
    let tag = chosen.iter().find_map(|chosen| unset_tag(&chosen.model, &project.deploy(&chosen.stack.id).tag));
    refused(&missing.into_iter().collect::<Vec<_>>()).map_err(|error| match tag {
        Some(help) => error.help(help),
        None => error,
    })
}

/// The release's tag is not for the .env: who takes a stack down says it once.
fn unset_tag(model: &Model, variable: &str) -> Option<String> {
    let unset = |reference: &&crate::model::Reference| reference.found == Found::StandIn && reference.name == variable;
    model.references.iter().find(unset)?;
    Some(format!(
        "put {variable}=TAG before the command, with the tag of what runs (`cargo xtask history --releases` shows it); \
         set other variables in the .env beside the compose file or export them; nothing was touched"
    ))
}

fn refused(missing: &[String]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let help = "set variables in the .env beside the compose file or export them; nothing was touched";
    Err(Error::refused("something is missing").why(missing.join("\n")).help(help))
}

fn variables(model: &Model) -> BTreeSet<String> {
    let unset = model.references.iter().filter(|reference| reference.found == Found::StandIn);
    let place = |at| model.locate(at).map_or(String::new(), |at| format!(" at {at}"));
    unset.map(|reference| format!("the variable {}, required{}", reference.name, place(reference.at))).collect()
}

/// Of the services that would start.
fn files(chosen: &Chosen<'_>) -> BTreeSet<String> {
    let model = &chosen.model;
    let mut missing = BTreeSet::new();
    let starts = |service: &String| chosen.active.contains(service) || chosen.named.contains(service);
    for (service, files) in model.env_files.iter().filter(|(service, _)| starts(service)) {
        let absent = files.iter().filter(|file| file.required && file.source.is_none());
        missing.extend(absent.map(|file| format!("the env file {} of {service}", file.path.display())));
    }
    for section in ["secrets", "configs"] {
        let used = used(chosen, section);
        let declared = model.value.get(section).and_then(Value::as_map).into_iter().flatten();
        for (name, field) in declared.filter(|(name, _)| used.contains(name.as_str())) {
            let file = field.value.get("file").and_then(Value::as_str);
            missing.extend(file.filter(|file| !Path::new(file).exists()).map(|file| format!("the file {file} of {section}.{name}")));
        }
    }
    missing
}

fn used<'m>(chosen: &'m Chosen<'_>, section: &str) -> BTreeSet<&'m str> {
    let starting = chosen.active.iter().chain(&chosen.named).filter_map(|service| chosen.model.service(service));
    let listed = starting.filter_map(|service| service.get(section)?.as_seq()).flatten();
    listed.filter_map(|entry| entry.get("source")?.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::model::{Call, Environment, Unset, load};
    use crate::source::{Disk, Overlay};

    #[test]
    fn a_tag_that_is_not_set_is_not_sent_to_the_env_file() {
        let mut files = Overlay::new(&Disk);
        files.set("/nowhere/p/compose.yaml", Some(b"services: {web: {image: 'x:${TAG:?}', user: '${WHO:-1}'}}\n".to_vec()));
        let call = Call { files: vec![PathBuf::from("/nowhere/p/compose.yaml")], unset: Unset::StandIn, ..Call::default() };
        let model = load(&files, &call, &Environment::new()).unwrap();
        assert!(unset_tag(&model, "TAG").unwrap().starts_with("put TAG=TAG before the command"));
        assert_eq!(unset_tag(&model, "WHO"), None);
        assert_eq!(unset_tag(&model, "RELEASE"), None);
    }
}
