//! How many bytes volumes hold, exactly.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use super::Observer;
use crate::error::{Error, Result};

/// The engine walks through every volume for it.
const PATIENCE: Duration = Duration::from_secs(60);
const LARGEST_ANSWER: u64 = 64 << 20;

impl Observer {
    /// The bytes in each volume by its name; a volume whose driver tells no size is left out. The engine is asked
    /// directly: its answer has changed its shape between versions, and clients round.
    ///
    /// # Errors
    /// `Failed`: no answer in time, or none that can be read.
    pub fn volume_bytes(&self) -> Result<BTreeMap<String, u64>> {
        let failed = |why: String| Error::failed("ask the engine for the sizes of volumes").why(why);
        let answer = self.get("/system/df?type=volume&verbose=1").map_err(|error| failed(error.to_string()))?;
        let body = body(&answer).ok_or_else(|| failed("the engine refused".into()))?;
        let told: Value = serde_json::from_slice(body).map_err(|_| failed("its answer cannot be read".into()))?;
        Ok(sizes(&told))
    }

    /// An answer as it comes. In HTTP/1.0 it ends with the connection, and is in one piece.
    fn get(&self, path: &str) -> std::io::Result<Vec<u8>> {
        let request = format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n");
        match self.url.split_once("://") {
            Some(("unix", socket)) => {
                let stream = UnixStream::connect(socket)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                exchange(stream, &request)
            }
            Some((_, rest)) => {
                let stream = TcpStream::connect(rest.split('/').next().unwrap_or(rest))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                exchange(stream, &request)
            }
            None => Err(std::io::ErrorKind::Unsupported.into()),
        }
    }
}

fn exchange(mut stream: impl Read + Write, request: &str) -> std::io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LARGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(answer)
}

/// What follows the head of an answer that says 200.
fn body(answer: &[u8]) -> Option<&[u8]> {
    let status = answer.split(|byte| *byte == b' ').nth(1)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    (status == b"200").then(|| &answer[end + 4..])
}

/// Until version 1.51 of the API the volumes stand in `Volumes`, from 1.52 on in `VolumeUsage.Items`.
fn sizes(told: &Value) -> BTreeMap<String, u64> {
    let listed = [&told["Volumes"], &told["VolumeUsage"]["Items"]].into_iter().filter_map(Value::as_array).flatten();
    let size = |volume: &Value| Some((volume["Name"].as_str()?.to_string(), volume["UsageData"]["Size"].as_u64()?));
    listed.filter_map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_read_and_unknown_sizes_left_out() {
        let volumes = r#"[{"Name":"a","UsageData":{"Size":1234567,"RefCount":1}},{"Name":"b","UsageData":{"Size":-1}},{"Name":"c"}]"#;
        let expected = BTreeMap::from([("a".to_string(), 1_234_567)]);
        for text in [format!(r#"{{"LayersSize":0,"Volumes":{volumes}}}"#), format!(r#"{{"VolumeUsage":{{"Items":{volumes}}}}}"#)] {
            assert_eq!(sizes(&serde_json::from_str(&text).unwrap()), expected);
        }
        assert!(sizes(&Value::Null).is_empty());
    }

    #[test]
    fn only_an_answer_that_says_so_counts() {
        assert_eq!(body(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{}"), Some(&b"{}"[..]));
        assert_eq!((body(b"HTTP/1.0 500 No\r\n\r\n{}"), body(b"HTTP/1.0 200 OK\r\n"), body(b"")), (None, None, None));
    }
}
