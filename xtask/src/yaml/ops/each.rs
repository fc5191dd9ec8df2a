//! Many changes of one file, each by itself: the file is read once, and their results are proven together.

use std::collections::BTreeMap;

use super::super::{Document, Limits, Refusal, read};
use super::layout::Lines;
use super::splice::Splices;
use super::walk::Ground;
use super::{Operation, plan, refuse, unreadable, verify};
use crate::text::{TextEdit, apply};

/// How often the result of some changes is read before those that are left are refused: a file in which so many
/// go wrong was made to waste time.
const MOST_READINGS: usize = 500;

/// The edits of the source that each group of operations makes by itself, or why it makes none. Groups whose edits
/// do not touch are made together to be proven, and alone where that fails.
pub fn operate_each(source: &str, groups: &[&[Operation]]) -> Vec<Result<Vec<TextEdit>, Refusal>> {
    let documents = match read(source, Limits::default()) {
        Ok(documents) => documents,
        Err(error) => return vec![Err(unreadable(error)); groups.len()],
    };
    let Some(lines) = Lines::new(source) else { return vec![Err(super::lone_return()); groups.len()] };
    let grounds: Vec<Ground> = documents.iter().map(|document| Ground::of(document, &lines)).collect();
    let made: Vec<Result<Splices, Refusal>> = groups.iter().map(|group| made(&grounds, group)).collect();
    let mut proof = Proof { source, documents: &documents, groups, refused: BTreeMap::new(), made: &made, readings: 0 };
    for batch in batches(&made) {
        proof.prove(&batch);
    }
    let refused = proof.refused;
    let one = |(number, made): (usize, &Result<Splices, Refusal>)| match refused.get(&number) {
        Some(refusal) => Err(refusal.clone()),
        None => made.as_ref().map(|splices| splices.edits.clone()).map_err(Clone::clone),
    };
    made.iter().enumerate().map(one).collect()
}

/// The edits of one group, which no reading has proven yet.
pub fn made(grounds: &[Ground<'_>], group: &[Operation]) -> Result<Splices, Refusal> {
    let wants = plan::plan(group, grounds.len())?;
    let mut all = Splices::default();
    for (ground, want) in grounds.iter().zip(&wants).filter(|(_, want)| !want.is_empty()) {
        let splices = ground.splices(want)?;
        all.edits.extend(splices.edits);
        all.gone.extend(splices.gone);
    }
    Ok(all)
}

/// Groups that make edits, by number, so that no two edits of a batch touch.
fn batches(made: &[Result<Splices, Refusal>]) -> Vec<Vec<usize>> {
    let mut batches: Vec<(BTreeMap<usize, usize>, Vec<usize>)> = Vec::new();
    for (number, made) in made.iter().enumerate() {
        let edits = made.as_ref().map_or(&[][..], |splices| &splices.edits);
        if edits.is_empty() {
            continue;
        }
        let is_free = |taken: &BTreeMap<usize, usize>| {
            let before = |edit: &TextEdit| taken.range(..=edit.span.end).next_back();
            edits.iter().all(|edit| before(edit).is_none_or(|(_, end)| *end < edit.span.start))
        };
        let place = batches.iter().position(|(taken, _)| is_free(taken)).unwrap_or_else(|| {
            batches.push(Default::default());
            batches.len() - 1
        });
        let (taken, numbers) = &mut batches[place];
        taken.extend(edits.iter().map(|edit| (edit.span.start, edit.span.end)));
        numbers.push(number);
    }
    batches.into_iter().map(|(_, numbers)| numbers).collect()
}

struct Proof<'a> {
    source: &'a str,
    documents: &'a [Document],
    groups: &'a [&'a [Operation]],
    made: &'a [Result<Splices, Refusal>],
    refused: BTreeMap<usize, Refusal>,
    readings: usize,
}

impl Proof<'_> {
    /// By halves where they cannot be proven together.
    fn prove(&mut self, numbers: &[usize]) {
        let Err(refusal) = self.read_back(numbers) else { return };
        if self.readings >= MOST_READINGS || numbers.len() < 2 {
            self.refused.extend(numbers.iter().map(|number| (*number, refusal.clone())));
            return;
        }
        let (first, second) = numbers.split_at(numbers.len() / 2);
        self.prove(first);
        self.prove(second);
    }

    fn read_back(&mut self, numbers: &[usize]) -> Result<(), Refusal> {
        let wants = plan::plan(numbers.iter().flat_map(|number| self.groups[*number]), self.documents.len())?;
        let splices = || numbers.iter().filter_map(|number| self.made[*number].as_ref().ok());
        let edits: Vec<TextEdit> = splices().flat_map(|splices| splices.edits.iter().cloned()).collect();
        let gone: Vec<_> = splices().flat_map(|splices| splices.gone.iter().copied()).collect();
        let text = apply(self.source, &edits).map_err(|overlap| refuse(overlap.second, "two changes want the same bytes"))?;
        self.readings += 1;
        let again = read(&text, Limits::default()).map_err(|error| {
            refuse(edits.first().map(|edit| edit.span).unwrap_or_default(), format!("the result would not read: {}", error.why))
        })?;
        verify::verify(self.documents, &again, &wants, &gone)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Operation, Plain, What, operate};
    use super::*;
    use crate::yaml::Place;

    const TEXT: &str = "services:\n  a: &a\n    image: x\n    init: true\n  b: {image: y}\n  c:\n    # why\n    user: root\n  d: *a\n";

    fn operation(service: &str, key: &str, what: What) -> Operation {
        let place = Place::default().key("services").key(service);
        Operation { document: 0, place: if key.is_empty() { place } else { place.key(key) }, what }
    }

    /// Each as if it were alone, also where two are of one mapping, empty it together, or cannot be made.
    #[test]
    fn each_group_is_changed_as_if_it_were_alone() {
        let add = |key: &str| What::Add { key: key.into(), value: Plain::Bool(true) };
        let groups: Vec<Vec<Operation>> = vec![
            vec![operation("b", "", add("init"))],
            vec![operation("b", "", add("read_only"))],
            vec![operation("b", "image", What::Set(Plain::Str("z:1".into())))],
            vec![operation("c", "", add("init")), operation("c", "user", What::Remove)],
            vec![operation("c", "user", What::Remove)],
            vec![operation("a", "init", What::Remove)],
            vec![operation("d", "", add("init"))],
            vec![operation("e", "", add("init"))],
            vec![operation("b", "image", What::Remove)],
            vec![operation("b", "", add("image"))],
            Vec::new(),
        ];
        let slices: Vec<&[Operation]> = groups.iter().map(Vec::as_slice).collect();
        let alone: Vec<_> = groups.iter().map(|group| operate(TEXT, group).map(|operated| operated.edits)).collect();
        assert_eq!(alone.iter().filter(|one| one.is_ok()).count(), 7, "{alone:#?}");
        assert_eq!(operate_each(TEXT, &slices), alone);
        for unreadable in ["a: [", "a: 1\rb: 2\n"] {
            assert!(operate_each(unreadable, &slices).iter().all(Result::is_err));
        }
    }

    #[test]
    fn edits_that_touch_are_proven_apart() {
        let add = |key: &str| vec![operation("c", "", What::Add { key: key.into(), value: Plain::Null })];
        let documents = read(TEXT, Limits::default()).unwrap();
        let lines = Lines::new(TEXT).unwrap();
        let grounds: Vec<Ground> = documents.iter().map(|document| Ground::of(document, &lines)).collect();
        let image = vec![operation("b", "image", What::Set(Plain::Null))];
        let made: Vec<_> = [add("x"), image, add("y")].iter().map(|group| super::made(&grounds, group)).collect();
        assert_eq!(batches(&made), [vec![0, 1], vec![2]]);
    }
}
