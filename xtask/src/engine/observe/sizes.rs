//! How much data volumes hold.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::cancel::Cancel;
use crate::process::Program;
use crate::secret::Masker;

/// The engine walks through every volume for it; nobody waits longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// The size of each volume by its name, as the docker CLI writes it (`12.3MB`); empty when nobody can say
/// in time. The CLI is asked because it knows the shapes that engines of all ages answer in.
pub fn volume_sizes(cancel: &Cancel) -> BTreeMap<String, String> {
    let program = Program::new("docker").args(["system", "df", "--verbose", "--format", "{{json .Volumes}}"]).deadline(PATIENCE);
    let said = program.run(&Masker::default(), cancel).ok().filter(crate::process::Output::success);
    said.map(|output| sizes(&output.stdout)).unwrap_or_default()
}

fn sizes(json: &[u8]) -> BTreeMap<String, String> {
    let Ok(Value::Array(volumes)) = serde_json::from_slice(json) else { return BTreeMap::new() };
    let word = |volume: &Value, key: &str| volume.get(key)?.as_str().map(String::from);
    let known = |size: &String| size.as_str() != "N/A";
    volumes.iter().filter_map(|volume| Some((word(volume, "Name")?, word(volume, "Size").filter(known)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_sizes_are_told() {
        let told = sizes(br#"[{"Name":"a","Size":"12.3MB"},{"Name":"b","Size":"N/A"},{"Size":"1B"}]"#);
        assert_eq!(told, BTreeMap::from([("a".to_string(), "12.3MB".to_string())]));
        assert!(sizes(b"null").is_empty());
    }
}
