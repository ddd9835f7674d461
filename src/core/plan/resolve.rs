//! Fills in what is known at load: the service, the regions and their values, a child's inputs.
//!
//! A secret never becomes text here: where a region's value is one, only a place that takes a secret gets its reference.

use super::flaw::{Fault, Flaws};
use super::site::{Case, Site, SiteRegion, SiteValue};
use super::step_name::StepName;
use super::text::{LoadTime, Place, Raw, RawPiece, RunTime, Text};
use super::value::{DraftValue, SecretRef, Takes, Value};
use super::{DEEPEST, MOST_VALUES};
use crate::ids::{Name, RegionPos};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What the texts of one step (or of the plan's head) may name.
pub(super) struct Scope<'a> {
    pub(super) site: &'a Site,
    pub(super) case: Case,
    /// `{region}`.
    pub(super) acts_in: &'a SiteRegion,
    /// The step that the flaws are reported of.
    pub(super) step: Option<StepName>,
    /// The step that stands for the child plan whose text this is, and what that child is told.
    pub(super) child: Option<(&'a Name, &'a BTreeMap<Name, Text>)>,
    /// The inputs that the plan declares.
    pub(super) inputs: &'a BTreeSet<Name>,
}

impl Scope<'_> {
    fn flaw(&self, flaws: &mut Flaws, key: &str, fault: Fault) {
        flaws.push(self.step.clone(), key, fault);
    }

    /// The same with everything filled in that is known.
    pub(super) fn text(&self, raw: &Raw, key: &str, flaws: &mut Flaws) -> Text {
        let mut text = Text::default();
        for piece in raw.pieces() {
            match piece {
                RawPiece::Plain(plain) => text.push_plain(plain),
                RawPiece::Load(load) => match self.load(load, key, flaws) {
                    Some(Found::Name(name)) => text.push_plain(name.as_str()),
                    Some(Found::Value(value)) => match value {
                        SiteValue::Text(plain) | SiteValue::Number(plain) => text.push_plain(plain),
                        SiteValue::Int(n) => text.push_plain(&n.to_string()),
                        SiteValue::Flag(flag) => text.push_plain(if *flag { "true" } else { "false" }),
                        SiteValue::Secret(_) => {
                            self.flaw(flaws, key, Fault::SecretShown { placeholder: load.clone() });
                        }
                        SiteValue::List(_) | SiteValue::Table(_) => {
                            self.flaw(flaws, key, Fault::NotAText { placeholder: load.clone() });
                        }
                    },
                    None => {}
                },
                RawPiece::Run(run) => self.run(run, key, &mut text, flaws),
            }
        }
        text
    }

    /// A text that must be whole at load.
    pub(super) fn whole(&self, raw: &Raw, key: &str, flaws: &mut Flaws) -> Arc<str> {
        let text = self.text(raw, key, flaws);
        for placeholder in text.placeholders() {
            self.flaw(flaws, key, Fault::KnownTooLate { placeholder: placeholder.clone() });
        }
        Arc::from(text.as_plain().unwrap_or_default())
    }

    /// The values of an action's keys.
    pub(super) fn keys(
        &self,
        keys: &BTreeMap<Arc<str>, DraftValue>,
        flaws: &mut Flaws,
    ) -> BTreeMap<Arc<str>, Value> {
        // One more than is allowed, so that reaching nothing means there were too many.
        let mut left = MOST_VALUES + 1;
        let mut filled = BTreeMap::new();
        for (key, value) in keys {
            if let Some(value) = self.value(value, key, 1, &mut left, flaws) {
                filled.insert(key.clone(), value);
            }
        }
        if left == 0 {
            self.flaw(flaws, "", Fault::TooMany { what: "values in one step", most: MOST_VALUES });
        }
        filled
    }

    fn value(
        &self,
        value: &DraftValue,
        key: &str,
        depth: usize,
        left: &mut usize,
        flaws: &mut Flaws,
    ) -> Option<Value> {
        if depth > DEEPEST {
            self.flaw(flaws, key, Fault::TooDeep { deepest: DEEPEST });
            return None;
        }
        *left = left.checked_sub(1)?;
        Some(match value {
            DraftValue::Flag(flag) => Value::Flag(*flag),
            DraftValue::Int(n) => Value::Int(*n),
            DraftValue::Number(n) => Value::Number(n.clone()),
            DraftValue::Span(span) => Value::Span(*span),
            DraftValue::Secret(source, name) => {
                Value::Secret(SecretRef { source: *source, name: self.whole(name, key, flaws) })
            }
            DraftValue::Text(raw, takes) => {
                // Alone, a placeholder gives its value as it is: a secret stays a reference and a number a number.
                if let Some(load) = alone(raw) {
                    match self.load(load, key, flaws)? {
                        Found::Value(value) => {
                            if let Some(value) = scalar(value, *takes) {
                                return Some(value);
                            }
                        }
                        Found::Name(_) => {}
                    }
                }
                if *takes == Takes::Secret {
                    self.flaw(flaws, key, Fault::SecretInline);
                    return None;
                }
                Value::Text(self.text(raw, key, flaws))
            }
            DraftValue::List(items) => {
                let mut filled = Vec::with_capacity(items.len().min(*left));
                for item in items {
                    match self.list_in(item, key, flaws) {
                        Some((values, takes)) => {
                            *left = left.saturating_sub(values.len());
                            for value in values {
                                match scalar(value, takes) {
                                    Some(value) => filled.push(value),
                                    None => self.not_in_list(item, value, key, flaws),
                                }
                            }
                        }
                        None => filled.extend(self.value(item, key, depth + 1, left, flaws)),
                    }
                }
                Value::List(filled)
            }
            DraftValue::Table(keys) => {
                let mut filled = BTreeMap::new();
                for (inner, value) in keys {
                    if let Some(value) = self.value(value, key, depth + 1, left, flaws) {
                        filled.insert(inner.clone(), value);
                    }
                }
                Value::Table(filled)
            }
        })
    }

    /// The list that an item of a list is filled by, if it is one.
    fn list_in<'s>(
        &'s self,
        item: &DraftValue,
        key: &str,
        flaws: &mut Flaws,
    ) -> Option<(&'s [SiteValue], Takes)> {
        let DraftValue::Text(raw, takes) = item else { return None };
        match self.load(alone(raw)?, key, flaws)? {
            Found::Value(SiteValue::List(values)) => Some((values, *takes)),
            Found::Value(_) | Found::Name(_) => None,
        }
    }

    fn not_in_list(&self, item: &DraftValue, value: &SiteValue, key: &str, flaws: &mut Flaws) {
        let DraftValue::Text(raw, _) = item else { return };
        let Some(load) = alone(raw) else { return };
        let placeholder = load.clone();
        self.flaw(
            flaws,
            key,
            match value {
                SiteValue::Secret(_) => Fault::SecretShown { placeholder },
                SiteValue::Flag(_)
                | SiteValue::Int(_)
                | SiteValue::Number(_)
                | SiteValue::Text(_)
                | SiteValue::List(_)
                | SiteValue::Table(_) => Fault::NotAText { placeholder },
            },
        );
    }

    fn load<'s>(&'s self, load: &LoadTime, key: &str, flaws: &mut Flaws) -> Option<Found<'s>> {
        let moves = |pos: Option<RegionPos>, flaws: &mut Flaws| {
            if pos.is_none() {
                self.flaw(flaws, key, Fault::OutsideFailover { placeholder: load.clone() });
            }
            self.site.region(pos?)
        };
        let (from, to) = match self.case {
            Case::Move { from, to } => (Some(from), Some(to)),
            Case::At(_) => (None, None),
        };
        let region = match load {
            LoadTime::Service => return Some(Found::Name(&self.site.service)),
            LoadTime::Region | LoadTime::Value(Place::Region, _) => Some(self.acts_in),
            LoadTime::From | LoadTime::Value(Place::From, _) => Some(moves(from, flaws)?),
            LoadTime::To | LoadTime::Value(Place::To, _) => Some(moves(to, flaws)?),
            LoadTime::Value(Place::Here, _) => self.site.here.as_ref(),
        };
        match load {
            LoadTime::Value(_, keys) => match region.and_then(|region| region.value(keys)) {
                Some(value) => Some(Found::Value(value)),
                None => {
                    let region = region.map(|region| region.name.clone());
                    self.flaw(flaws, key, Fault::NoValue { placeholder: load.clone(), region });
                    None
                }
            },
            LoadTime::Service | LoadTime::Region | LoadTime::From | LoadTime::To => {
                region.map(|region| Found::Name(&region.name))
            }
        }
    }

    fn run(&self, run: &RunTime, key: &str, text: &mut Text, flaws: &mut Flaws) {
        match run {
            RunTime::Input(name) => match self.child {
                Some((_, told)) if self.inputs.contains(name) => {
                    // An input that nobody gave has been reported where the child stands.
                    if let Some(given) = told.get(name) {
                        text.push_text(given);
                    }
                    return;
                }
                _ if self.inputs.contains(name) => {}
                Some(_) | None => {
                    let known = self.inputs.iter().cloned().collect();
                    self.flaw(flaws, key, Fault::Unknown { placeholder: run.clone(), known });
                }
            },
            RunTime::Trigger(field) => {
                if !self.site.trigger_fields.contains(field) {
                    let known = self.site.trigger_fields.iter().cloned().collect();
                    self.flaw(flaws, key, Fault::Unknown { placeholder: run.clone(), known });
                }
            }
            RunTime::Output(step, output) => {
                let step = step.within(self.child.map(|(child, _)| child));
                text.push_run(RunTime::Output(step, output.clone()));
                return;
            }
            RunTime::RunId | RunTime::RunToken | RunTime::IncidentId | RunTime::IncidentStarted => {}
        }
        text.push_run(run.clone());
    }
}

enum Found<'s> {
    Name(&'s Name),
    Value(&'s SiteValue),
}

fn alone(raw: &Raw) -> Option<&LoadTime> {
    match raw.pieces() {
        [RawPiece::Load(load)] => Some(load),
        _ => None,
    }
}

/// A region's value as it may stand alone in such a place.
fn scalar(value: &SiteValue, takes: Takes) -> Option<Value> {
    match (value, takes) {
        (SiteValue::Secret(secret), Takes::Secret | Takes::Either) => Some(Value::Secret(secret.clone())),
        (SiteValue::Secret(_) | SiteValue::List(_) | SiteValue::Table(_), _) | (_, Takes::Secret) => None,
        (SiteValue::Flag(flag), Takes::Text | Takes::Either) => Some(Value::Flag(*flag)),
        (SiteValue::Int(n), Takes::Text | Takes::Either) => Some(Value::Int(*n)),
        (SiteValue::Number(n), Takes::Text | Takes::Either) => Some(Value::Number(n.clone())),
        (SiteValue::Text(text), Takes::Text | Takes::Either) => Some(Value::Text(Text::plain(text))),
    }
}
