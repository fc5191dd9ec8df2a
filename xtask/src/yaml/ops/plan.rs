//! The operations of each document as one tree over its places, so that one walk makes them all
//! and another one checks them.

use indexmap::{IndexMap, IndexSet};

use super::super::{Limits, Place, Refusal, Seg};
use super::{Operation, Plain, What, refuse};
use crate::text::Span;

/// So many keys are compared sooner than hashed.
const FEW: usize = 4;

/// What is wanted at one place and below it.
#[derive(Debug, Default)]
pub struct Want<'a> {
    pub set: Option<&'a Plain>,
    pub remove: bool,
    pub adds: IndexMap<&'a str, &'a Plain>,
    pub appends: IndexSet<&'a Plain>,
    pub inner: IndexMap<&'a Seg, Want<'a>>,
}

impl<'a> Want<'a> {
    /// What is wanted of the value of a key.
    pub fn of_key(&self, key: &str) -> Option<&Want<'a>> {
        let is = |seg: &Seg| matches!(seg, Seg::Key(known) if known == key);
        match self.inner.len() {
            // Most walks go to one place only, past many keys.
            0..=FEW => self.inner.iter().find(|(seg, _)| is(seg)).map(|(_, want)| want),
            _ => self.inner.get(&Seg::Key(key.to_string())),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.set.is_none() && !self.remove && !self.gains() && self.inner.is_empty()
    }

    /// Whether the collection itself gets children.
    pub fn gains(&self) -> bool {
        !self.adds.is_empty() || !self.appends.is_empty()
    }

    /// The gains alone, as a value.
    pub fn gained(&self) -> Plain {
        if self.appends.is_empty() {
            Plain::Map(self.adds.iter().map(|(key, value)| ((*key).to_string(), (*value).clone())).collect())
        } else {
            Plain::Seq(self.appends.iter().map(|item| (*item).clone()).collect())
        }
    }

    fn take(&mut self, operation: &'a Operation) -> Result<(), Refusal> {
        let place = &operation.place;
        let clash = |what: &str| Err(refuse(Span::default(), format!("two operations {what} `{place}`")));
        match &operation.what {
            What::Set(value) if self.set.is_some_and(|set| set != value) => return clash("set different values at"),
            What::Set(value) => self.set = Some(value),
            What::Remove => self.remove = true,
            What::Append(item) => drop(self.appends.insert(item)),
            What::Add { key, value } => {
                let before = self.adds.insert(key, value);
                if before.is_some_and(|before| before != value) {
                    return clash(&format!("add the key `{key}` with different values to"));
                }
            }
        }
        Ok(())
    }

    /// Refuses what cannot be done together. `place` is this one's.
    fn check(&self, place: &Place) -> Result<(), Refusal> {
        let whole = self.set.is_some() || self.remove;
        let twice = (self.set.is_some() && self.remove) || (!self.adds.is_empty() && !self.appends.is_empty());
        let inside = (whole && (self.gains() || !self.inner.is_empty())).then(|| self.first_below(place));
        if let Some(inside) = inside.or_else(|| twice.then(|| place.clone())) {
            let why = format!("an operation at `{place}` and another one at `{inside}` exclude each other");
            return Err(refuse(Span::default(), why));
        }
        self.inner.iter().try_for_each(|(seg, want)| want.check(&below(place, seg)))
    }

    fn first_below(&self, place: &Place) -> Place {
        match self.inner.first() {
            Some((seg, want)) if !self.gains() => want.first(&below(place, seg)),
            _ => place.clone(),
        }
    }

    fn first(&self, place: &Place) -> Place {
        if self.set.is_some() || self.remove { place.clone() } else { self.first_below(place) }
    }
}

pub fn below(place: &Place, seg: &Seg) -> Place {
    match seg {
        Seg::Key(key) => place.key(key),
        Seg::Index(index) => place.index(*index),
    }
}

/// The wants of each document, without contradictions.
pub fn plan<'a>(operations: impl IntoIterator<Item = &'a Operation>, documents: usize) -> Result<Vec<Want<'a>>, Refusal> {
    let mut roots: Vec<Want> = std::iter::repeat_with(Want::default).take(documents).collect();
    for operation in operations {
        let Operation { document, place, .. } = operation;
        let root = roots.get_mut(*document);
        let mut want = root.ok_or_else(|| refuse(Span::default(), format!("the file has no document {document}, counted from 0")))?;
        if place.0.len() > Limits::default().depth {
            return Err(refuse(Span::default(), "no document is as deep as this place"));
        }
        for seg in &place.0 {
            want = want.inner.entry(seg).or_default();
        }
        want.take(operation)?;
    }
    roots.iter().try_for_each(|root| root.check(&Place::default()))?;
    Ok(roots)
}
