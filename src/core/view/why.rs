//! "Why did it, why did it not, and would it work now": one readable answer for a service, at any time.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Named;
use crate::decide::explain::{self, Explanation, Names};
use crate::decide::scenario::{Contender, Spent, which_acts, why_behind};
use crate::decide::{By, Gates, Mode, Situation};
use crate::engine::{
    Wanted, case_for, gates_now, mode, objectives, place, situation, situation_now, unrefused_first, weigh,
};
use crate::event::{Decided, Wish};
use crate::ids::{CellPos, PlanPos, RegionPos, ScenarioPos, ServiceId};
use crate::plan::{Case, PlanKind};
use crate::severity::Stage;
use crate::state::{Moments, Service, State};
use crate::time::{Now, Span};
use crate::verdict::condition::Missing;
use crate::verdict::{Level, Picture, Say};

/// What every gate says of what would be done now, if anything would.
#[must_use]
pub fn gates(state: &State, id: ServiceId, now: Now) -> Option<(Wish, Gates)> {
    let service = state.service(id)?;
    match service.decided {
        Decided::Nothing => None,
        Decided::WouldStart(wish) | Decided::Blocked(wish, _) => {
            Some((wish, gates_now(service, state, wish, now)))
        }
    }
}

/// What every gate looks at of what would be done now, if anything would: with the loss that is stated.
#[must_use]
pub fn stated(state: &State, id: ServiceId, now: Now) -> Option<Situation> {
    let service = state.service(id)?;
    match service.decided {
        Decided::Nothing => None,
        Decided::WouldStart(wish) | Decided::Blocked(wish, _) => {
            Some(situation_now(service, state, wish, now))
        }
    }
}

/// What every gate would say if this plan were wanted now.
#[must_use]
pub fn would(state: &State, id: ServiceId, plan: PlanPos, by: By, now: Now) -> Option<(Wish, Gates)> {
    let service = state.service(id)?;
    let (mut asked, mut wide, mut moments) = (Picture::default(), Picture::default(), Moments::default());
    moments.fill(service, &state.regions);
    let weighed = weigh(service, &state.policy, plan, now, &mut asked, &mut wide);
    let named = service.policy.scenarios.iter().position(|scenario| scenario.plan == Some(plan));
    let moves = service.policy.plans.get(plan.index()).is_some_and(|p| p.set.kind == PlanKind::Failover);
    let at = named.filter(|_| !moves).and_then(|at| place(service, &moments, ScenarioPos::at(at)));
    let case = case_for(service, plan, at, &weighed);
    let candidate = case.and_then(|(_, candidate)| candidate);
    let case = case.map(|(case, _)| case);
    let wish = Wish { scenario: ScenarioPos::at(named.unwrap_or(usize::MAX)), plan, case };
    let situation = situation(service, state, &moments, Wanted::of(wish, candidate, by), &weighed, now);
    Some((wish, Gates::look(&situation)))
}

/// The whole answer.
#[must_use]
pub fn why(state: &State, id: ServiceId, now: Now) -> Option<Explanation> {
    let service = state.service(id)?;
    let told = Told { state, service, names: Named { state, service }, now };
    let mut out = Explanation::default();
    told.standing(&mut out);
    told.observer(&mut out);
    told.incident(&mut out);
    told.scenarios(&mut out);
    told.decision(&mut out);
    told.by_order(&mut out);
    Some(out)
}

struct Told<'a> {
    state: &'a State,
    service: &'a Service,
    names: Named<'a>,
    now: Now,
}

impl Told<'_> {
    fn ago(&self, since: crate::time::Mono) -> Span {
        // To the second, or to a tenth below ten: nobody reads more.
        let micros = self.now.mono.since(since).as_micros();
        let grain = if micros < 10_000_000 { 100_000 } else { 1_000_000 };
        Span::micros(micros / grain * grain)
    }

    fn standing(&self, out: &mut Explanation) {
        let service = self.service;
        let mut head = format!("{}: ", service.policy.name);
        match (service.known.active, &service.known.record) {
            (Some(at), Some(record)) => {
                head += &format!("active in {} (epoch {}), ", self.names.region(at), record.epoch.0);
            }
            (Some(at), None) => head += &format!("only region {}, no record yet, ", self.names.region(at)),
            (None, Some(record)) => {
                head += &format!("active in {}, which this policy does not know, ", record.active)
            }
            (None, None) => head += "no record yet, ",
        }
        let regions = (0..service.policy.regions.len()).map(RegionPos::at);
        let stands: Vec<String> = regions.map(|at| self.stands(at)).collect();
        head += &stands.join("; ");
        out.say(head);
        for (i, cell) in service.policy.parts.cells.iter().enumerate() {
            let pos = CellPos::at(i);
            let verdict = service.picture.cell(pos);
            let voices: Vec<_> = cell.viewers.each().map(|who| (who, service.votes.of(who, pos))).collect();
            let bad = verdict.say >= Say::Slow || voices.iter().any(|(_, said)| said.say >= Say::Slow);
            let witness = verdict.alive().is_some() && self.witness_speaks(cell.probe);
            if !bad && !witness {
                continue;
            }
            let place = cell.region.map_or("no region", |at| self.names.region(at));
            let said: Vec<String> = voices
                .iter()
                .map(|(who, said)| match said.say {
                    Say::Unknown => format!("{} says nothing", self.names.observer(*who)),
                    say => format!("{} {say} for {}", self.names.observer(*who), self.ago(said.since)),
                })
                .collect();
            let by = match verdict.say {
                Say::Unknown => String::from("no quorum"),
                say => format!("{say} for {}", self.ago(verdict.since)),
            };
            let tells = if witness && !bad { ", and tells that what it depends on lives" } else { "" };
            out.since(format!(
                "{} in {place}: {by}{tells}, {} of {} needed ({})",
                self.names.probe(cell.probe),
                cell.viewers.majority(),
                cell.viewers.count(),
                said.join(", ")
            ));
        }
    }

    /// Whether a region is called unreachable, and this is a witness: what it says is then the reason.
    fn witness_speaks(&self, probe: crate::ids::ProbePos) -> bool {
        let parts = &self.service.policy.parts;
        let witness = parts.probes.get(probe.index()).is_some_and(|part| part.witness_of.is_some());
        let mut regions = (0..parts.regions).map(RegionPos::at);
        witness && regions.any(|at| self.service.picture.standing(at).worst() == Some(Level::Unreachable))
    }

    fn stands(&self, at: RegionPos) -> String {
        let standing = self.service.picture.standing(at);
        let region = self.names.region(at);
        let quarantined = if self.service.quarantined(at) { ", quarantined" } else { "" };
        match standing.worst() {
            Some(level) => {
                let since = standing.at_least(level).map_or(Span::ZERO, |since| self.ago(since));
                format!("{level} in {region} for {since}{quarantined}")
            }
            None if standing.up.is_some() => format!("up in {region}{quarantined}"),
            None if !standing.watched => format!("not watched in {region}{quarantined}"),
            None if standing.alive => format!("partly known, and up, in {region}{quarantined}"),
            None => format!("unknown in {region}{quarantined}"),
        }
    }

    fn observer(&self, out: &mut Explanation) {
        let me = self.names.observer(self.state.policy.me);
        match self.state.trust.isolated() {
            Some((why, since)) => {
                out.say(format!("{me} has been isolated for {} and says nothing: {why}", self.ago(since)));
            }
            None if !self.state.trust.settings().has_points() => {
                out.say(format!("{me} has no reference points to check its own view by"));
            }
            None => {}
        }
        let ask = &self.service.ask;
        if ask.number > 0 {
            let answered = self.service.votes.answered(ask.number);
            let who: Vec<&str> = answered.each().map(|who| self.names.observer(who)).collect();
            let who = if who.is_empty() { String::from("nobody yet") } else { who.join(", ") };
            out.say(format!(
                "asked to look again {} ago (ask {}): answered by {who}",
                self.ago(ask.seen),
                ask.number
            ));
        }
    }

    fn incident(&self, out: &mut Explanation) {
        let incident = &self.service.incident;
        let since = incident.first_failed().map_or(Span::ZERO, |since| self.ago(since));
        match incident.stage() {
            Stage::None if self.service.blind.told => {
                out.say(String::from(
                    "no incident, but nobody knows the active region to be up: that was told",
                ));
            }
            Stage::None => out.say(String::from("no incident")),
            Stage::Blip => out
                .say(format!("no incident: a sample failed {since} ago, and no rung or scenario holds yet")),
            Stage::Open | Stage::Recovering => {
                let rung = incident.rung().and_then(|rung| self.service.policy.ladder.rung(rung));
                let rung = rung.map_or("no rung", |rung| rung.name.as_str());
                let goes = if incident.stage() == Stage::Open { "open" } else { "recovering" };
                let acting = match self.service.decided {
                    Decided::Nothing => None,
                    Decided::WouldStart(wish) | Decided::Blocked(wish, _) => Some(wish.scenario),
                };
                let promised = objectives(self.service, acting);
                let of = |span: Option<Span>| span.map_or(String::from("none"), |span| span.to_string());
                out.say(format!(
                    "incident {}, {rung}, {goes}: first failed sample {since} ago, came back {} times; RTO {}, RPO {}",
                    incident.number(),
                    incident.flaps(),
                    of(promised.rto),
                    of(promised.rpo),
                ));
            }
        }
    }

    fn scenarios(&self, out: &mut Explanation) {
        let mut moments = Moments::default();
        moments.fill(self.service, &self.state.regions);
        let facts = moments.facts(self.service, &self.service.picture, false);
        let contenders = self.contenders();
        let winner = which_acts(&contenders);
        let recovers = self.service.incident.stage() == Stage::Recovering;
        for (i, scenario) in self.service.policy.scenarios.iter().enumerate() {
            let Some(kept) = self.service.scenarios.get(i) else { continue };
            let name = &scenario.name;
            if kept.arming.holds().is_none() {
                let why: Vec<String> = match kept.from {
                    Some(from) => {
                        alloc::vec![format!(
                            "all of it is so, and must hold for {} more",
                            from.since(self.now.mono)
                        )]
                    }
                    None => (scenario.when.clauses().iter())
                        .filter_map(|clause| clause.missing(&facts))
                        .map(|missing| match missing {
                            Missing::Tried(_) | Missing::NoIncident if recovers => {
                                String::from("the incident recovers")
                            }
                            missing => explain::missing(missing, &self.names),
                        })
                        .collect(),
                };
                out.say(format!("scenario {name} does not hold: {}", why.join("; ")));
                continue;
            }
            let does = match scenario.plan {
                None => String::from("it has no plan: people are told"),
                Some(plan) => self.does(i, plan, winner, &contenders),
            };
            out.say(format!("scenario {name} holds: {does}"));
        }
    }

    fn contenders(&self) -> Vec<Contender<'_>> {
        let scenarios = self.service.policy.scenarios.iter().zip(&self.service.scenarios).enumerate();
        let all = scenarios.filter_map(|(i, (scenario, kept))| {
            let pos = ScenarioPos::at(i);
            let plan = self.service.policy.plans.get(scenario.plan?.index())?;
            kept.arming.holds()?;
            let spent = kept.arming.spent(self.service.newest_try(pos), scenario.again, self.now.mono);
            let mode = mode(&self.state.policy, self.service, scenario).0;
            (spent == Spent::No).then_some(Contender { pos, scenario, kind: plan.set.kind, mode })
        });
        unrefused_first(self.service, all.collect())
    }

    fn does(
        &self,
        at: usize,
        plan: PlanPos,
        winner: Option<&Contender<'_>>,
        all: &[Contender<'_>],
    ) -> String {
        let pos = ScenarioPos::at(at);
        let plan = self.names.plan(plan);
        match (winner, all.iter().find(|c| c.pos == pos)) {
            (Some(winner), Some(_)) if winner.pos == pos => match winner.mode {
                Mode::Observe => format!("its plan {plan} would act, and it only watches"),
                Mode::Approve => format!("its plan {plan} acts, once approved"),
                Mode::Auto => format!("its plan {plan} acts by itself"),
            },
            (Some(winner), Some(loser)) => format!(
                "its plan {plan} waits, since {} acts: {}",
                winner.scenario.name,
                explain::behind(why_behind(winner, loser))
            ),
            _ => {
                let kept = self.service.scenarios.get(at).map(|kept| kept.arming).unwrap_or_default();
                let again = self.service.policy.scenarios.get(at).and_then(|scenario| scenario.again);
                match kept.spent(self.service.newest_try(pos), again, self.now.mono) {
                    Spent::Until(until) => {
                        format!(
                            "its plan {plan} was tried, and may be again in {}",
                            until.since(self.now.mono)
                        )
                    }
                    Spent::Running => format!("its plan {plan} is being tried"),
                    Spent::No | Spent::UntilQuiet => format!(
                        "its plan {plan} was tried, and is not again before this has not held for {}",
                        self.service.policy.stable
                    ),
                }
            }
        }
    }

    fn wish(&self, wish: Wish) -> String {
        let plan = self.names.plan(wish.plan);
        match wish.case {
            Some(Case::Move { from, to }) => {
                format!("{plan} ({} -> {})", self.names.region(from), self.names.region(to))
            }
            Some(Case::At(at)) => format!("{plan} (in {})", self.names.region(at)),
            None => format!("{plan} (nowhere)"),
        }
    }

    fn decision(&self, out: &mut Explanation) {
        match self.service.decided {
            Decided::Nothing => out.say(String::from("would do nothing")),
            Decided::WouldStart(wish) => out.say(format!("would start {}", self.wish(wish))),
            Decided::Blocked(wish, _) => {
                out.say(format!("would start {}, but is blocked", self.wish(wish)));
                // Their numbers as they are now, and not as they were when the decision last changed.
                for (gate, reason) in gates_now(self.service, self.state, wish, self.now).blocking() {
                    out.since(format!("by {}: {}", gate.word(), explain::reason(reason, &self.names)));
                }
            }
        }
    }

    /// Would it work now: what an operator who orders each failover would be told.
    fn by_order(&self, out: &mut Explanation) {
        for (i, plan) in self.service.policy.plans.iter().enumerate() {
            if plan.set.kind != PlanKind::Failover {
                continue;
            }
            let Some((wish, gates)) = would(self.state, self.service.id, PlanPos::at(i), By::Order, self.now)
            else {
                continue;
            };
            if gates.open() {
                out.say(format!("if ordered now, {} would start", self.wish(wish)));
                continue;
            }
            out.say(format!("if ordered now, {} would be blocked", self.wish(wish)));
            for (gate, reason) in gates.blocking() {
                out.since(format!("by {}: {}", gate.word(), explain::reason(reason, &self.names)));
            }
        }
    }
}
