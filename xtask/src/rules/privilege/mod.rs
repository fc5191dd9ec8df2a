//! What a container may do to its host.

mod apparmor_disabled;
mod docker_socket_mount;
mod no_confinement_profile;
mod no_new_privileges;
mod privileged_container;
mod seccomp_disabled;
mod security_opt;
mod selinux_disabled;
mod system_paths_unmasked;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[
    &privileged_container::RULE,
    &docker_socket_mount::RULE,
    &no_new_privileges::RULE,
    &no_confinement_profile::RULE,
    &seccomp_disabled::RULE,
    &apparmor_disabled::RULE,
    &selinux_disabled::RULE,
    &system_paths_unmasked::RULE,
];
