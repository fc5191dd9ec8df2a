//! The entries of `security_opt`, as the engine reads them.

use crate::rules::Service;
use crate::yaml::Value;

/// One `KEY=VALUE`; the older form has a colon.
pub struct SecurityOption<'a> {
    pub index: usize,
    pub key: &'a str,
    pub value: &'a str,
}

/// The options that have a value. An equals sign anywhere decides against the colon.
pub fn security_options<'a>(service: &Service<'a>) -> impl Iterator<Item = SecurityOption<'a>> + use<'a> {
    let texts = service.items("security_opt").iter().map(Value::as_str).enumerate();
    texts.filter_map(|(index, text)| {
        let (key, value) = text?.split_once('=').or_else(|| text?.split_once(':'))?;
        Some(SecurityOption { index, key, value })
    })
}

/// The first option that says so.
pub fn security_option<'a>(service: &Service<'a>, key: &str, values: &[&str]) -> Option<SecurityOption<'a>> {
    security_options(service).find(|option| option.key == key && values.contains(&option.value))
}
