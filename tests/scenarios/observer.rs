//! One observer: a core, and the probes that it asked for, run truthfully at the pace that it asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_core::agree::Vote;
use watchkeeper_core::effect::Effect;
use watchkeeper_core::engine;
use watchkeeper_core::ids::{ProbeId, ServiceId};
use watchkeeper_core::input::Input;
use watchkeeper_core::policy::Policy;
use watchkeeper_core::state::State;
use watchkeeper_core::time::{Mono, Now, Span};
use watchkeeper_core::view;

use crate::world::Place;

/// A probe as the shell runs it.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    every: Option<Span>,
    due: Mono,
    started: Option<Mono>,
    busy: Mono,
}

/// Since when a vote says something, and what was read when.
type Since = (Mono, Option<(Span, Mono)>);

/// One observer.
pub(crate) struct Observer {
    pub(crate) name: String,
    pub(crate) state: State,
    /// How much later than the others it starts.
    late: Span,
    probes: BTreeMap<ProbeId, Running>,
    /// Its votes as last written.
    written: BTreeMap<ServiceId, (Vote, Vec<Since>)>,
    /// Its session is gone, or its votes are what the script says.
    pub(crate) mute: bool,
    /// Only what a fresh start saw counts: what was on its way to an earlier life is lost.
    pub(crate) life: u32,
    /// It does not run.
    pub(crate) down: bool,
    /// It runs, and gets no time until then.
    pub(crate) frozen: Option<Mono>,
}

impl Observer {
    pub(crate) fn start(policy: &Arc<Policy>, late: Span, now: Now) -> (Observer, Vec<Effect>) {
        let (state, effects) = engine::start(policy, now);
        let name = policy.observer_name(policy.me).to_owned();
        let fresh = BTreeMap::new();
        let written = BTreeMap::new();
        let (mute, down, frozen) = (false, false, None);
        (Observer { name, state, late, probes: fresh, written, mute, life: 0, down, frozen }, effects)
    }

    /// Forgets everything, as after a crash.
    pub(crate) fn restart(&mut self, now: Now) -> Vec<Effect> {
        let (state, effects) = engine::start(&Arc::clone(&self.state.policy), now);
        self.state = state;
        self.probes.clear();
        self.life += 1;
        self.frozen = None;
        effects
    }

    pub(crate) fn step(&mut self, input: Input, now: Now) -> Vec<Effect> {
        engine::step(&mut self.state, input, now)
    }

    /// From now on so often, counted from its last start.
    pub(crate) fn pace(&mut self, probe: ProbeId, every: Option<Span>, now: Mono) {
        let late = self.late;
        let running = self.probes.entry(probe).or_default();
        running.every = every;
        running.due = match (every, running.started) {
            (Some(every), Some(started)) => now.max(started + every),
            (Some(_), None) => now + late,
            (None, _) => now,
        };
    }

    pub(crate) fn every(&self, probe: ProbeId) -> Option<Span> {
        self.probes.get(&probe).and_then(|running| running.every)
    }

    /// The next probe to be started, never before its previous answer.
    pub(crate) fn next_start(&self) -> Option<(Mono, ProbeId)> {
        let paced = self.probes.iter().filter(|(_, running)| running.every.is_some());
        paced.map(|(probe, running)| (running.due.max(running.busy), *probe)).min()
    }

    /// It was started now and is busy for so long.
    pub(crate) fn started(&mut self, probe: ProbeId, now: Mono, busy: Span) {
        if let Some(running) = self.probes.get_mut(&probe) {
            running.started = Some(now);
            running.busy = now + busy;
            running.due = now + running.every.unwrap_or(Span::MAX).max(Span::millis(1));
        }
    }

    /// What a probe is called, its time-out, and whether it watches for drift.
    pub(crate) fn place(&self, probe: ProbeId) -> Option<(Place, Span, bool)> {
        let slot = self.state.probe(probe)?;
        let service = self.state.service(slot.service)?;
        let cell = service.policy.parts.cells.get(slot.cell.index())?;
        let policy = service.policy.probes.get(cell.probe.index())?;
        let region = cell.region.map(|at| service.policy.region_name(at).to_owned());
        let place = (service.policy.name.to_string(), policy.name.to_string(), region);
        Some((place, policy.debounce.timeout(), service.policy.parts.probes[cell.probe.index()].drift))
    }

    /// Its votes that are others than those last written.
    pub(crate) fn new_votes(&mut self, now: Now) -> Vec<(ServiceId, Vote)> {
        let ids: Vec<ServiceId> = self.state.services().map(|service| service.id).collect();
        let mut new = Vec::new();
        for id in ids {
            let Some(vote) = view::own_vote(&self.state, id, now) else { continue };
            let moments = |age: Span| now.mono.before(age);
            let since =
                vote.says.iter().map(|s| (moments(s.held), s.reading.map(|r| (r.value, moments(r.age)))));
            let since: Vec<Since> = since.collect();
            let same = |(old, moments): &(Vote, Vec<Since>)| {
                let said =
                    |vote: &Vote| vote.says.iter().map(|s| (s.cell, s.say, s.fresh)).collect::<Vec<_>>();
                (old.hash, old.answers, said(old)) == (vote.hash, vote.answers, said(&vote))
                    && *moments == since
            };
            if !self.written.get(&id).is_some_and(same) {
                self.written.insert(id, (vote.clone(), since));
                new.push((id, vote));
            }
        }
        new
    }

    /// As if nothing was ever written: the next look writes everything.
    pub(crate) fn write_anew(&mut self) {
        self.written.clear();
    }
}
