//! L2's letter and L3: a run's end comes after the page that it owes is durable, and what is owed is delivered or goes to
//! another channel.

use std::collections::BTreeMap;

use watchkeeper_core::agree::RunId;
use watchkeeper_core::event::{Decided, Event, Paged};
use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::plan::saga::Page;
use watchkeeper_core::plan::{Entry, Mode, Outcome};
use watchkeeper_core::severity::Turn;

use super::{Out, Scene, Tally};
use crate::shape::Shape;

/// What was recorded, and what of it is durable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    /// By observer and service: durable up to there.
    upto: BTreeMap<(usize, usize), u64>,
    /// Pages of ends, by observer and service.
    pages: Vec<(usize, usize, RunId, u64)>,
}

impl Notices {
    pub(crate) fn new(_shape: &Shape) -> Notices {
        Notices::default()
    }

    pub(crate) fn recorded(&mut self, by: usize, service: Option<ServiceId>, seq: u64, event: &Event) {
        if let (Some(service), Event::Paged(Paged::Run(run, Page::Ends(_)))) = (service, event) {
            self.pages.push((by, service.index(), *run, seq));
        }
    }

    /// Its process is gone; the next one counts anew.
    pub(crate) fn crashed(&mut self, by: usize) {
        self.upto.retain(|(of, _), _| *of != by);
        self.pages.retain(|(of, ..)| *of != by);
    }

    pub(crate) fn durable(&mut self, by: usize, service: Option<ServiceId>, upto: u64) {
        if let Some(service) = service {
            self.upto.insert((by, service.index()), upto);
        }
    }

    pub(crate) fn ends(
        &mut self,
        scene: &Scene<'_>,
        by: usize,
        service: usize,
        run: RunId,
        outcome: Outcome,
        out: &mut Out,
    ) {
        let live = scene.store.journal(service, run).is_some_and(|journal| {
            matches!(journal.entries.first(), Some(Entry::Started(start)) if start.mode == Mode::Live)
        });
        if !live || outcome == Outcome::Done || !scene.alive(by) {
            return;
        }
        let upto = self.upto.get(&(by, service)).copied().unwrap_or(0);
        let paged = self
            .pages
            .iter()
            .any(|&(of, at, which, seq)| (of, at, which) == (by, service, run) && seq <= upto);
        if !paged {
            let what = format!("run {} ends as {outcome}, and its page is not durable", run.0);
            out.broke(scene.now, "L2", "letter", &what);
        }
    }
}

/// The notice that an event owes, if it owes one.
pub(crate) fn owes(event: &Event) -> Option<String> {
    match event {
        Event::Incident { turn: Turn::Opened | Turn::Raised | Turn::Flapped, .. }
        | Event::Blind(_)
        | Event::Paged(_) => Some(format!("{event:?}")),
        _ => None,
    }
}

/// What is counted of events.
pub(crate) fn count(event: &Event, tally: &mut Tally, gates: &mut u64) {
    match event {
        Event::Isolated(_) => tally.isolations += 1,
        Event::Resumed(_) => tally.resumed += 1,
        Event::Paged(Paged::Run(_, Page::Held { nth, .. })) => tally.held += u64::from(*nth <= 1),
        Event::Decided(Decided::Blocked(_, shape)) => {
            tally.blocked += 1;
            *gates |= u64::from(*shape);
        }
        _ => {}
    }
}
