//! The machine that stacks shall run on: this one, or one that the caller describes.

use std::path::Path;

use crate::error::{Error, Result};
use crate::model::size_bytes;
use crate::surroundings::Host;

const MEMORY: &str = "/proc/meminfo";

/// This machine: what this process may use of its processors, and all of its memory.
pub fn this_machine() -> Result<Host> {
    let cpus = std::thread::available_parallelism().map_err(|error| Error::unusable("count the processors").why(error.to_string()))?;
    let told =
        std::fs::read_to_string(MEMORY).map_err(|error| Error::io("read", Path::new(MEMORY), error).kind(crate::error::Kind::Unusable))?;
    let memory_bytes = total(&told)
        .ok_or_else(|| Error::unusable(format!("read {MEMORY}")).why("it has no line `MemTotal`").help("say it: --host 8cpu,16g"))?;
    // No machine has so many that they would be rounded.
    Ok(Host { cpus: cpus.get() as f64, memory_bytes })
}

/// What programs of this machine could still take without others having to give, in bytes.
pub fn free_memory_bytes() -> Option<u64> {
    line_of(&std::fs::read_to_string(MEMORY).ok()?, "MemAvailable:")
}

fn total(meminfo: &str) -> Option<u64> {
    line_of(meminfo, "MemTotal:")
}

/// `MemTotal:  16314636 kB`, in bytes.
fn line_of(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Reads `8cpu,16g`: a number of processors and a size as compose files have it, in any order.
pub fn described(text: &str) -> Result<Host, String> {
    let form = || "write processors and memory, such as 8cpu,16g; a stack or file after --host needs `--` before it".to_string();
    let (mut cpus, mut memory) = (None, None);
    for part in text.split(',').map(str::trim) {
        match part.strip_suffix("cpus").or_else(|| part.strip_suffix("cpu")) {
            Some(number) => cpus = number.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0),
            None if part.starts_with(|c: char| c.is_ascii_digit()) => memory = size_bytes(part).and_then(|size| u64::try_from(size).ok()),
            None => return Err(form()),
        }
    }
    match (cpus, memory.filter(|size| *size > 0)) {
        (Some(cpus), Some(memory_bytes)) => Ok(Host { cpus, memory_bytes }),
        _ => Err(form()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_described_in_words_of_compose() {
        let host = |cpus, memory_bytes| Ok(Host { cpus, memory_bytes });
        assert_eq!(described("8cpu,16g"), host(8.0, 16 << 30));
        assert_eq!(described("512m, 1.5cpus"), host(1.5, 512 << 20));
        for text in ["", "8", "8cpu", "16g", "8,16g", "0cpu,1g", "-1cpu,1g", "8cpu,x", "compose.yaml", "8cpu,16q", "nancpu,1g"] {
            assert!(described(text).is_err(), "{text}");
        }
    }

    #[test]
    fn this_machine_has_processors_and_memory() {
        let host = this_machine().unwrap();
        assert!(host.cpus >= 1.0 && host.memory_bytes > 64 << 20, "{host:?}");
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       16 kB\n"), Some(16384));
        assert_eq!(total("MemTotal: many\n"), None);
    }
}
