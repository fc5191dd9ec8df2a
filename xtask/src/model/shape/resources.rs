use super::service::SERVICE;
use super::{Empty, INT};
use super::{FLAG, Key, Kind, LABELS, NUMBER, OPTIONS, STRING, STRINGS, Shape, TEXT, keep, key, required, with};

/// A whole compose file.
pub const FILE: &[Key] = &[
    with("version", TEXT, Empty::Drop),
    key("name", TEXT),
    key("include", Shape::Any),
    keep("services", Shape::Map { of: &Shape::Record(SERVICE), names: true }),
    key("models", Shape::Map { of: &Shape::Record(MODEL), names: false }),
    key("networks", Shape::Map { of: &Shape::OrNull(&Shape::Record(NETWORK)), names: false }),
    key("volumes", Shape::Map { of: &Shape::OrNull(&Shape::Record(VOLUME)), names: true }),
    key("secrets", Shape::Map { of: &Shape::Record(SECRET), names: true }),
    key("configs", Shape::Map { of: &Shape::Record(CONFIG), names: true }),
];

/// `true`, or the old mapping with a name, which the canonical form no longer has.
const EXTERNAL: Shape = Shape::Either(&[FLAG, Shape::Record(&[key("name", TEXT)])]);

const MODEL: &[Key] =
    &[key("name", TEXT), required("model", TEXT), key("context_size", Shape::Leaf(INT, Kind::Int)), key("runtime_flags", STRINGS)];

const NETWORK: &[Key] = &[
    key("name", TEXT),
    key("driver", TEXT),
    key("driver_opts", OPTIONS),
    with("ipam", Shape::Record(IPAM), Empty::Record),
    key("external", EXTERNAL),
    key("internal", FLAG),
    keep("enable_ipv4", FLAG),
    keep("enable_ipv6", FLAG),
    key("attachable", FLAG),
    key("labels", LABELS),
];
const IPAM: &[Key] = &[
    key("driver", TEXT),
    key("config", Shape::List { of: &Shape::Record(POOL), unique: false }),
    with("options", Shape::Map { of: &TEXT, names: false }, Empty::Drop),
];
const POOL: &[Key] =
    &[key("subnet", TEXT), key("ip_range", TEXT), key("gateway", TEXT), key("aux_addresses", Shape::Map { of: &TEXT, names: false })];

const VOLUME: &[Key] =
    &[key("name", TEXT), key("driver", TEXT), key("driver_opts", OPTIONS), key("external", EXTERNAL), key("labels", LABELS)];

const SECRET: &[Key] = &[
    key("name", TEXT),
    key("environment", TEXT),
    key("file", TEXT),
    key("external", EXTERNAL),
    key("labels", LABELS),
    key("driver", TEXT),
    key("driver_opts", Shape::Map { of: &Shape::Leaf(STRING | NUMBER, Kind::Text), names: false }),
    key("template_driver", TEXT),
];

const CONFIG: &[Key] = &[
    key("name", TEXT),
    key("content", TEXT),
    key("environment", TEXT),
    key("file", TEXT),
    key("external", EXTERNAL),
    key("labels", LABELS),
    key("template_driver", TEXT),
];
