//! What the image of a stage has, all stages that it stands on included.

use std::collections::{BTreeMap, BTreeSet};

use super::{Base, Command, Dockerfile, Health, User};

/// The image that a build makes. What is not said here is as the base image has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The image that it all starts from, `scratch` included; `None` where that is not known from here.
    pub base: Option<String>,
    pub user: Option<User>,
    pub health: Option<Health>,
    pub expose: BTreeSet<u16>,
    pub entrypoint: Option<Command>,
    pub command: Option<Command>,
    /// Absolute; `None` where it is the base image's, or not known.
    pub workdir: Option<String>,
    /// Names that `ENV` sets.
    pub environment: BTreeSet<String>,
    /// What the build copies out of its context, as written: files, folders, patterns.
    pub sources: BTreeSet<String>,
}

impl Dockerfile {
    /// The image of a target (see [`Dockerfile::stage`]); `None` when there is no such stage.
    pub fn image(&self, target: Option<&str>) -> Option<Image> {
        let built = self.stage(target)?;
        let mut image = Image {
            base: None,
            user: None,
            health: None,
            expose: BTreeSet::new(),
            entrypoint: None,
            command: None,
            workdir: None,
            environment: BTreeSet::new(),
            sources: self.sources(built),
        };
        let mut at = built;
        let mut below: Option<String> = None;
        loop {
            let stage = &self.stages[at];
            if image.entrypoint.is_none() {
                image.command = image.command.or_else(|| stage.command.clone());
                image.entrypoint.clone_from(&stage.entrypoint);
            }
            below = match (&stage.workdir, below) {
                (Some(above), Some(path)) if !path.starts_with('/') => Some(format!("{}/{path}", above.trim_end_matches('/'))),
                (above, path) => path.or_else(|| above.clone()),
            };
            image.workdir = below.clone().filter(|path| path.starts_with('/'));
            image.user = image.user.or_else(|| stage.user.clone());
            image.health = image.health.or(stage.health);
            image.expose.extend(&stage.expose);
            image.environment.extend(stage.environment.keys().cloned());
            match &stage.base {
                // A stage only knows those above it, so this comes to an end.
                Base::Stage(number) => at = *number,
                Base::Image(name) => {
                    image.base = Some(name.clone());
                    return Some(image);
                }
                Base::Unclear => return Some(image),
            }
        }
    }

    /// What a stage, and those that it stands on or copies from, take out of the build context.
    fn sources(&self, built: usize) -> BTreeSet<String> {
        let mut waiting = vec![built];
        let mut seen = BTreeMap::new();
        while let Some(number) = waiting.pop() {
            let Some(stage) = self.stages.get(number) else { continue };
            if seen.insert(number, stage).is_none() {
                waiting.extend(&stage.copies_from);
                waiting.extend(match stage.base {
                    Base::Stage(number) => Some(number),
                    _ => None,
                });
            }
        }
        seen.values().flat_map(|stage| stage.sources.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Dockerfile {
        Dockerfile::parse(text, &BTreeMap::from([("GIVEN".to_string(), "given".to_string())]))
    }

    fn image(text: &str) -> Image {
        parse(text).image(None).unwrap()
    }

    fn user(text: &str) -> Option<Option<String>> {
        image(text).user.map(|user| user.name)
    }

    #[test]
    fn the_last_user_of_the_final_stage_counts() {
        assert_eq!(user("FROM a\nUSER app\nUSER root\n"), Some(Some("root".into())));
        assert_eq!(user("FROM a AS b\nUSER app\nFROM c\n"), None);
        assert_eq!(user("FROM a AS b\nUSER app\nFROM B\nENV X=1"), Some(Some("app".into())));
        assert_eq!(user("FROM a\nARG UID=1000\nENV GID=5\nUSER ${UID}:$GID"), Some(Some("1000:5".into())));
        assert_eq!(user("FROM a\nARG GIVEN=x\nUSER $GIVEN"), Some(Some("given".into())));
        assert_eq!(user("FROM a\nUSER $FROM_THE_BASE"), Some(None));
        assert_eq!(user("ARG WHO=global\nFROM a\nARG WHO\nUSER $WHO"), Some(Some("global".into())));
        let found = image("FROM a\n# USER x\nUSER 0:0\n").user.unwrap();
        assert_eq!((found.line, found.is_root()), (3, true));
    }

    #[test]
    fn the_base_is_found_through_stages_and_arguments() {
        let base = |text: &str| image(text).base;
        assert_eq!(
            base("ARG V=3.19\nFROM --platform=$BUILDPLATFORM alpine:${V} AS one\nFROM one AS two\nFROM two").as_deref(),
            Some("alpine:3.19")
        );
        assert_eq!(base("ARG BASE\nFROM $BASE"), None);
        assert_eq!(base("ARG GIVEN\nFROM ${GIVEN}").as_deref(), Some("given"));
        assert_eq!(base("FROM scratch").as_deref(), Some("scratch"));
    }

    #[test]
    fn a_target_is_a_name_or_a_number() {
        let file = parse("FROM a AS dev\nUSER one\nFROM b AS prod\nUSER two\n");
        let name = |target: Option<&str>| file.image(target).and_then(|image| image.user?.name);
        assert_eq!(name(Some("DEV")).as_deref(), Some("one"));
        assert_eq!(name(Some("0")).as_deref(), Some("one"));
        assert_eq!(name(None).as_deref(), Some("two"));
        assert_eq!(file.image(Some("test")), None);
        assert_eq!(parse("").image(None), None);
        assert_eq!(parse("").unclear, ["there is no FROM"]);
    }

    #[test]
    fn what_else_an_image_says_is_read() {
        let found = image(
            "FROM a AS base\nENV A=1 B=\"two words\"\nHEALTHCHECK --interval=5s CMD curl x\nEXPOSE 80 8000-8002/tcp\n\
             FROM base\nENV OLD the rest\nHEALTHCHECK NONE\nARG PORT=9\nEXPOSE $PORT\n",
        );
        assert_eq!(found.health, Some(Health::None));
        assert_eq!(found.expose.into_iter().collect::<Vec<_>>(), [9, 80, 8000, 8001, 8002]);
        assert_eq!(found.environment.into_iter().collect::<Vec<_>>(), ["A", "B", "OLD"]);
        assert_eq!(parse("FROM a\nRUNN x").unclear, ["line 2: `RUNN` is no instruction"]);
    }

    #[test]
    fn what_an_image_starts_is_read() {
        let starts = |text: &str| {
            let found = image(text);
            (found.entrypoint, found.command, found.workdir)
        };
        let words = |words: &[&str]| Some(Command::Words(words.iter().map(ToString::to_string).collect()));
        let found = starts(
            "FROM a AS base\nWORKDIR /srv\nENTRYPOINT [\"tini\", \"--\"]\nFROM base\nWORKDIR app\nCMD [\"node\", \\\n  # why\n  \"x.js\"]\n",
        );
        assert_eq!(found, (words(&["tini", "--"]), words(&["node", "x.js"]), Some("/srv/app".into())));
        // A command of the base means nothing to a new entrypoint.
        let found = starts("FROM a AS base\nCMD [\"old\"]\nFROM base\nENTRYPOINT python3 app.py\n");
        assert_eq!(found, (Some(Command::Shell("python3 app.py".into())), None, None));
        assert_eq!(starts("FROM a\nARG AT=/x\nWORKDIR $AT\nWORKDIR y\nCMD ['a']\n").2.as_deref(), Some("/x/y"));
        assert_eq!(starts("FROM a\nRUN <<EOF\nCMD [\"no\"]\nEOF\n"), (None, None, None));
    }

    #[test]
    fn only_what_reaches_the_image_is_copied() {
        let found = image(
            "FROM a AS unused\nCOPY other /\nFROM a AS build\nCOPY --chown=x [\"src\", \"lib\", \"/app/\"]\n\
             FROM b\nCOPY --from=build /app /app\nCOPY <<EOF /x\nCOPY no\nEOF\nADD https://x/y /z\nRUN --mount=type=bind,target=/src make\n",
        );
        assert_eq!(found.sources.into_iter().collect::<Vec<_>>(), [".", "lib", "src"]);
    }
}
