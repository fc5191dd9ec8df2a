//! What the rendered models of one role say of their services.

use serde::Serialize;
use serde_json::Value as Json;

use crate::project::Role;

/// The stacks of one role together.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    pub role: Role,
    pub stacks: Vec<String>,
    /// The file that each of them is named after.
    pub files: Vec<String>,
    pub services: Vec<Facts>,
    /// Declared networks, the default one aside.
    pub networks: usize,
    pub internal_networks: usize,
    pub external_networks: Vec<String>,
    pub secrets: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    pub stack: String,
    pub name: String,
    pub image: Option<String>,
    pub built: bool,
    pub no_new_privileges: bool,
    pub read_only: bool,
    pub tmpfs: bool,
    pub health_check: bool,
    /// The conditions under which it waits for others.
    pub conditions: Vec<String>,
    pub ports: usize,
    /// Those that are not bound to one address.
    pub open_ports: usize,
    pub restart: Option<String>,
    pub memory_limit: bool,
    pub cpu_limit: bool,
}

impl Side {
    pub fn new(role: Role) -> Side {
        let (networks, internal_networks, secrets) = (0, 0, 0);
        let (stacks, files, services, external_networks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Side { role, stacks, files, services, networks, internal_networks, external_networks, secrets }
    }

    pub fn name(&self) -> &'static str {
        match self.role {
            Role::Dev => "dev",
            Role::Prod => "prod",
        }
    }

    pub fn add(&mut self, stack: &str, file: &str, model: &Json) {
        self.stacks.push(stack.to_string());
        self.files.push(file.to_string());
        for (name, network) in entries(model.get("networks")).filter(|(name, _)| *name != "default") {
            self.networks += 1;
            self.internal_networks += usize::from(network["internal"] == true);
            if network["external"] == true {
                self.external_networks.push(name.clone());
            }
        }
        self.secrets += entries(model.get("secrets")).count();
        self.services.extend(entries(model.get("services")).map(|(name, service)| facts(stack, name, service)));
    }

    /// How many services something holds for.
    pub fn with(&self, holds: impl Fn(&Facts) -> bool) -> usize {
        self.services.iter().filter(|service| holds(service)).count()
    }
}

fn entries(value: Option<&Json>) -> impl Iterator<Item = (&String, &Json)> {
    value.and_then(Json::as_object).into_iter().flatten()
}

fn items(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

fn facts(stack: &str, name: &str, service: &Json) -> Facts {
    let text = |value: &Json| value.as_str().map(String::from);
    let limits = &service["deploy"]["resources"]["limits"];
    let privileges =
        |option: &Json| option.as_str().is_some_and(|option| option.starts_with("no-new-privileges") && !option.ends_with("false"));
    Facts {
        stack: stack.to_string(),
        name: name.to_string(),
        image: text(&service["image"]),
        built: service.get("build").is_some(),
        no_new_privileges: items(&service["security_opt"]).any(privileges),
        read_only: service["read_only"] == true,
        tmpfs: service.get("tmpfs").is_some() || items(&service["volumes"]).any(|volume| volume["type"] == "tmpfs"),
        health_check: service.get("healthcheck").is_some_and(|check| check["disable"] != true),
        conditions: entries(service.get("depends_on")).filter_map(|(_, need)| text(&need["condition"])).collect(),
        ports: items(&service["ports"]).count(),
        open_ports: items(&service["ports"]).filter(|port| port.get("host_ip").is_none_or(|ip| ip == "0.0.0.0" || ip == "::")).count(),
        restart: text(&service["restart"]),
        memory_limit: limits.get("memory").is_some() || service.get("mem_limit").is_some(),
        cpu_limit: limits.get("cpus").is_some() || service.get("cpus").is_some(),
    }
}
