//! What is unused, what is kept and why: the engine's stock, judged.

use std::collections::BTreeSet;

use super::gather::{Stock, gather};
use super::referred::{self, Referred};
use super::stock::{Judgement, Kind, Scope, Thing, judge};
use super::{Options, engine};
use crate::engine::{Container, DiskUsage};
use crate::error::Result;
use crate::saga::now_ms;
use crate::tasks::Context;

const HOUR_MS: u64 = 3_600_000;

/// Things with the reason of each.
pub type Reasoned = Vec<(Thing, String)>;

pub struct Found {
    pub unused: Reasoned,
    pub kept: Reasoned,
    /// Unused, and not removed by this call: named volumes, where the list was not agreed to by its name.
    pub left: Vec<Thing>,
    pub containers: Vec<Container>,
    pub usage: DiskUsage,
    /// Stacks of which not everything is known, and why.
    pub unread: Vec<String>,
    /// Those that are meant.
    pub projects: BTreeSet<String>,
}

impl Found {
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Thing> {
        self.unused.iter().map(|(thing, _)| thing).filter(move |thing| thing.kind == kind)
    }

    pub fn named_volumes(&self) -> Vec<&str> {
        self.of(Kind::Volume).filter(|thing| thing.is_named_volume()).map(|thing| thing.name.as_str()).collect()
    }

    /// Bytes that are archived at most, and that are removed.
    pub fn bytes(&self) -> (u64, u64) {
        let is_archived = |thing: &&Thing| thing.kind == Kind::Volume || thing.kind == Kind::Image && !thing.is_untagged();
        let things = || self.unused.iter().map(|(thing, _)| thing);
        let sum = |things: &mut dyn Iterator<Item = &Thing>| things.filter_map(|thing| thing.bytes).sum();
        (sum(&mut things().filter(is_archived)), sum(&mut things()))
    }
}

pub fn look(cx: &Context<'_>, options: &Options) -> Result<Found> {
    let engine = engine(cx)?;
    let chosen = cx.project.select(&options.stacks)?;
    let Stock { things, containers, usage } = gather(engine.as_ref())?;
    let Referred { claims, projects, unread } = referred::look(cx, engine.as_ref(), &containers)?;
    let of_chosen = chosen.iter().filter_map(|stack| projects.get(&stack.id)).flatten();
    let settings = cx.project.settings.cleanup;
    let scope = Scope {
        projects: of_chosen.cloned().collect(),
        only_labelled: options.only_labelled || !options.stacks.is_empty(),
        host: options.host,
        containers: options.containers,
        keep_tags: settings.keep_tags,
        younger_than_ms: settings.younger_than.hours * HOUR_MS,
        now_ms: now_ms(),
    };
    let judgements = judge(&things, &claims, &scope);
    let (mut unused, mut kept, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for (thing, judgement) in things.into_iter().zip(judgements) {
        match judgement {
            Judgement::Unused(_) if options.without_named && thing.is_named_volume() => left.push(thing),
            Judgement::Unused(why) => unused.push((thing, why)),
            Judgement::Kept(why) => kept.push((thing, why)),
            Judgement::Outside => {}
        }
    }
    Ok(Found { unused, kept, left, containers, usage, unread, projects: scope.projects })
}
