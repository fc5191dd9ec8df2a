//! What a container may do to its host.

mod apparmor_disabled;
mod build_host_network;
mod build_privileged;
mod capabilities;
mod capabilities_not_dropped;
mod cgroup_parent;
mod dangerous_capability_added;
mod docker_socket_mount;
mod host_cgroup;
mod host_device;
mod host_ipc;
mod host_network;
mod host_pid;
mod host_userns;
mod host_uts;
mod lifecycle_hook_privileged;
mod no_confinement_profile;
mod no_new_privileges;
mod no_user_declared;
mod privileged_container;
mod root_group_added;
mod runs_as_root;
mod seccomp_disabled;
mod security_opt;
mod selinux_disabled;
mod sensitive_capability_added;
mod shared_container_namespace;
mod system_paths_unmasked;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[
    &privileged_container::RULE,
    &docker_socket_mount::RULE,
    &capabilities_not_dropped::RULE,
    &dangerous_capability_added::RULE,
    &sensitive_capability_added::RULE,
    &no_new_privileges::RULE,
    &no_confinement_profile::RULE,
    &seccomp_disabled::RULE,
    &apparmor_disabled::RULE,
    &selinux_disabled::RULE,
    &system_paths_unmasked::RULE,
    &host_network::RULE,
    &host_pid::RULE,
    &host_ipc::RULE,
    &host_uts::RULE,
    &host_userns::RULE,
    &host_cgroup::RULE,
    &cgroup_parent::RULE,
    &shared_container_namespace::RULE,
    &host_device::RULE,
    &root_group_added::RULE,
    &runs_as_root::RULE,
    &no_user_declared::RULE,
    &lifecycle_hook_privileged::RULE,
    &build_privileged::RULE,
    &build_host_network::RULE,
];
