//! A dev and a prod stack under one project name share volumes and networks, and each takes the other's
//! containers for its own.

use crate::guards::Checked;
use crate::project::Role;

/// `others`: the other stacks of the project, each with its project name as it renders.
pub fn one_role(project: &str, role: Option<Role>, others: &[(String, Option<Role>, String)]) -> Checked {
    let why = others.iter().filter(|(_, other, name)| name == project && other.is_some() && *other != role).map(|(stack, other, _)| {
        let role = if *other == Some(Role::Dev) { "dev" } else { "prod" };
        format!("the {role} stack {stack} has the project name {project} too")
    });
    Checked::new("role", why.collect(), "give each a name of its own with `name:` at the top of its file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_role_under_the_same_name_is_refused() {
        let others = |role, name: &str| vec![("compose/dev".to_string(), role, name.to_string())];
        assert_eq!(one_role("shop", Some(Role::Prod), &others(Some(Role::Prod), "shop")).refusal, None);
        assert_eq!(one_role("shop", Some(Role::Prod), &others(None, "shop")).refusal, None);
        assert_eq!(one_role("shop", Some(Role::Prod), &others(Some(Role::Dev), "shop-dev")).refusal, None);
        let why = one_role("shop", Some(Role::Prod), &others(Some(Role::Dev), "shop")).refusal.unwrap().why;
        assert_eq!(why, ["the dev stack compose/dev has the project name shop too"]);
    }
}
