//! Where a server keeps what it serves, and what a server needs that is to fill such a place anew.

/// What is known of a kind of server, besides its scripts. What is not known has its usual value.
#[derive(Debug, Clone, Copy)]
pub struct Lodging {
    /// The variable that names the folder of its data, where one does.
    pub folder: Option<&'static str>,
    /// The variable by which its images say their version.
    pub version: Option<&'static str>,
    /// So many numbers of a version must be the same for a dump to fit: what is in front of the first, second ... dot.
    pub numbers: usize,
    /// What a server like a live one is told otherwise: what it would make by itself comes from the dumps.
    pub env: &'static [(&'static str, &'static str)],
}

/// Folders from which images make what a new server begins with; it begins with nothing here.
pub const SETUP: &[&str] = &["/docker-entrypoint-initdb.d"];

/// What is known of servers of this kind.
pub fn lodging(kind: &str) -> Lodging {
    match kind {
        // This database is always there, so none is made.
        "postgres" => Lodging { folder: Some("PGDATA"), version: Some("PG_MAJOR"), numbers: 1, env: &[("POSTGRES_DB", "postgres")] },
        "mariadb" => {
            let env = &[("MARIADB_DATABASE", ""), ("MYSQL_DATABASE", ""), ("MARIADB_USER", ""), ("MYSQL_USER", "")];
            Lodging { folder: None, version: Some("MARIADB_VERSION"), numbers: 2, env }
        }
        "mysql" => {
            let env = &[("MYSQL_DATABASE", ""), ("MYSQL_USER", "")];
            Lodging { folder: None, version: Some("MYSQL_VERSION"), numbers: 2, env }
        }
        "redis" => Lodging { folder: None, version: Some("REDIS_VERSION"), numbers: 1, env: &[] },
        "rabbitmq" => Lodging { folder: None, version: Some("RABBITMQ_VERSION"), numbers: 2, env: &[] },
        _ => Lodging { folder: None, version: None, numbers: 1, env: &[] },
    }
}

impl Lodging {
    /// The part of a version, as servers and images print it, that a dump and its server must have in common.
    pub fn major(&self, version: &str) -> Option<String> {
        // Debian's epoch, or a name, stands in front of a colon.
        let version = version.rsplit(':').next().unwrap_or_default();
        let from = version.find(|c: char| c.is_ascii_digit())?;
        let plain = version[from..].split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
        let mut numbers: Vec<&str> = plain.split('.').filter(|number| !number.is_empty()).collect();
        // Before 10 PostgreSQL counted with two numbers.
        let old_postgres = self.version == Some("PG_MAJOR") && numbers.first().is_some_and(|first| *first == "9");
        numbers.truncate(if old_postgres { 2 } else { self.numbers });
        Some(numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_far_as_dumps_care() {
        let of = |kind: &str, version: &str| lodging(kind).major(version).unwrap_or_default();
        assert_eq!(of("postgres", "15.6 (Debian 15.6-1.pgdg120+2)"), "15");
        assert_eq!(of("postgres", "9.6.24"), "9.6");
        assert_eq!(of("mariadb", "1:10.11.6+maria~ubu2204"), "10.11");
        assert_eq!(of("mariadb", "10.11.6-MariaDB"), "10.11");
        assert_eq!((of("mysql", "8.0.36-1.el8").as_str(), of("mysql", "8.0.35").as_str()), ("8.0", "8.0"));
        assert_eq!(of("redis", "redis_version:7.2.4"), "7");
        assert_eq!(lodging("postgres").major("unknown"), None);
    }
}
