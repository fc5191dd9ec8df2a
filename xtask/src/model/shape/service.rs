use super::{
    BOOL, DURATION, ENVIRONMENT, Empty, FLAG, INT, Key, Kind, LABELS, NAMES, NULL, NUMBER, OPTIONS, STRING, STRING_OR_LIST, STRINGS, Shape,
    TEXT, keep, key, renamed, required, with,
};

const BYTES: Shape = Shape::Leaf(NUMBER | STRING, Kind::Bytes);
const COUNT: Shape = Shape::Leaf(NUMBER | STRING, Kind::Int);
const WHOLE: Shape = Shape::Leaf(INT | STRING, Kind::Int);
const FILE_MODE: Shape = Shape::Leaf(NUMBER | STRING, Kind::Mode);
const ULIMITS: Shape = Shape::Map { of: &Shape::Ulimit, names: false };

pub const SERVICE: &[Key] = &[
    key("annotations", LABELS),
    keep("attach", FLAG),
    key("blkio_config", Shape::Record(BLKIO)),
    key("build", Shape::Either(&[TEXT, Shape::Record(BUILD)])),
    key("cap_add", NAMES),
    key("cap_drop", NAMES),
    key("cgroup", Shape::Enum(&["host", "private"])),
    key("cgroup_parent", TEXT),
    with("command", Shape::Command, Empty::Null),
    key("configs", MOUNTS),
    key("container_name", Shape::Tested(container_name, "a name of letters, digits, `_`, `.` and `-`")),
    key("cpu_count", Shape::Within(Kind::Int, 0, i64::MAX)),
    key("cpu_percent", Shape::Within(Kind::Float, 0, 100)),
    key("cpu_period", COUNT),
    key("cpu_quota", COUNT),
    key("cpu_rt_period", COUNT),
    key("cpu_rt_runtime", COUNT),
    key("cpu_shares", COUNT),
    key("cpus", Shape::Leaf(NUMBER | STRING, Kind::Float)),
    key("cpuset", TEXT),
    key("credential_spec", Shape::Record(&[key("config", TEXT), key("file", TEXT), key("registry", TEXT)])),
    key("depends_on", Shape::Either(&[NAMES, Shape::Map { of: &Shape::Record(DEPENDENCY), names: true }])),
    key("deploy", Shape::OrNull(&Shape::Record(DEPLOY))),
    key("develop", Shape::OrNull(&Shape::Record(&[key("watch", Shape::List { of: &Shape::Record(WATCH), unique: false })]))),
    key("device_cgroup_rules", NAMES),
    key("devices", Shape::List { of: &Shape::Either(&[TEXT, Shape::Record(DEVICE)]), unique: false }),
    key("dns", STRING_OR_LIST),
    key("dns_opt", NAMES),
    key("dns_search", STRING_OR_LIST),
    key("domainname", TEXT),
    with("entrypoint", Shape::Command, Empty::Null),
    key("env_file", Shape::Either(&[TEXT, Shape::List { of: &Shape::Either(&[TEXT, Shape::Record(ENV_FILE)]), unique: false }])),
    key("environment", ENVIRONMENT),
    key("expose", Shape::List { of: &Shape::Leaf(STRING | NUMBER, Kind::Text), unique: true }),
    key("extends", Shape::Any),
    key("external_links", NAMES),
    key("extra_hosts", Shape::Hosts),
    key("gpus", Shape::Either(&[Shape::Enum(&["all"]), Shape::List { of: &Shape::Record(GPU), unique: false }])),
    key("group_add", Shape::List { of: &Shape::Leaf(STRING | NUMBER, Kind::Word), unique: true }),
    key("healthcheck", Shape::Record(HEALTHCHECK)),
    key("hostname", TEXT),
    key("image", TEXT),
    keep("init", FLAG),
    key("ipc", TEXT),
    key("isolation", TEXT),
    key("label_file", Shape::Either(&[TEXT, STRINGS])),
    key("labels", LABELS),
    key("links", NAMES),
    key("logging", Shape::Record(&[key("driver", TEXT), key("options", LOG_OPTIONS)])),
    key("mac_address", TEXT),
    key("mem_limit", BYTES),
    key("mem_reservation", Shape::Leaf(INT | STRING, Kind::Bytes)),
    key("mem_swappiness", Shape::Leaf(INT | STRING, Kind::Bytes)),
    key("memswap_limit", BYTES),
    key("models", Shape::Either(&[NAMES, Shape::Map { of: &Shape::OrNull(&Shape::Record(MODEL)), names: false }])),
    key("network_mode", TEXT),
    key("networks", Shape::Either(&[NAMES, Shape::Map { of: &Shape::OrNull(&Shape::Record(NETWORK)), names: true }])),
    key("oom_kill_disable", FLAG),
    key("oom_score_adj", Shape::Within(Kind::Int, -1000, 1000)),
    key("pid", Shape::Leaf(STRING, Kind::Text)),
    key("pids_limit", COUNT),
    key("platform", TEXT),
    key("ports", Shape::List { of: &Shape::Either(&[Shape::Leaf(NUMBER | STRING, Kind::Text), Shape::Record(PORT)]), unique: true }),
    key("post_start", HOOKS),
    key("pre_stop", HOOKS),
    key("privileged", FLAG),
    key("profiles", NAMES),
    key("provider", Shape::Record(&[required("type", TEXT), key("options", Shape::Map { of: &PROVIDER_OPTION, names: false })])),
    key("pull_policy", Shape::Tested(pull_policy, "always, never, build, missing, if_not_present, refresh, daily, weekly or every_...")),
    with("pull_refresh_after", TEXT, Empty::Drop),
    key("read_only", FLAG),
    key("restart", TEXT),
    key("runtime", TEXT),
    keep("scale", Shape::Leaf(INT | STRING, Kind::Int)),
    key("secrets", MOUNTS),
    key("security_opt", NAMES),
    key("shm_size", BYTES),
    key("stdin_open", FLAG),
    keep("stop_grace_period", DURATION),
    key("stop_signal", TEXT),
    key("storage_opt", Shape::Map { of: &Shape::Leaf(STRING | NUMBER | BOOL | NULL, Kind::Word), names: false }),
    key("sysctls", LABELS),
    key("tmpfs", STRING_OR_LIST),
    key("tty", FLAG),
    key("ulimits", ULIMITS),
    key("use_api_socket", Shape::Leaf(BOOL, Kind::Bool)),
    key("user", TEXT),
    key("userns_mode", TEXT),
    key("uts", TEXT),
    key("volumes", Shape::List { of: &Shape::Either(&[TEXT, Shape::Record(VOLUME)]), unique: true }),
    key("volumes_from", NAMES),
    key("working_dir", TEXT),
];

const LOG_OPTIONS: Shape = Shape::Map { of: &Shape::Leaf(STRING | NUMBER | NULL, Kind::Text), names: false };
const MOUNTS: Shape = Shape::List { of: &Shape::Either(&[TEXT, Shape::Record(MOUNT)]), unique: false };
const HOOKS: Shape = Shape::List { of: &Shape::Record(HOOK), unique: false };
const PROVIDER_OPTION: Shape = Shape::OneOrMany { of: &Shape::Leaf(STRING | NUMBER | BOOL, Kind::Text), unique: false };

const BLKIO: &[Key] = &[
    key("weight", WHOLE),
    key(
        "weight_device",
        Shape::List { of: &Shape::Record(&[renamed("path", "Path", TEXT), renamed("weight", "Weight", WHOLE)]), unique: false },
    ),
    key("device_read_bps", LIMITS),
    key("device_read_iops", LIMITS),
    key("device_write_bps", LIMITS),
    key("device_write_iops", LIMITS),
];
const LIMITS: Shape = Shape::List {
    of: &Shape::Record(&[renamed("path", "Path", TEXT), renamed("rate", "Rate", Shape::Leaf(INT | STRING, Kind::Bytes))]),
    unique: false,
};

const BUILD: &[Key] = &[
    key("context", TEXT),
    key("dockerfile", TEXT),
    key("dockerfile_inline", TEXT),
    key("entitlements", STRINGS),
    key("args", ENVIRONMENT),
    key("ssh", Shape::SshKeys),
    key("labels", LABELS),
    key("cache_from", STRINGS),
    key("cache_to", STRINGS),
    key("no_cache", FLAG),
    key("additional_contexts", LABELS),
    key("network", TEXT),
    key("provenance", Shape::Leaf(STRING | BOOL, Kind::Text)),
    key("sbom", Shape::Leaf(STRING | BOOL, Kind::Text)),
    key("pull", FLAG),
    key("target", TEXT),
    key("shm_size", Shape::Leaf(INT | STRING, Kind::Bytes)),
    key("extra_hosts", Shape::Hosts),
    key("isolation", TEXT),
    key("privileged", FLAG),
    key("secrets", MOUNTS),
    key("tags", STRINGS),
    key("ulimits", ULIMITS),
    key("platforms", STRINGS),
];

const DEPENDENCY: &[Key] = &[
    required("condition", Shape::Enum(&["service_started", "service_healthy", "service_completed_successfully"])),
    key("restart", FLAG),
    keep("required", Shape::Leaf(BOOL, Kind::Bool)),
];

const DEPLOY: &[Key] = &[
    key("mode", TEXT),
    key("endpoint_mode", TEXT),
    keep("replicas", WHOLE),
    key("labels", LABELS),
    key("update_config", Shape::Record(UPDATE)),
    key("rollback_config", Shape::Record(UPDATE)),
    with(
        "resources",
        Shape::Record(&[key("limits", Shape::Record(LIMIT)), key("reservations", Shape::Record(RESERVATION))]),
        Empty::Record,
    ),
    key("restart_policy", Shape::Record(RESTART)),
    with("placement", Shape::Record(PLACEMENT), Empty::Record),
];
const UPDATE: &[Key] = &[
    keep("parallelism", Shape::Leaf(INT | STRING, Kind::Uint)),
    key("delay", DURATION),
    key("failure_action", TEXT),
    key("monitor", DURATION),
    key("max_failure_ratio", Shape::Leaf(NUMBER | STRING, Kind::Float)),
    key("order", Shape::Enum(&["start-first", "stop-first"])),
];
const LIMIT: &[Key] =
    &[key("cpus", Shape::Leaf(NUMBER | STRING, Kind::Float)), key("memory", Shape::Leaf(STRING, Kind::Bytes)), key("pids", WHOLE)];
const RESERVATION: &[Key] = &[
    key("cpus", Shape::Leaf(NUMBER | STRING, Kind::Float)),
    key("memory", Shape::Leaf(STRING, Kind::Bytes)),
    key("generic_resources", Shape::List { of: &Shape::Record(&[key("discrete_resource_spec", Shape::Record(DISCRETE))]), unique: false }),
    key("devices", Shape::List { of: &Shape::Record(GPU), unique: false }),
];
const DISCRETE: &[Key] = &[keep("kind", TEXT), keep("value", COUNT)];
const GPU: &[Key] = &[
    key("capabilities", NAMES),
    key("count", Shape::Leaf(INT | STRING, Kind::Count)),
    key("device_ids", NAMES),
    key("driver", TEXT),
    key("options", LABELS),
];
const RESTART: &[Key] = &[
    key("condition", TEXT),
    keep("delay", DURATION),
    keep("max_attempts", Shape::Leaf(INT | STRING, Kind::Uint)),
    keep("window", DURATION),
];
const PLACEMENT: &[Key] = &[
    key("constraints", STRINGS),
    key("preferences", Shape::List { of: &Shape::Record(&[key("spread", TEXT)]), unique: false }),
    key("max_replicas_per_node", Shape::Leaf(INT | STRING, Kind::Uint)),
];

const WATCH: &[Key] = &[
    required("path", TEXT),
    required("action", Shape::Enum(&["rebuild", "sync", "restart", "sync+restart", "sync+exec"])),
    key("ignore", STRING_OR_LIST),
    key("include", STRING_OR_LIST),
    key("target", TEXT),
    with("exec", Shape::Record(HOOK), Empty::Record),
    key("initial_sync", Shape::Leaf(BOOL, Kind::Bool)),
];
const DEVICE: &[Key] = &[required("source", TEXT), key("target", TEXT), key("permissions", TEXT)];
const ENV_FILE: &[Key] = &[required("path", TEXT), key("format", TEXT), keep("required", FLAG)];

const HEALTHCHECK: &[Key] = &[
    key("disable", FLAG),
    keep("interval", DURATION),
    keep("retries", Shape::Leaf(NUMBER | STRING, Kind::Uint)),
    key("test", Shape::Test),
    keep("timeout", DURATION),
    keep("start_period", DURATION),
    keep("start_interval", DURATION),
];
const HOOK: &[Key] = &[
    Key { name: "command", shown: "command", shape: Shape::Command, empty: Empty::Null, required: true },
    key("user", TEXT),
    key("privileged", FLAG),
    key("working_dir", TEXT),
    key("environment", ENVIRONMENT),
];
const MODEL: &[Key] = &[key("endpoint_var", TEXT), key("model_var", TEXT)];
const MOUNT: &[Key] = &[key("source", TEXT), key("target", TEXT), key("uid", TEXT), key("gid", TEXT), keep("mode", FILE_MODE)];
const NETWORK: &[Key] = &[
    key("aliases", NAMES),
    key("interface_name", TEXT),
    key("ipv4_address", TEXT),
    key("ipv6_address", TEXT),
    key("link_local_ips", NAMES),
    key("mac_address", TEXT),
    key("driver_opts", OPTIONS),
    key("priority", Shape::Leaf(NUMBER, Kind::Int)),
    key("gw_priority", Shape::Leaf(NUMBER, Kind::Int)),
];
const PORT: &[Key] = &[
    key("name", TEXT),
    key("mode", TEXT),
    key("host_ip", TEXT),
    key("target", Shape::Leaf(INT | STRING, Kind::Uint)),
    key("published", Shape::Leaf(INT | STRING, Kind::Word)),
    key("protocol", TEXT),
    key("app_protocol", TEXT),
];
const VOLUME: &[Key] = &[
    required("type", Shape::Enum(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"])),
    key("source", TEXT),
    key("target", TEXT),
    key("read_only", FLAG),
    key("consistency", TEXT),
    key("bind", Shape::Record(BIND)),
    key("volume", Shape::Record(&[key("labels", LABELS), key("nocopy", FLAG), key("subpath", TEXT)])),
    key("tmpfs", Shape::Record(&[key("size", Shape::Within(Kind::Bytes, 0, i64::MAX)), key("mode", Shape::Leaf(NUMBER, Kind::Uint))])),
    key("image", Shape::Record(&[key("subpath", TEXT)])),
];
const BIND: &[Key] = &[
    key("propagation", TEXT),
    key("create_host_path", FLAG),
    key("recursive", Shape::Enum(&["enabled", "disabled", "writable", "readonly"])),
    key("selinux", Shape::Enum(&["z", "Z"])),
];

/// Two characters of a name next to each other are enough for the schema's unanchored pattern.
fn container_name(text: &str) -> bool {
    let name = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
    text.as_bytes().windows(2).any(|pair| pair[0].is_ascii_alphanumeric() && name(pair[1]))
}

/// The schema's pattern is not anchored either.
fn pull_policy(text: &str) -> bool {
    let every = |(at, found): (usize, &str)| {
        let rest = &text[at + found.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest[digits..].starts_with(['w', 'd', 'h', 'm', 's'])
    };
    let words = ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"];
    words.iter().any(|word| text.contains(word)) || text.match_indices("every_").any(every)
}
