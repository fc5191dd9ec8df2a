//! What of the host's and the container's files can be reached and written.

mod paths;
mod read_only_rootfs;
mod root_equivalent_mount;
mod scratch;
mod sensitive_host_mount;
mod shared_mount_propagation;
mod source_tree_mounted_in_prod;
mod tmpfs_exec_suid;
mod tmpfs_missing;
mod volume_not_backed_up;
mod volume_ownership;
mod volume_shared_between_services;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[
    &root_equivalent_mount::RULE,
    &sensitive_host_mount::RULE,
    &shared_mount_propagation::RULE,
    &source_tree_mounted_in_prod::RULE,
    &read_only_rootfs::RULE,
    &tmpfs_missing::RULE,
    &tmpfs_exec_suid::RULE,
    &volume_shared_between_services::RULE,
    &volume_ownership::RULE,
    &volume_not_backed_up::RULE,
];
