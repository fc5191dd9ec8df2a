//! What can be reached from where.

mod behind;
mod cleartext_url;
mod database_network_not_internal;
mod docker_host_tcp;
mod duplicate_host_port;
mod management_port_published;
mod no_network_segmentation;
mod port_on_all_interfaces;
mod ports_ignored;
mod privileged_port;
mod sensitive_port_published;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[
    &sensitive_port_published::RULE,
    &management_port_published::RULE,
    &port_on_all_interfaces::RULE,
    &privileged_port::RULE,
    &duplicate_host_port::RULE,
    &ports_ignored::RULE,
    &no_network_segmentation::RULE,
    &database_network_not_internal::RULE,
    &docker_host_tcp::RULE,
    &cleartext_url::RULE,
];
