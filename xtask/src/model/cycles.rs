//! Dependencies that lead back to where they began.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::yaml::Value;

use super::Fault;

/// No service may depend on itself, also not in a round.
pub fn check(root: &Value) -> Result<(), Fault> {
    let services: IndexMap<&str, &Value> =
        root.get("services").and_then(Value::as_map).into_iter().flatten().map(|(name, field)| (name.as_str(), &field.value)).collect();
    let needs = |name: &str| services.get(name).and_then(|service| service.get("depends_on")).and_then(Value::as_map).into_iter().flatten();
    // Services whose dependencies are all settled are taken away until nothing changes.
    let mut open: HashMap<&str, usize> = HashMap::new();
    let mut dependants: HashMap<&str, Vec<&str>> = HashMap::new();
    for name in services.keys() {
        let known: Vec<&str> = needs(name).map(|(need, _)| need.as_str()).filter(|need| services.contains_key(need)).collect();
        open.insert(name, known.len());
        for need in known {
            dependants.entry(need).or_default().push(name);
        }
    }
    let mut settled: Vec<&str> = open.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(name) = settled.pop() {
        open.remove(name);
        for dependant in dependants.remove(name).into_iter().flatten() {
            if let Some(count) = open.get_mut(dependant) {
                *count -= 1;
                if *count == 0 {
                    settled.push(dependant);
                }
            }
        }
    }
    match services.iter().find(|(name, _)| open.contains_key(*name)) {
        Some((name, service)) => {
            let at = service.get("depends_on").map_or(service.at, |needs| needs.at);
            Err(Fault::new(at, format!("services.{name}: its dependencies lead back to where they began")))
        }
        None => Ok(()),
    }
}
