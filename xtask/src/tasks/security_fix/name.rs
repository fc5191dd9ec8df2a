//! What a credential's variable is called: after its system, never taking a name that means
//! something else anywhere.

use std::collections::BTreeMap;

use super::group::{Credential, words};
use super::spot::{Spot, Where};
use crate::secret::Secret;

/// Everything that a new variable could collide with.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// What the root `.env` and the carriers define.
    pub defined: BTreeMap<String, Vec<Secret>>,
    /// Names that the exported environment holds.
    pub exported: BTreeMap<String, Secret>,
    /// What `${NAME...}` renders to today, in every stack that says it; a valueless entry counts as
    /// a rendering to nothing.
    pub referenced: BTreeMap<String, Vec<Secret>>,
    /// Keys of the env files that services load.
    pub loaded: BTreeMap<String, Vec<Secret>>,
}

impl Taken {
    /// Whether a variable of this name could hold this value without changing anything that renders.
    fn allows(&self, name: &str, value: &Secret) -> bool {
        let agrees = |known: Option<&Vec<Secret>>| known.is_none_or(|values| values.iter().all(|other| other == value));
        let exported = self.exported.get(name).is_none_or(|other| other == value);
        exported && agrees(self.defined.get(name)) && agrees(self.referenced.get(name)) && agrees(self.loaded.get(name))
    }
}

/// A variable that phase 1 introduces or uses.
#[derive(Debug, Clone)]
pub struct Variable {
    pub name: String,
    /// The service or env file that the credential belongs to.
    pub system: String,
    pub value: Secret,
    /// Indices into the spots.
    pub spots: Vec<usize>,
    pub well_known: bool,
    /// It is set already wherever it is used: no line has to be written for it.
    pub bound: bool,
}

/// Names for all credentials, no two alike.
pub fn variables(spots: &[Spot], credentials: &[Credential], taken: &Taken) -> Vec<Variable> {
    let mut result = bound(spots);
    for credential in credentials {
        // The others have their variable, and keep it.
        let spots_left: Vec<usize> = credential.spots.iter().copied().filter(|spot| !spots[*spot].bound).collect();
        if spots_left.is_empty() {
            continue;
        }
        let value = &spots[credential.spots[0]].value;
        // A place that names the variable already keeps it; otherwise a name is one credential's.
        let its_own = |name: &str| credential.spots.iter().any(|spot| spots[*spot].fallback_of.as_deref() == Some(name));
        let there = |name: &str| its_own(name) || taken.defined.contains_key(name);
        let kept = |known: &Variable| &known.value == value && (known.bound || there(&known.name));
        let free = |name: &str| taken.allows(name, value) && result.iter().all(|known| known.name != name || kept(known));
        let name = existing(spots, credential, taken)
            .filter(|name| free(name))
            .or_else(|| wanted(spots, credential).into_iter().find(|name| free(name)));
        let name = name.unwrap_or_else(|| numbered(&wanted(spots, credential), free));
        let well_known = credential.spots.iter().any(|spot| spots[*spot].well_known);
        match result.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                known.spots.extend(&spots_left);
                known.bound = false;
            }
            None => {
                let (system, spots) = (credential.owner.system.clone(), spots_left);
                result.push(Variable { name, system, value: value.clone(), spots, well_known, bound: false });
            }
        }
    }
    result
}

/// The variables that places are bound to already.
fn bound(spots: &[Spot]) -> Vec<Variable> {
    let mut result: Vec<Variable> = Vec::new();
    for (number, spot) in spots.iter().enumerate().filter(|(_, spot)| spot.bound) {
        let Some(name) = &spot.fallback_of else { continue };
        match result.iter_mut().find(|known| known.name == *name && known.value == spot.value) {
            Some(known) => known.spots.push(number),
            None => {
                result.push(Variable {
                    name: name.clone(),
                    system: spot.service().to_string(),
                    value: spot.value.clone(),
                    spots: vec![number],
                    well_known: spot.well_known,
                    bound: true,
                });
            }
        }
    }
    result
}

/// A variable that already has this value wins, unless half the world has it too.
fn existing(spots: &[Spot], credential: &Credential, taken: &Taken) -> Option<String> {
    let first = &spots[credential.spots[0]];
    if first.well_known || first.value.expose().chars().count() < 8 {
        return None;
    }
    let holds = |(_, values): &(&String, &Vec<Secret>)| values.contains(&first.value);
    taken.defined.iter().find(holds).map(|(name, _)| name.clone())
}

/// The names that would say what it is, best first.
fn wanted(spots: &[Spot], credential: &Credential) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for spot in &credential.spots {
        names.extend(spots[*spot].fallback_of.clone());
        if spots[*spot].place == Where::EnvFile {
            names.push(spots[*spot].key.clone());
        }
    }
    let system = words(&credential.owner.system);
    let slot = &credential.owner.slot;
    if says_its_system(slot, &system) {
        names.push(slot.clone());
    }
    names.push(format!("{system}_{slot}"));
    let folder = spots[credential.spots[0]].file.parent().and_then(|folder| folder.file_name());
    if let Some(folder) = folder {
        names.push(format!("{}_{system}_{slot}", words(&folder.to_string_lossy())));
    }
    names.push(format!("{system}_{}", words(&spots[credential.spots[0]].key)));
    names.retain(|name| is_variable(name));
    names
}

/// `DRONE_RPC_SECRET` of `drone-server` needs no second `DRONE`.
fn says_its_system(slot: &str, system: &str) -> bool {
    let first = slot.split('_').next().unwrap_or_default();
    slot.starts_with(&format!("{system}_")) || (slot != first && first.len() > 2 && system.split('_').any(|word| word == first))
}

fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn numbered(wanted: &[String], free: impl Fn(&str) -> bool) -> String {
    let base = wanted.first().cloned().unwrap_or_else(|| "CREDENTIAL".to_string());
    let mut number = 2;
    loop {
        let name = format!("{base}_{number}");
        if free(&name) {
            return name;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::group::Owner;
    use super::super::spot::testing;
    use super::*;

    fn spot(service: &str, key: &str, value: &str, fallback_of: Option<&str>) -> Spot {
        Spot { fallback_of: fallback_of.map(String::from), well_known: value == "admin", ..testing::spot(service, key, value) }
    }

    fn credential(system: &str, slot: &str, spots: &[usize]) -> Credential {
        Credential { owner: Owner { project: "shop".into(), system: system.into(), slot: slot.into() }, spots: spots.to_vec() }
    }

    fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<Secret>> {
        pairs.iter().map(|(name, value)| ((*name).to_string(), vec![Secret::new(*value)])).collect()
    }

    fn names(spots: &[Spot], credentials: &[Credential], taken: &Taken) -> Vec<String> {
        variables(spots, credentials, taken).into_iter().map(|variable| variable.name).collect()
    }

    #[test]
    fn named_after_system_and_slot() {
        let spots = [spot("timescaledb", "POSTGRES_PASSWORD", "abc", None), spot("pgadmin", "PGADMIN_DEFAULT_PASSWORD", "x", None)];
        let credentials = [credential("timescaledb", "PASSWORD", &[0]), credential("pgadmin", "PGADMIN_DEFAULT_PASSWORD", &[1])];
        assert_eq!(names(&spots, &credentials, &Taken::default()), ["TIMESCALEDB_PASSWORD", "PGADMIN_DEFAULT_PASSWORD"]);
    }

    #[test]
    fn a_key_that_says_its_system_needs_no_second_word_for_it() {
        let spots = [spot("drone-server", "DRONE_RPC_SECRET", "x1", None), spot("db-admin", "DB_PASSWORD", "x2", None)];
        let credentials = [credential("drone-server", "DRONE_RPC_SECRET", &[0]), credential("db-admin", "DB_PASSWORD", &[1])];
        assert_eq!(names(&spots, &credentials, &Taken::default()), ["DRONE_RPC_SECRET", "DB_ADMIN_DB_PASSWORD"]);
    }

    #[test]
    fn the_variable_people_know_stays_when_it_can() {
        let spots = [spot("db", "POSTGRES_PASSWORD", "abc", Some("PG_PASS"))];
        let credentials = [credential("db", "PASSWORD", &[0])];
        let mut taken = Taken { referenced: secrets(&[("PG_PASS", "abc")]), ..Taken::default() };
        assert_eq!(names(&spots, &credentials, &taken), ["PG_PASS"]);
        taken.referenced.get_mut("PG_PASS").unwrap().push(Secret::new("another default"));
        assert_eq!(names(&spots, &credentials, &taken), ["DB_PASSWORD"], "another stack renders it differently");
    }

    #[test]
    fn a_name_that_means_something_else_is_left_alone() {
        let spots = [spot("db", "POSTGRES_PASSWORD", "abc", None)];
        let credentials = [credential("db", "PASSWORD", &[0])];
        for taken in [
            Taken { defined: secrets(&[("DB_PASSWORD", "other")]), ..Taken::default() },
            Taken { loaded: secrets(&[("DB_PASSWORD", "other")]), ..Taken::default() },
            Taken { exported: BTreeMap::from([("DB_PASSWORD".into(), Secret::new("other"))]), ..Taken::default() },
            Taken { referenced: secrets(&[("DB_PASSWORD", "")]), ..Taken::default() },
        ] {
            assert_eq!(names(&spots, &credentials, &taken), ["WEB_DB_PASSWORD"]);
        }
    }

    #[test]
    fn an_existing_variable_of_that_value_wins_but_not_for_a_well_known_one() {
        let spots = [spot("db", "POSTGRES_PASSWORD", "long-enough", None), spot("ui", "UI_PASSWORD", "admin", None)];
        let credentials = [credential("db", "PASSWORD", &[0]), credential("ui", "UI_PASSWORD", &[1])];
        let taken = Taken { defined: secrets(&[("OLD_NAME", "long-enough"), ("GRAFANA_PASSWORD", "admin")]), ..Taken::default() };
        assert_eq!(names(&spots, &credentials, &taken), ["OLD_NAME", "UI_PASSWORD"]);
    }

    #[test]
    fn two_credentials_of_one_value_get_two_names_unless_one_is_known_already() {
        let credentials = [credential("db", "PASSWORD", &[0]), credential("db", "PASSWORD", &[1])];
        let literal = [spot("db", "POSTGRES_PASSWORD", "admin", None), spot("db", "POSTGRES_PASSWORD", "admin", None)];
        assert_eq!(names(&literal, &credentials, &Taken::default()), ["DB_PASSWORD", "WEB_DB_PASSWORD"]);
        let fallback = literal.map(|spot| Spot { fallback_of: Some("PG_PASS".into()), ..spot });
        assert_eq!(names(&fallback, &credentials, &Taken::default()), ["PG_PASS"]);
    }

    #[test]
    fn a_place_whose_variable_is_set_counts_once_and_needs_no_line() {
        let bound = |value: &str| Spot { bound: true, ..spot("db", "POSTGRES_PASSWORD", value, Some("PG_PASS")) };
        let taken = Taken { defined: secrets(&[("PG_PASS", "set-already")]), ..Taken::default() };
        let alone = variables(&[bound("set-already")], &[credential("db", "PASSWORD", &[0])], &taken);
        assert_eq!((alone[0].spots.as_slice(), alone[0].bound), (&[0][..], true));
        let spots = [bound("set-already"), spot("app", "DB_PASSWORD", "set-already", None)];
        let both = variables(&spots, &[credential("db", "PASSWORD", &[0, 1])], &taken);
        assert_eq!(both.len(), 1);
        assert_eq!((both[0].name.as_str(), both[0].spots.as_slice(), both[0].bound), ("PG_PASS", &[0, 1][..], false));
    }

    #[test]
    fn two_values_for_one_name_get_two_names() {
        let spots = [
            spot("db", "POSTGRES_PASSWORD", "one", None),
            spot("db", "POSTGRES_PASSWORD", "two", None),
            spot("db", "POSTGRES_PASSWORD", "three", None),
            spot("db", "POSTGRES_PASSWORD", "four", None),
        ];
        let credentials: Vec<Credential> = (0..4).map(|n| credential("db", "PASSWORD", &[n])).collect();
        assert_eq!(
            names(&spots, &credentials, &Taken::default()),
            ["DB_PASSWORD", "WEB_DB_PASSWORD", "DB_POSTGRES_PASSWORD", "DB_PASSWORD_2"]
        );
    }
}
