//! One compose file laid over another, each key by its own rule of the Compose Specification
//! (compose-go's `override` package).

use crate::yaml::{Data, Field, Fields, Origin, Value};

use super::Fault;

/// How two values of one key become one.
enum Rule {
    /// Mappings merge, lists append, anything else is replaced.
    Default,
    Replace,
    /// A mapping or a list of `KEY=value`: entries of the upper one win by key.
    Dict,
    /// One string or a list of them: appended.
    List,
    /// Lists of names stand for mappings.
    Names(Option<fn(Origin) -> Value>),
    Build,
    Logging,
    ExtraHosts,
    Pools,
}

fn rule(path: &[&str]) -> Rule {
    match path {
        ["networks" | "volumes", _, "labels"] => Rule::Dict,
        ["networks", _, "ipam", "config"] => Rule::Pools,
        ["services", _, rest @ ..] => service_rule(rest),
        _ => Rule::Default,
    }
}

fn service_rule(path: &[&str]) -> Rule {
    match path {
        ["annotations" | "environment" | "labels" | "sysctls"] | ["deploy", "labels"] => Rule::Dict,
        ["build", "args" | "labels" | "additional_contexts"] => Rule::Dict,
        ["dns" | "dns_opt" | "dns_search" | "env_file" | "label_file" | "tmpfs"] => Rule::List,
        ["command" | "entrypoint"] | ["healthcheck", "test"] | ["ulimits", _] => Rule::Replace,
        ["depends_on"] => Rule::Names(Some(started)),
        ["networks" | "models"] => Rule::Names(None),
        ["extra_hosts"] | ["build", "extra_hosts"] => Rule::ExtraHosts,
        ["build"] => Rule::Build,
        ["logging"] => Rule::Logging,
        _ => Rule::Default,
    }
}

/// The tag of a mapping that Compose holds as a list of `KEY=value` since it was merged.
pub const LISTED: &str = "!!listed";

/// Lays a service over the one that it extends.
pub fn extend(lower: Value, upper: Value) -> Result<Value, Fault> {
    merge_at(lower, upper, &mut vec!["services".into(), "x".into()])
}

/// Lays `upper` over `lower`.
pub fn merge(lower: Value, upper: Value) -> Result<Value, Fault> {
    merge_at(lower, upper, &mut Vec::new())
}

fn merge_at(lower: Value, upper: Value, path: &mut Vec<String>) -> Result<Value, Fault> {
    match rule(&path.iter().map(String::as_str).collect::<Vec<_>>()) {
        Rule::Default => merge_default(lower, upper, path),
        Rule::Replace => Ok(upper),
        Rule::Dict => {
            let at = lower.at;
            let mut fields = dict(lower);
            fields.extend(dict(upper));
            Ok(Value { at, tag: Some(LISTED.to_string()), data: Data::Map(fields) })
        }
        Rule::List => {
            let at = lower.at;
            let mut items = list(lower);
            items.extend(list(upper));
            Ok(Value { at, tag: None, data: Data::Seq(items) })
        }
        Rule::Names(fill) => {
            let at = lower.at;
            merge_maps(at, named(lower, fill), named(upper, fill), path)
        }
        Rule::Build => {
            let at = lower.at;
            merge_maps(at, build(lower), build(upper), path)
        }
        Rule::Logging => match (lower.get("driver").map(|d| &d.data), upper.get("driver").map(|d| &d.data)) {
            (Some(a), Some(b)) if a != b => Ok(upper),
            _ => merge_default(lower, upper, path),
        },
        Rule::ExtraHosts => Ok(hosts(lower, upper)),
        Rule::Pools => pools(lower, upper, path),
    }
}

fn merge_default(lower: Value, upper: Value, path: &mut Vec<String>) -> Result<Value, Fault> {
    let (at, upper_at) = (lower.at, upper.at);
    match (lower.data, upper.data) {
        (data, Data::Null) => Ok(Value { at, tag: None, data }),
        (Data::Map(lower), Data::Map(upper)) => merge_maps(at, lower, upper, path),
        (Data::Seq(mut items), Data::Seq(more)) => {
            items.extend(more);
            Ok(Value { at, tag: None, data: Data::Seq(items) })
        }
        (Data::Map(_) | Data::Seq(_), _) => Err(Fault::new(upper_at, format!("{} has another form in the file below", path.join(".")))),
        (_, data) => Ok(Value { at: upper_at, tag: None, data }),
    }
}

fn merge_maps(at: Origin, mut lower: Fields, upper: Fields, path: &mut Vec<String>) -> Result<Value, Fault> {
    for (key, field) in upper {
        match lower.get_mut(&key) {
            None => {
                lower.insert(key, field);
            }
            Some(known) => {
                let below = std::mem::take(&mut known.value);
                let null = field.value.data == Data::Null;
                path.push(key);
                known.value = merge_at(below, field.value, path)?;
                path.pop();
                if !null {
                    known.key = field.key;
                }
            }
        }
    }
    Ok(Value { at, tag: None, data: Data::Map(lower) })
}

/// A list of `KEY=value` as the mapping that it stands for; a `KEY` alone has no value.
pub fn dict(value: Value) -> Fields {
    match value.data {
        Data::Map(fields) => fields,
        Data::Seq(items) => dict_of(items),
        Data::Str(_) => dict_of(vec![value]),
        _ => Fields::default(),
    }
}

fn dict_of(items: Vec<Value>) -> Fields {
    let mut fields = Fields::default();
    for Value { at, data, .. } in items {
        let text = super::text::scalar_text(&data).unwrap_or_default();
        let (key, data) = match text.split_once('=') {
            Some((key, value)) => (key.to_string(), Data::Str(value.to_string())),
            None => (text, Data::Null),
        };
        fields.insert(key, Field { key: at, value: Value { at, tag: None, data } });
    }
    fields
}

fn list(value: Value) -> Vec<Value> {
    match value.data {
        Data::Seq(items) => items,
        Data::Str(_) => vec![value],
        _ => Vec::new(),
    }
}

fn started(at: Origin) -> Value {
    let field = |data| Field { key: at, value: Value { at, tag: None, data } };
    let fields = [("condition", Data::Str("service_started".into())), ("required", Data::Bool(true))];
    let fields = fields.into_iter().map(|(key, data)| (key.to_string(), field(data))).collect();
    Value { at, tag: None, data: Data::Map(fields) }
}

/// The mapping that a list of names stands for.
fn named(value: Value, fill: Option<fn(Origin) -> Value>) -> Fields {
    match value.data {
        Data::Map(fields) => fields,
        Data::Seq(items) => {
            let name = |item: Value| {
                let filled = fill.map_or(Value { at: item.at, ..Value::default() }, |fill| fill(item.at));
                let field = Field { key: item.at, value: filled };
                item.as_str().map(|name| (name.to_string(), field))
            };
            items.into_iter().filter_map(name).collect()
        }
        _ => Fields::default(),
    }
}

/// `depends_on`, `networks` and `models` in their long form.
pub fn long_names(value: Value, depends_on: bool) -> Value {
    match value.data {
        Data::Seq(_) => Value { at: value.at, tag: None, data: Data::Map(named(value, depends_on.then_some(started))) },
        _ => value,
    }
}

fn build(value: Value) -> Fields {
    match value.data {
        Data::Map(fields) => fields,
        Data::Str(_) => Fields::from_iter([("context".to_string(), Field { key: value.at, value })]),
        _ => Fields::default(),
    }
}

/// Hosts become a list of `name=address`; the upper one's are appended unless they stand there.
fn hosts(lower: Value, upper: Value) -> Value {
    let at = lower.at;
    let mut items = host_list(lower);
    let more: Vec<Value> = host_list(upper).into_iter().filter(|host| !items.iter().any(|known| known.data == host.data)).collect();
    items.extend(more);
    Value { at, tag: None, data: Data::Seq(items) }
}

pub fn host_list(value: Value) -> Vec<Value> {
    let Data::Map(fields) = value.data else { return list(value) };
    let mut items = Vec::new();
    for (host, field) in fields {
        let addresses = match field.value.data {
            Data::Seq(addresses) => addresses,
            data => vec![Value { at: field.value.at, tag: None, data }],
        };
        for address in addresses {
            let text = super::text::scalar_text(&address.data).map_or_else(|| host.clone(), |text| format!("{host}={text}"));
            items.push(Value { at: address.at, tag: None, data: Data::Str(text) });
        }
    }
    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    items
}

/// Address pools merge by subnet; compose-go puts a new subnet before the one it was compared with.
fn pools(lower: Value, upper: Value, path: &mut Vec<String>) -> Result<Value, Fault> {
    let (at, upper_at) = (lower.at, upper.at);
    let (Data::Seq(lower), Data::Seq(upper)) = (lower.data, upper.data) else {
        return Err(Fault::new(upper_at, format!("{} must be a list", path.join("."))));
    };
    let subnet = |pool: &Value| pool.get("subnet").map(|subnet| subnet.data.clone());
    let mut merged: Vec<Value> = Vec::new();
    for original in lower {
        let mut original = original;
        for over in &upper {
            if subnet(over) != subnet(&original) && !merged.iter().any(|known| subnet(known) == subnet(over)) {
                merged.push(over.clone());
                continue;
            }
            original = merge_default(original, over.clone(), path)?;
            match merged.iter_mut().find(|known| subnet(known) == subnet(&original)) {
                Some(known) => *known = original.clone(),
                None => merged.push(original.clone()),
            }
        }
    }
    Ok(Value { at, tag: None, data: Data::Seq(merged) })
}
