//! Which places hold the same credential: one variable per credential of one system.

use std::collections::BTreeMap;

use super::spot::{Spot, Where};

/// Equal values of this length are one credential even when nothing else ties their places together.
const TELLING_CHARS: usize = 12;

/// What is known about the services of a project, over all stacks.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Every name under which a service is reached: its own, `container_name`, `hostname`, aliases.
    names: BTreeMap<String, String>,
    /// For servers: the environment keys that set their own credentials.
    servers: BTreeMap<String, Vec<String>>,
}

impl Directory {
    pub fn add_service(&mut self, service: &str, also_known_as: impl IntoIterator<Item = String>) {
        self.names.insert(service.to_string(), service.to_string());
        for name in also_known_as {
            self.names.entry(name).or_insert_with(|| service.to_string());
        }
    }

    pub fn add_server(&mut self, service: &str, own_keys: impl IntoIterator<Item = String>) {
        self.servers.entry(service.to_string()).or_default().extend(own_keys);
    }

    fn service_at(&self, host: &str) -> Option<&str> {
        self.names.get(host).map(String::as_str)
    }

    /// Whether this place sets a credential of the service itself, rather than one that it uses elsewhere.
    fn is_own(&self, spot: &Spot) -> bool {
        let Some(keys) = self.servers.get(spot.service()) else { return false };
        match spot.place {
            Where::Environment => keys.contains(&spot.key),
            Where::Argument => true,
            _ => false,
        }
    }
}

/// The system that a credential opens, and which of its credentials it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The compose project, where the value alone could be anybody's.
    pub project: String,
    /// The service, or the stem of the env file.
    pub system: String,
    /// The rest of its name: `PASSWORD`, `ROOT_PASSWORD`, `JWT_SECRET`.
    pub slot: String,
}

/// One credential: its places, and what it will be called after.
#[derive(Debug, Clone)]
pub struct Credential {
    pub owner: Owner,
    /// Indices into the spots.
    pub spots: Vec<usize>,
}

/// Groups places by credential; the result is ordered by the first place of each.
pub fn credentials(spots: &[Spot], directory: &Directory) -> Vec<Credential> {
    let own = own_slots(spots, directory);
    let mut result: Vec<Credential> = Vec::new();
    // A place that is bound to a variable keeps it, whatever else holds its value.
    for (number, spot) in spots.iter().enumerate().filter(|(_, spot)| !spot.bound) {
        let owner =
            own.iter().find(|(n, _)| *n == number).map_or_else(|| client_slot(spot, spots, &own, directory), |(_, owner)| owner.clone());
        let same = |known: &&mut Credential| known.owner == owner && spots[known.spots[0]].value == spot.value;
        match result.iter_mut().find(same) {
            Some(known) => known.spots.push(number),
            None => result.push(Credential { owner, spots: vec![number] }),
        }
    }
    result
}

/// The credentials that servers set for themselves. What a command says again is the one that the
/// environment sets: `-P` in a health check is the `SA_PASSWORD`.
fn own_slots(spots: &[Spot], directory: &Directory) -> Vec<(usize, Owner)> {
    let mut own: Vec<(usize, Owner)> = Vec::new();
    let mine = |place: bool| {
        let chosen = move |spot: &Spot| (spot.place == Where::Environment) == place;
        spots.iter().enumerate().filter(move |(_, spot)| directory.is_own(spot) && chosen(spot))
    };
    own.extend(mine(true).map(|(number, spot)| (number, own_slot(spot))));
    let said_again: Vec<(usize, Owner)> = mine(false)
        .map(|(number, spot)| (number, of_system(spot, spot.service(), spots, &own).unwrap_or_else(|| own_slot(spot))))
        .collect();
    own.extend(said_again);
    own
}

/// Two projects that have one telling value share it; `admin` they both have by chance.
fn project_of(spot: &Spot) -> String {
    if is_telling(spot) { String::new() } else { spot.project.clone() }
}

fn is_telling(spot: &Spot) -> bool {
    !spot.well_known && spot.value.expose().chars().count() >= TELLING_CHARS
}

fn own_slot(spot: &Spot) -> Owner {
    Owner { project: project_of(spot), system: spot.service().to_string(), slot: slot_of_key(&spot.key) }
}

/// Which of a server's own credentials has the value of this place. Where several have it, the user
/// or the key tells, and an administrator's is not taken for an application's.
fn of_system(spot: &Spot, system: &str, spots: &[Spot], own: &[(usize, Owner)]) -> Option<Owner> {
    let mut equal: Vec<&(usize, Owner)> = own.iter().filter(|(n, owner)| owner.system == system && spots[*n].value == spot.value).collect();
    equal.sort_by_key(|(n, _)| spots[*n].project != spot.project);
    let user = spot.account.as_ref().and_then(|account| account.user.as_deref()).unwrap_or_default();
    let slot = slot_of_key(&spot.key);
    let wanted = if words(user) == "ROOT" { "ROOT_PASSWORD" } else { &slot };
    let named = |name: &str| equal.iter().find(|(_, owner)| owner.slot == name);
    named(wanted).or_else(|| named("PASSWORD")).or(equal.first()).map(|(_, owner)| owner.clone())
}

fn client_slot(spot: &Spot, spots: &[Spot], own: &[(usize, Owner)], directory: &Directory) -> Owner {
    if let Some(account) = &spot.account {
        let Some(host) = account.host.as_deref().and_then(|host| directory.service_at(host)) else {
            return elsewhere(spot);
        };
        // Another role on the same server is another credential: it is named after the role.
        let slot = || account_slot(account.user.as_deref(), host);
        let role = || Owner { project: project_of(spot), system: host.to_string(), slot: slot() };
        return of_system(spot, host, spots, own).unwrap_or_else(role);
    }
    let beside = |host: &String| {
        let system = directory.service_at(host)?;
        let same_key = |other: &&Spot| other.service() == system && other.value == spot.value && other.key == spot.key;
        let set_there = || spots.iter().find(same_key).map(elsewhere);
        let same_own = own.iter().any(|(n, _)| same_key(&&spots[*n]));
        if same_own { None } else { set_there() }.or_else(|| of_system(spot, system, spots, own))
    };
    if let Some(owner) = spot.hosts.iter().find_map(beside) {
        return owner;
    }
    if is_telling(spot) {
        return told_by_value(spot, spots, own);
    }
    elsewhere(spot)
}

/// A value that nobody has by chance ties a place to the one server that sets it, or to the first
/// place with the same key.
fn told_by_value(spot: &Spot, spots: &[Spot], own: &[(usize, Owner)]) -> Owner {
    let mut systems = own.iter().filter(|(n, _)| spots[*n].value == spot.value).map(|(_, owner)| &owner.system);
    if let Some(first) = systems.next()
        && systems.all(|other| other == first)
    {
        return of_system(spot, first, spots, own).unwrap_or_else(|| elsewhere(spot));
    }
    let same = |other: &&Spot| other.value == spot.value && other.key == spot.key && other.account.is_none();
    elsewhere(spots.iter().find(same).unwrap_or(spot))
}

fn elsewhere(spot: &Spot) -> Owner {
    if spot.place == Where::EnvFile {
        let name = spot.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.trim_start_matches('.').split('.').find(|part| !part.is_empty() && *part != "env").unwrap_or("shared").to_string();
        return Owner { project: project_of(spot), system: stem, slot: words(&spot.key) };
    }
    let slot = if spot.account.is_some() { url_slot(&spot.key) } else { slot_of_key(&spot.key) };
    Owner { project: project_of(spot), system: spot.service().to_string(), slot }
}

fn account_slot(user: Option<&str>, host: &str) -> String {
    match user {
        Some(user) if !user.is_empty() && words(user) != words(host) && !user.contains('$') => format!("{}_PASSWORD", words(user)),
        _ => "PASSWORD".to_string(),
    }
}

/// `DATABASE_URL` holds a `DATABASE_PASSWORD`.
fn url_slot(key: &str) -> String {
    let key = words(key);
    let base = ["_URL", "_URI", "_DSN", "_CONNECTION_STRING"].iter().find_map(|end| key.strip_suffix(end)).unwrap_or(&key);
    format!("{base}_PASSWORD")
}

/// The name of a credential without what repeats the kind of server: `POSTGRES_PASSWORD` of the
/// service `timescaledb` is its `PASSWORD`.
fn slot_of_key(key: &str) -> String {
    let key = words(key);
    let bare = SERVER_PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix)).unwrap_or(&key);
    match bare {
        "PASS" | "PWD" | "PW" | "PGPASSWORD" | "A" | "REQUIREPASS" | "MASTERAUTH" | "P" => "PASSWORD".to_string(),
        other => other.to_string(),
    }
}

const SERVER_PREFIXES: &[&str] = &[
    "POSTGRESQL_",
    "POSTGRES_",
    "MYSQL_",
    "MARIADB_",
    "REDIS_",
    "VALKEY_",
    "RABBITMQ_DEFAULT_",
    "RABBITMQ_",
    "MONGO_INITDB_",
    "MONGODB_",
    "MINIO_",
    "CLICKHOUSE_",
    "INFLUXDB_",
];

/// Any text as the words of a variable's name: `docs-search` is `DOCS_SEARCH`.
pub fn words(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            result.push(c.to_ascii_uppercase());
        } else if !result.is_empty() && !result.ends_with('_') {
            result.push('_');
        }
    }
    result.trim_end_matches('_').to_string()
}

#[cfg(test)]
mod tests {
    use super::super::spot::Account;
    use super::super::spot::testing::spot;
    use super::*;

    fn url(service: &str, user: &str, host: &str, value: &str) -> Spot {
        let account = Some(Account { user: Some(user.into()), host: Some(host.into()) });
        Spot { account, ..spot(service, "DATABASE_URL", value) }
    }

    fn directory() -> Directory {
        let mut directory = Directory::default();
        directory.add_service("timescaledb", ["data-timescaledb".to_string()]);
        directory.add_service("app", []);
        directory.add_server("timescaledb", ["POSTGRES_PASSWORD".to_string()]);
        directory
    }

    fn shown(spots: &[Spot]) -> Vec<String> {
        let name = |c: &Credential| format!("{}/{} {:?}", c.owner.system, c.owner.slot, c.spots);
        credentials(spots, &directory()).iter().map(name).collect()
    }

    #[test]
    fn a_url_to_a_service_holds_that_service_s_credential() {
        let own = spot("timescaledb", "POSTGRES_PASSWORD", "s3cret");
        let spots = [url("app", "trading", "data-timescaledb", "s3cret"), own, url("app", "grafana", "timescaledb", "other")];
        assert_eq!(shown(&spots), ["timescaledb/PASSWORD [0, 1]", "timescaledb/GRAFANA_PASSWORD [2]"]);
    }

    #[test]
    fn services_that_share_a_weak_value_have_two_credentials() {
        let spots = [spot("timescaledb", "POSTGRES_PASSWORD", "admin"), spot("app", "ADMIN_PASSWORD", "admin")];
        assert_eq!(shown(&spots), ["timescaledb/PASSWORD [0]", "app/ADMIN_PASSWORD [1]"]);
    }

    #[test]
    fn a_host_beside_it_or_a_telling_value_ties_a_client_to_its_server() {
        let own = spot("timescaledb", "POSTGRES_PASSWORD", "admin");
        let client = Spot { hosts: vec!["timescaledb".into()], ..spot("app", "DB_PASSWORD", "admin") };
        assert_eq!(shown(&[own, client]), ["timescaledb/PASSWORD [0, 1]"]);
        let spots = [spot("timescaledb", "POSTGRES_PASSWORD", "qC2PGZabxfjg"), spot("app", "DB_PASSWORD", "qC2PGZabxfjg")];
        assert_eq!(shown(&spots), ["timescaledb/PASSWORD [0, 1]"]);
    }

    #[test]
    fn an_application_s_password_is_not_the_administrator_s() {
        let root = spot("timescaledb", "POSTGRES_ROOT_PASSWORD", "same-for-both");
        let own = spot("timescaledb", "POSTGRES_PASSWORD", "same-for-both");
        let mut directory = directory();
        directory.add_server("timescaledb", ["POSTGRES_ROOT_PASSWORD".to_string()]);
        let client = Spot { hosts: vec!["timescaledb".into()], ..spot("app", "DB_PASS", "same-for-both") };
        let spots = [root, own, client, spot("app", "PG_PASSWORD", "same-for-both"), url("app", "root", "timescaledb", "same-for-both")];
        let slots: Vec<String> = credentials(&spots, &directory).iter().map(|c| format!("{} {:?}", c.owner.slot, c.spots)).collect();
        assert_eq!(slots, ["ROOT_PASSWORD [0, 4]", "PASSWORD [1, 2, 3]"]);
    }

    #[test]
    fn what_a_health_check_says_again_is_the_environment_s() {
        let own = spot("timescaledb", "SA_PASSWORD", "example_123");
        let mut directory = directory();
        directory.add_server("timescaledb", ["SA_PASSWORD".to_string()]);
        let check = Spot { place: Where::Argument, ..spot("timescaledb", "-P", "example_123") };
        let found = credentials(&[check, own], &directory);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].owner.slot, "SA_PASSWORD");
    }

    #[test]
    fn two_services_that_share_a_telling_value_under_one_key_share_a_credential() {
        let spots = [spot("server", "RPC_SECRET", "8aff725d2e16ef31"), spot("agent", "RPC_SECRET", "8aff725d2e16ef31")];
        assert_eq!(shown(&spots), ["server/RPC_SECRET [0, 1]"]);
        let weak = [spot("server", "RPC_SECRET", "short"), spot("agent", "RPC_SECRET", "short")];
        assert_eq!(shown(&weak).len(), 2);
    }

    #[test]
    fn services_of_one_name_in_two_projects_are_two_systems() {
        let there = |spot: Spot| Spot { project: "other".into(), ..spot };
        let own = || spot("timescaledb", "POSTGRES_PASSWORD", "admin");
        let client = || url("app", "x", "timescaledb", "admin");
        assert_eq!(
            shown(&[own(), there(own()), there(client()), client()]),
            ["timescaledb/PASSWORD [0, 3]", "timescaledb/PASSWORD [1, 2]"]
        );
        assert_eq!(shown(&[own(), there(client())]), ["timescaledb/PASSWORD [0, 1]"], "reached over a shared network");
        let telling = || spot("timescaledb", "POSTGRES_PASSWORD", "qC2PGZabxfjg");
        assert_eq!(shown(&[telling(), there(telling())]), ["timescaledb/PASSWORD [0, 1]"]);
    }

    #[test]
    fn a_password_that_the_server_holds_under_the_same_key_is_the_one() {
        let own = spot("timescaledb", "MONGO_PASS", "unifi");
        let client = Spot { hosts: vec!["timescaledb".into()], ..spot("app", "MONGO_PASS", "unifi") };
        assert_eq!(shown(&[client, own]), ["timescaledb/MONGO_PASS [0, 1]"]);
    }

    #[test]
    fn an_outside_host_names_the_credential_after_the_client() {
        assert_eq!(shown(&[url("app", "u", "db.example.org", "s3cret")]), ["app/DATABASE_PASSWORD [0]"]);
    }

    #[test]
    fn an_env_file_gives_its_stem() {
        let file = Spot { file: "/p/config/docker.env".into(), place: Where::EnvFile, services: vec![], ..spot("", "WEBHOOK_SECRET", "x") };
        let hidden = Spot { file: "/p/.env.shared".into(), ..file.clone() };
        assert_eq!(shown(&[file, hidden]), ["docker/WEBHOOK_SECRET [0]", "shared/WEBHOOK_SECRET [1]"]);
    }

    #[test]
    fn a_place_that_is_bound_belongs_to_its_variable_alone() {
        let bound = Spot { bound: true, ..spot("timescaledb", "POSTGRES_PASSWORD", "s3cret") };
        assert_eq!(shown(&[bound, spot("app", "DB_PASSWORD", "other")]), ["app/DB_PASSWORD [1]"]);
    }

    #[test]
    fn a_slot_drops_what_repeats_the_server_and_nothing_else() {
        assert_eq!(slot_of_key("POSTGRES_PASSWORD"), "PASSWORD");
        assert_eq!(slot_of_key("PGPASSWORD"), "PASSWORD");
        assert_eq!(slot_of_key("RABBITMQ_DEFAULT_PASS"), "PASSWORD");
        assert_eq!(slot_of_key("MYSQL_ROOT_PASSWORD"), "ROOT_PASSWORD");
        assert_eq!(slot_of_key("PGADMIN_DEFAULT_PASSWORD"), "PGADMIN_DEFAULT_PASSWORD");
        assert_eq!(slot_of_key("--requirepass"), "PASSWORD");
    }

    #[test]
    fn another_password_of_the_same_server_is_another_credential() {
        let spots = [spot("timescaledb", "POSTGRES_PASSWORD", "one-value"), spot("timescaledb", "POSTGRES_PASSWORD", "two-value")];
        assert_eq!(shown(&spots).len(), 2);
    }
}
