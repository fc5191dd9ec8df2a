//! What an engine says of its disk: `/system/df`. Its answer has had two shapes; the client library knows the newer one
//! only, so it is asked for directly, in HTTP/1.0, which an engine answers in one piece.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};

/// The engine walks through every volume for it.
const PATIENCE: Duration = Duration::from_secs(300);
const LARGEST_ANSWER: u64 = 256 << 20;

/// What an engine keeps, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskUsage {
    /// Layers of images, each once.
    pub layers_bytes: u64,
    /// By id, what no other image shares with it.
    pub images: BTreeMap<String, u64>,
    /// By name; without those whose size it does not know.
    pub volumes: BTreeMap<String, u64>,
    pub cache: Vec<CacheRecord>,
}

/// A record of the build cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRecord {
    pub id: String,
    /// `regular`, `source.local` ...
    pub kind: String,
    pub in_use: bool,
    /// Its bytes are an image's layer too.
    pub shared: bool,
    pub bytes: u64,
    /// On the engine's clock, as it prints it.
    pub last_used: String,
}

pub(super) fn ask(url: &str) -> Result<DiskUsage> {
    asked(url, "/system/df?verbose=1", "ask the engine for its disk usage")
}

/// The bytes in each volume by its name; one whose driver tells no size is left out.
pub(super) fn volumes(url: &str) -> Result<BTreeMap<String, u64>> {
    asked(url, "/system/df?type=volume&verbose=1", "ask the engine for the sizes of volumes").map(|usage| usage.volumes)
}

fn asked(url: &str, path: &str, what: &str) -> Result<DiskUsage> {
    let failed = |error: std::io::Error| Error::failed(what).why(error.to_string());
    let answer = match url.split_once("://") {
        Some(("unix", socket)) => {
            let stream = UnixStream::connect(socket).map_err(failed)?;
            stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
            talk(stream, path)
        }
        Some((_, rest)) => {
            let stream = TcpStream::connect(rest.split('/').next().unwrap_or(rest)).map_err(failed)?;
            stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
            talk(stream, path)
        }
        None => return Err(Error::failed(what).why("its address has no scheme")),
    };
    let answer = answer.map_err(failed)?;
    read(&answer).ok_or_else(|| Error::failed(what).why("the engine refused, or its answer cannot be read"))
}

fn talk(mut stream: impl Read + Write, path: &str) -> std::io::Result<Vec<u8>> {
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LARGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(answer)
}

fn read(answer: &[u8]) -> Option<DiskUsage> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = std::str::from_utf8(&answer[..head]).ok()?.lines().next()?.split(' ').nth(1)?;
    if status != "200" {
        return None;
    }
    Some(usage(&serde_json::from_slice(&answer[head + 4..]).ok()?))
}

fn usage(said: &Value) -> DiskUsage {
    let items = |old: &str, new: &str| -> Vec<Value> {
        let list = said.get(old).or_else(|| said.get(new)?.get("Items"));
        list.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    let truth = |item: &Value, key: &str| item.get(key).and_then(Value::as_bool).unwrap_or_default();
    // Unknown sizes are -1.
    let size = |value: Option<&Value>| value.and_then(Value::as_u64);
    let volume = |item: Value| Some((text(&item, "Name"), size(item.get("UsageData")?.get("Size"))?));
    let image = |item: Value| Some((text(&item, "Id"), size(item.get("Size"))?.saturating_sub(size(item.get("SharedSize"))?)));
    let record = |item: Value| CacheRecord {
        id: text(&item, "ID"),
        kind: text(&item, "Type"),
        in_use: truth(&item, "InUse"),
        shared: truth(&item, "Shared"),
        bytes: size(item.get("Size")).unwrap_or_default(),
        last_used: [text(&item, "LastUsedAt"), text(&item, "CreatedAt")].into_iter().find(|at| !at.is_empty()).unwrap_or_default(),
    };
    let layers = said.get("LayersSize").or_else(|| said.get("ImageUsage")?.get("TotalSize"));
    DiskUsage {
        layers_bytes: size(layers).unwrap_or_default(),
        images: items("Images", "ImageUsage").into_iter().filter_map(image).collect(),
        volumes: items("Volumes", "VolumeUsage").into_iter().filter_map(volume).collect(),
        cache: items("BuildCache", "BuildCacheUsage").into_iter().map(record).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_read() {
        let volume = r#"[{"Name":"a","UsageData":{"RefCount":0,"Size":7}},{"Name":"b","UsageData":{"RefCount":1,"Size":-1}},{"Name":"c"}]"#;
        let cache = r#"[{"ID":"x","Type":"regular","InUse":true,"Shared":false,"Size":9,"CreatedAt":"t","LastUsedAt":"u"}]"#;
        let images = r#"[{"Id":"i","Size":9,"SharedSize":7},{"Id":"j","Size":9,"SharedSize":-1}]"#;
        let old = format!(r#"{{"LayersSize":5,"Images":{images},"Volumes":{volume},"BuildCache":{cache}}}"#);
        let [images, volumes, cache] = [images, volume, cache].map(|items| format!(r#""Items":{items}"#));
        let new = format!(r#"{{"ImageUsage":{{"TotalSize":5,{images}}},"VolumeUsage":{{{volumes}}},"BuildCacheUsage":{{{cache}}}}}"#);
        for body in [old, new] {
            let answer = format!("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{body}");
            let said = read(answer.as_bytes()).unwrap();
            assert_eq!((said.layers_bytes, said.volumes), (5, BTreeMap::from([("a".to_string(), 7)])));
            assert_eq!((said.cache[0].id.as_str(), said.cache[0].in_use, said.cache[0].bytes), ("x", true, 9));
            assert_eq!(said.cache[0].last_used, "u");
            assert_eq!(said.images, BTreeMap::from([("i".to_string(), 2)]));
        }
        assert_eq!(read(b"HTTP/1.0 500 Oops\r\n\r\n{}"), None);
        assert_eq!(read(b"HTTP/1.0 200 OK\r\n\r\nnull").unwrap(), DiskUsage::default());
    }
}
