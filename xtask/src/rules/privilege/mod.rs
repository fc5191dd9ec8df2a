//! What a container may do to its host.

mod docker_socket_mount;
mod no_new_privileges;
mod privileged_container;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[&privileged_container::RULE, &docker_socket_mount::RULE, &no_new_privileges::RULE];
