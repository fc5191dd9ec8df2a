//! What a file that is extended must look like although it is not checked: Compose fails where it
//! brings its short syntaxes into their long form, also in services that nobody uses.

use crate::yaml::{Data, Value};

use super::Fault;

const NULL: u8 = 1;
const TEXT: u8 = 2;
const INT: u8 = 4;
const LIST: u8 = 8;
const MAP: u8 = 16;
const ANY: u8 = 255;

/// What one key may hold, what a list under it, and what a mapping.
struct Form {
    key: &'static str,
    is: u8,
    items: u8,
    values: u8,
}

const fn form(key: &'static str, is: u8, items: u8, values: u8) -> Form {
    Form { key, is, items, values }
}

const SERVICE: &[Form] = &[
    form("build", TEXT | MAP, ANY, ANY),
    form("depends_on", LIST | MAP, TEXT, MAP),
    form("env_file", TEXT | LIST, ANY, ANY),
    form("label_file", ANY, TEXT | LIST, TEXT),
    form("extends", TEXT | MAP, ANY, ANY),
    form("gpus", TEXT | LIST, ANY, ANY),
    form("networks", ANY, TEXT, ANY),
    form("models", ANY, TEXT, ANY),
    form("volumes", ANY, TEXT | MAP, TEXT | MAP),
    form("dns", ANY, TEXT, ANY),
    form("devices", ANY, TEXT | MAP, TEXT | MAP),
    form("secrets", ANY, TEXT | MAP, TEXT | MAP),
    form("configs", ANY, TEXT | MAP, TEXT | MAP),
    form("ports", LIST, TEXT | INT | MAP, ANY),
    form("ulimits", ANY, INT | MAP, INT | MAP),
];

const BUILD: &[Form] = &[
    form("ssh", LIST | MAP, TEXT, ANY),
    form("secrets", ANY, TEXT | MAP, TEXT | MAP),
    form("additional_contexts", LIST | MAP, TEXT, TEXT),
    form("context", TEXT, ANY, ANY),
];

const FILE: &[Form] = &[
    form("volumes", ANY, NULL | MAP, NULL | MAP),
    form("networks", ANY, NULL | MAP, NULL | MAP),
    form("secrets", ANY, NULL | MAP, NULL | MAP),
    form("configs", ANY, NULL | MAP, NULL | MAP),
    form("include", ANY, TEXT | MAP, TEXT | MAP),
];

/// Looks at all that Compose looks at.
pub fn check(root: &Value) -> Result<(), Fault> {
    fields(root, FILE)?;
    for (_, service) in root.get("services").and_then(Value::as_map).into_iter().flatten() {
        fields(&service.value, SERVICE)?;
        if let Some(build) = service.value.get("build") {
            fields(build, BUILD)?;
        }
    }
    Ok(())
}

fn fields(value: &Value, forms: &[Form]) -> Result<(), Fault> {
    for form in forms {
        let Some(value) = value.get(form.key) else { continue };
        is(value, form.is, form)?;
        match &value.data {
            Data::Seq(items) => items.iter().try_for_each(|item| is(item, form.items, form))?,
            Data::Map(fields) => fields.values().try_for_each(|field| is(&field.value, form.values, form))?,
            _ => {}
        }
    }
    Ok(())
}

fn is(value: &Value, wanted: u8, form: &Form) -> Result<(), Fault> {
    let kind = match value.data {
        Data::Null => NULL,
        Data::Str(_) => TEXT,
        Data::Int(_) => INT,
        Data::Seq(_) => LIST,
        Data::Map(_) => MAP,
        Data::Bool(_) | Data::Uint(_) | Data::Float(_) => 0,
    };
    if wanted == ANY || wanted & kind != 0 {
        return Ok(());
    }
    Err(Fault::new(value.at, format!("`{}` has a form here that Compose cannot read", form.key)))
}
