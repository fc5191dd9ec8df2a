//! What services are built from: their Dockerfile, and what the copied source reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dockerfile::{Dockerfile, Image};
use super::ignore::{Ignore, Pattern};
use super::reads::{Read, is_source, reads};
use crate::model::{Model, scalar_text};
use crate::source::{Files, clean};
use crate::yaml::Value;

/// What one service is built from.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// Where the Dockerfile stands, absolute; `None`: in the compose file, or it is not to be had.
    pub path: Option<PathBuf>,
    /// Its text; `None` when it could not be read.
    pub text: Option<Arc<str>>,
    pub dockerfile: Option<Dockerfile>,
    /// What the build makes; `None` when that is not known.
    pub image: Option<Image>,
    /// The variables that the copied source reads, in the order of files and lines.
    pub reads: Vec<Read>,
    /// What could not be read or understood, one sentence each.
    pub unclear: Vec<String>,
}

/// Beyond these, source is left unread, and that is said.
const FILE_LIMIT: usize = 2_000;
const FILE_BYTES: usize = 256 << 10;
const ALL_BYTES: usize = 16 << 20;

/// The builds of all services that have one.
pub(super) fn builds(model: &Model, files: &dyn Files, listed: &BTreeSet<PathBuf>) -> BTreeMap<String, Build> {
    let mut gatherer = Gatherer { files, listed, known: HashMap::new() };
    let services = model.value.get("services").and_then(Value::as_map).into_iter().flatten();
    let built = services.filter_map(|(name, field)| Some((name, field.value.get("build")?)));
    built.map(|(name, section)| (name.clone(), gatherer.build(section))).collect()
}

struct Gatherer<'a> {
    files: &'a dyn Files,
    listed: &'a BTreeSet<PathBuf>,
    /// What a source file reads, and how long it is.
    known: HashMap<PathBuf, (Arc<Vec<Read>>, usize)>,
}

impl Gatherer<'_> {
    fn build(&mut self, section: &Value) -> Build {
        let mut build = Build::default();
        let text = |key: &str| section.get(key).and_then(Value::as_str);
        let context = text("context").filter(|context| context.starts_with('/')).map(Path::new);
        if context.is_none() {
            build.unclear.push("the build context is not on this machine".to_string());
        }
        match (text("dockerfile_inline"), context) {
            (Some(inline), _) => build.text = Some(inline.into()),
            (None, Some(context)) => {
                let path = clean(&context.join(text("dockerfile").unwrap_or("Dockerfile")));
                build.text = self.text(&path, &mut build.unclear);
                build.path = Some(path);
            }
            (None, None) => {}
        }
        let Some(written) = build.text.clone() else { return build };
        let dockerfile = Dockerfile::parse(&written, &arguments(section));
        build.unclear.extend(dockerfile.unclear.iter().cloned());
        build.image = dockerfile.image(text("target"));
        if build.image.is_none() && !dockerfile.stages.is_empty() {
            build.unclear.push("its target is no stage of the Dockerfile".to_string());
        }
        build.dockerfile = Some(dockerfile);
        if let (Some(context), Some(image)) = (context, &build.image) {
            let sources: Vec<Pattern> = image.sources.iter().map(|source| Pattern::new(source)).collect();
            let ignore = self.ignore(context, build.path.as_deref());
            self.search(context, &sources, &ignore, &mut build);
        }
        build
    }

    fn text(&self, path: &Path, unclear: &mut Vec<String>) -> Option<Arc<str>> {
        match self.files.read(path) {
            Ok(Some(bytes)) => Some(String::from_utf8_lossy(&bytes).into()),
            Ok(None) => {
                unclear.push("there is no such Dockerfile".to_string());
                None
            }
            Err(_) => {
                unclear.push("the Dockerfile cannot be read".to_string());
                None
            }
        }
    }

    /// The one beside the Dockerfile goes before that of the context.
    fn ignore(&self, context: &Path, dockerfile: Option<&Path>) -> Ignore {
        let beside = dockerfile.map(|path| {
            let mut name = path.as_os_str().to_os_string();
            name.push(".dockerignore");
            PathBuf::from(name)
        });
        let mut paths = beside.into_iter().chain([context.join(".dockerignore")]);
        let found = paths.find_map(|path| self.files.read(&path).ok().flatten());
        found.map_or_else(Ignore::default, |bytes| Ignore::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Reads the source files that are copied into the image.
    fn search(&mut self, context: &Path, sources: &[Pattern], ignore: &Ignore, build: &mut Build) {
        let (mut count, mut bytes) = (0, 0);
        // What is in a folder stands together.
        let inside = self
            .listed
            .range::<Path, _>((Bound::Included(context), Bound::Unbounded))
            .map_while(|path| Some((path, path.strip_prefix(context).ok()?)));
        for (path, relative) in inside {
            let Some(relative) = relative.to_str() else { continue };
            let copied = || sources.iter().any(|source| source.holds(relative)) && !ignore.leaves_out(relative);
            if !is_source(relative) || !copied() {
                continue;
            }
            if count == FILE_LIMIT || bytes > ALL_BYTES {
                build.unclear.push(format!("the source is large: {count} files of it were read"));
                return;
            }
            let (found, length) = self.reads(path);
            count += 1;
            bytes += length;
            build.reads.extend(found.iter().cloned());
        }
    }

    fn reads(&mut self, path: &Path) -> (Arc<Vec<Read>>, usize) {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let bytes = self.files.read(path).ok().flatten().unwrap_or_default();
        // What is longer was written by a program.
        let found = if bytes.len() > FILE_BYTES { Vec::new() } else { reads(path, &String::from_utf8_lossy(&bytes)) };
        let read = (Arc::new(found), bytes.len());
        self.known.insert(path.to_path_buf(), read.clone());
        read
    }
}

fn arguments(section: &Value) -> BTreeMap<String, String> {
    let fields = section.get("args").and_then(Value::as_map).into_iter().flatten();
    fields.filter_map(|(name, field)| Some((name.clone(), scalar_text(&field.value.data)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Call, Environment, load};
    use crate::source::{Disk, Overlay};

    fn built(compose: &str, others: &[(&str, &str)]) -> BTreeMap<String, Build> {
        let mut files = Overlay::new(&Disk);
        files.set("/nowhere/p/compose.yaml", Some(compose.into()));
        let mut listed = BTreeSet::new();
        for (name, text) in others {
            let path = Path::new("/nowhere/p").join(name);
            files.set(&path, Some(text.as_bytes().to_vec()));
            listed.insert(path);
        }
        let call = Call { files: vec!["/nowhere/p/compose.yaml".into()], ..Call::default() };
        builds(&load(&files, &call, &Environment::new()).unwrap(), &files, &listed)
    }

    fn names(build: &Build) -> Vec<&str> {
        build.reads.iter().map(|read| read.name.as_str()).collect()
    }

    #[test]
    fn a_build_knows_its_image_and_what_its_source_reads() {
        let compose = "services:\n  a: {build: {context: ., dockerfile: a.Dockerfile, target: run, args: {TAG: '3'}}}\n  b: {image: x}\n";
        let dockerfile = "ARG TAG=1\nFROM base:$TAG AS run\nCOPY src/*.py lib /app/\nUSER app\nFROM other\n";
        let builds = built(
            compose,
            &[
                ("a.Dockerfile", dockerfile),
                ("a.Dockerfile.dockerignore", "lib/skip.py\n"),
                (".dockerignore", "*\n"),
                ("lib/skip.py", "os.environ['NO1']"),
                ("lib/one.py", "os.environ['ONE']"),
                ("src/two.py", "\nos.environ['TWO']"),
                ("src/deep/no.py", "os.environ['NO2']"),
                ("no.py", "os.environ['NO3']"),
                ("lib/data.txt", "os.environ['NO4']"),
            ],
        );
        assert_eq!(builds.keys().collect::<Vec<_>>(), ["a"]);
        let build = &builds["a"];
        let image = build.image.as_ref().unwrap();
        assert_eq!((image.base.as_deref(), image.user.as_ref().map(|user| user.line)), (Some("base:3"), Some(4)));
        assert_eq!(names(build), ["ONE", "TWO"]);
        assert_eq!((build.reads[1].line, build.reads[1].file.as_path()), (2, Path::new("/nowhere/p/src/two.py")));
        assert_eq!(build.unclear, Vec::<String>::new());
    }

    #[test]
    fn what_is_not_to_be_had_is_said() {
        let compose = "services:\n  far: {build: 'https://example.com/x.git'}\n  gone: {build: ./gone}\n  \
                       inline: {build: {context: ., dockerfile_inline: \"FROM x\\nUSER 5\\n\"}}\n  stage: {build: {context: ., target: no}}\n";
        let builds = built(compose, &[("Dockerfile", "FROM x\n")]);
        let unclear = |name: &str| builds[name].unclear.join(", ");
        assert_eq!(unclear("far"), "the build context is not on this machine");
        assert_eq!(unclear("gone"), "there is no such Dockerfile");
        assert_eq!(unclear("stage"), "its target is no stage of the Dockerfile");
        assert_eq!(builds["inline"].image.as_ref().unwrap().user.as_ref().unwrap().name.as_deref(), Some("5"));
        assert_eq!((builds["inline"].path.as_deref(), builds["stage"].image.is_none()), (None, true));
    }
}
