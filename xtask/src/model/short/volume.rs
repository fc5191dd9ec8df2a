use crate::yaml::{Data, Origin, Value};

use super::super::gopath;
use super::{mapping, text};

/// `[SOURCE:]TARGET[:OPTIONS]`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Volume {
    pub source: String,
    pub target: String,
    pub read_only: bool,
    no_copy: bool,
    propagation: String,
    selinux: String,
    /// One or two characters: taken as a target without another look.
    tiny: bool,
}

pub fn parse(spec: &str) -> Result<Volume, &'static str> {
    let mut volume = Volume::default();
    if spec.is_empty() {
        return Err("a mount cannot be empty");
    }
    if spec.len() <= 2 {
        return Ok(Volume { target: spec.into(), tiny: true, ..volume });
    }
    let mut start = 0;
    for (at, char) in spec.char_indices().chain([(spec.len(), '\0')]) {
        let last = at == spec.len();
        if last || (char == ':' && !is_drive(&spec[start..at])) {
            volume.section(&spec[start..at], last)?;
            start = at + 1;
        }
    }
    Ok(volume)
}

/// One letter before a colon is a drive of Windows.
fn is_drive(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

impl Volume {
    fn section(&mut self, text: &str, last: bool) -> Result<(), &'static str> {
        if text.is_empty() {
            return Err("a part of this mount between its colons is empty");
        }
        if self.source.is_empty() && !last {
            self.source = text.into();
        } else if self.target.is_empty() {
            self.target = text.into();
        } else if last {
            text.split(',').for_each(|option| self.option(option));
        } else {
            return Err("this mount has too many colons");
        }
        Ok(())
    }

    /// Unknown options are ignored, as they are by Compose.
    fn option(&mut self, option: &str) {
        match option {
            "ro" => self.read_only = true,
            "rw" => self.read_only = false,
            "nocopy" => self.no_copy = true,
            "rprivate" | "private" | "rshared" | "shared" | "rslave" | "slave" => self.propagation = option.into(),
            "z" | "Z" => self.selinux = option.into(),
            _ => {}
        }
    }

    fn is_bind(&self) -> bool {
        let drive = self.source.split_once(':').is_some_and(|(drive, _)| is_drive(drive));
        self.source.starts_with(['.', '/', '~']) || self.source.starts_with(r"\\") || drive
    }

    /// The long syntax of it.
    pub fn value(&self, at: Origin) -> Value {
        let yes = |set: bool| set.then_some(Data::Bool(true));
        let is_bind = self.is_bind();
        let options = [
            ("propagation", text(self.propagation.clone())),
            ("selinux", text(self.selinux.clone())),
            // The short syntax has always created what is missing on the host.
            ("create_host_path", yes(is_bind)),
        ];
        let has_bind = options.iter().any(|(_, option)| option.is_some());
        let bind = has_bind.then(|| mapping(at, options).data);
        let volume = (!is_bind && !self.tiny || self.no_copy).then(|| mapping(at, [("nocopy", yes(self.no_copy))]).data);
        let kind = Data::Str(if is_bind { "bind" } else { "volume" }.into());
        let keys = [
            ("type", Some(kind)),
            ("source", text(self.source.clone())),
            ("target", text(gopath::clean(&self.target))),
            ("read_only", yes(self.read_only)),
            ("bind", bind),
            ("volume", volume),
        ];
        mapping(at, keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_drives() {
        let parsed = |spec| parse(spec).map(|volume| (volume.is_bind(), volume.source, volume.target, volume.read_only));
        assert_eq!(parsed("data:/b:ro"), Ok((false, "data".into(), "/b".into(), true)));
        assert_eq!(parsed("./x:/c:rw,z"), Ok((true, "./x".into(), "/c".into(), false)));
        assert_eq!(parsed("C:/x:/y:ro"), Ok((true, "C:/x".into(), "/y".into(), true)));
        assert_eq!(parsed("v:/b:ro"), Ok((true, "v:/b".into(), "ro".into(), false)), "one letter is a drive to Compose");
        assert_eq!(parsed("/a"), Ok((false, String::new(), "/a".into(), false)));
        for spec in ["", "./a:", ":/x", "./a:/x:", "ab:cd:ef:gh"] {
            assert!(parsed(spec).is_err(), "{spec}");
        }
    }
}
