//! What would be done now, and what every gate says of it. Nothing is started here: a decision ends as
//! `would start` or `blocked by`, and is handed to whoever may act.

use alloc::vec::Vec;

use super::advance::Wake;
use super::out::Out;
use super::situation::situation;
use super::weigh::{Wanted, case_for, moves, place, weigh};
use crate::decide::cooldown::Cooldown;
use crate::decide::gates::{Cap, Gate, Mode, Reason, Situation};
use crate::decide::scenario::{Contender, Scenario, Spent, which_acts};
use crate::decide::{By, Gates};
use crate::event::{Decided, Event, Wish};
use crate::ids::{PlanPos, ScenarioPos};
use crate::policy::Policy;
use crate::state::{Announced, Moments, Service, State};
use crate::time::{Now, Span};
use crate::verdict::{Observers, Picture};

/// Decides anew, and tells if the decision has another shape than before.
pub(super) fn decide(
    service: &mut Service,
    state: &mut State,
    moments: &Moments,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Option<Decision> {
    let mut decision = None;
    let decided = match chosen(service, &state.policy, now, wake) {
        None => {
            service.announced = None;
            Decided::Nothing
        }
        Some((scenario, plan)) => {
            let (mut asked, mut wide) = (core::mem::take(&mut state.asked), core::mem::take(&mut state.wide));
            let weighed = weigh(service, &state.policy, plan, now, &mut asked, &mut wide);
            let moves = moves(service, plan);
            let at = if moves { None } else { place(service, moments, scenario) };
            let case = case_for(service, plan, at, &weighed);
            let wish = Wish { scenario, plan, case: case.map(|(case, _)| case) };
            let candidate = case.and_then(|(_, candidate)| candidate);
            let situation =
                situation(service, state, moments, Wanted::of(wish, candidate, By::Itself), &weighed, now);
            let counted = weighed.asked.then_some(weighed.counted.who);
            let gates = look(service, wish, &situation, now, wake);
            later(service, state, &gates, now, wake);
            (state.asked, state.wide) = (asked, wide);
            decision = Some(Decision { wish, gates, situation, counted });
            if gates.open() { Decided::WouldStart(wish) } else { Decided::Blocked(wish, gates.shape()) }
        }
    };
    if decided != service.decided {
        service.decided = decided;
        out.record(service, Event::Decided(decided));
    }
    decision
}

/// What would be done, with everything that it was decided by.
pub(super) struct Decision {
    pub(super) wish: Wish,
    pub(super) gates: Gates,
    pub(super) situation: Situation,
    /// Whose answers were counted; none: nobody was asked.
    pub(super) counted: Option<Observers>,
}

/// Looks at every gate; what only the time for a veto holds back is announced, once.
fn look(service: &mut Service, wish: Wish, situation: &Situation, now: Now, wake: &mut Wake) -> Gates {
    let gates = Gates::look(situation);
    if situation.veto == Span::ZERO {
        service.announced = None;
        return gates;
    }
    let others = gates.shape() & !Gate::Veto.bit();
    let announced = service.announced.filter(|announced| match others {
        0 => announced.wish == wish,
        // Whoever asks anew waits for answers: that is no other announcement.
        _ => others & !on_answers() == 0 && announced.wish.scenario == wish.scenario,
    });
    service.announced = match announced {
        None if others == 0 && situation.veto > Span::ZERO => Some(Announced { wish, since: now.mono }),
        announced => announced,
    };
    if let Some(announced) = service.announced {
        wake.at(Some(announced.since + situation.veto));
    }
    Gates::look(&Situation { veto: veto_left(service, situation, now), ..*situation })
}

/// What is left of the time for a veto.
fn veto_left(service: &Service, situation: &Situation, now: Now) -> Span {
    let gone = service.announced.map_or(Span::ZERO, |announced| now.mono.since(announced.since));
    situation.veto.less(gone)
}

/// Gates that block while answers to a new ask are waited for.
const fn on_answers() -> u32 {
    Gate::Quorum.bit()
        | Gate::Candidate.bit()
        | Gate::EveryRegionDown.bit()
        | Gate::DataLoss.bit()
        | Gate::Requires.bit()
}

/// What every gate says of a wish at this moment: their numbers change without anything happening.
pub(crate) fn gates_now(service: &Service, state: &State, wish: Wish, now: Now) -> Gates {
    Gates::look(&situation_now(service, state, wish, now))
}

/// Everything that gates look at, as it is at this moment.
pub(crate) fn situation_now(service: &Service, state: &State, wish: Wish, now: Now) -> Situation {
    let (mut asked, mut wide, mut moments) = (Picture::default(), Picture::default(), Moments::default());
    moments.fill(service, &state.regions);
    let weighed = weigh(service, &state.policy, wish.plan, now, &mut asked, &mut wide);
    let candidate = case_for(service, wish.plan, None, &weighed).and_then(|(_, candidate)| candidate);
    let wanted = Wanted::of(wish, candidate, By::Itself);
    let situation = situation(service, state, &moments, wanted, &weighed, now);
    Situation { veto: veto_left(service, &situation, now), ..situation }
}

/// When a gate that blocks now may open by itself.
fn later(service: &Service, state: &State, gates: &Gates, now: Now, wake: &mut Wake) {
    let ask = &service.ask;
    if ask.number > 0 {
        wake.at(Some(ask.seen + state.policy.ask.times(3) + Span::micros(1)));
    }
    for (_, reason) in gates.blocking() {
        match reason {
            Reason::NotYet { left } => wake.at(Some(now.mono + left)),
            Reason::Cooling(Cooldown::Left(left)) => wake.at(Some(now.mono + left)),
            Reason::TooFast { within, .. } => {
                wake.at(state
                    .failovers
                    .iter()
                    .map(|(_, _, seen)| *seen + within)
                    .filter(|at| *at > now.mono)
                    .min());
            }
            Reason::TooOften { within, .. } => {
                let record = service.known.record.iter().flat_map(|record| &record.tried);
                wake.at(record.map(|tried| tried.seen.started + within).filter(|at| *at > now.mono).min());
            }
            _ => {}
        }
    }
}

/// The scenario that acts, and its plan: of those that hold, have a plan, and have not acted this time.
fn chosen(service: &Service, policy: &Policy, now: Now, wake: &mut Wake) -> Option<(ScenarioPos, PlanPos)> {
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for (i, scenario) in service.policy.scenarios.iter().enumerate() {
        let pos = ScenarioPos::at(i);
        let kept = service.scenarios.get(i)?;
        let (Some(_), Some(plan)) = (kept.arming.holds(), scenario.plan) else { continue };
        match kept.arming.spent(service.newest_try(pos), scenario.again, now.mono) {
            Spent::No => {}
            Spent::Until(at) => {
                wake.at(Some(at));
                continue;
            }
            Spent::Running | Spent::UntilQuiet => continue,
        }
        let kind = service.policy.plans.get(plan.index())?.set.kind;
        contenders.push(Contender { pos, scenario, kind, mode: mode(policy, service, scenario).0 });
    }
    if contenders.is_empty() {
        return None;
    }
    let contenders = unrefused_first(service, contenders);
    let winner = which_acts(&contenders)?;
    Some((winner.pos, winner.scenario.plan?))
}

/// What a gate has refused for this incident goes on being wished, but hides nothing that was not refused.
pub(crate) fn unrefused_first<'a>(
    service: &Service,
    mut contenders: Vec<Contender<'a>>,
) -> Vec<Contender<'a>> {
    if contenders.iter().any(|c| !service.refused(c.pos)) {
        contenders.retain(|c| !service.refused(c.pos));
    }
    contenders
}

/// The same where no scenario says it.
pub(crate) fn capped(policy: &Policy, service: &Service, mode: Mode) -> (Mode, Cap) {
    let caps = [(policy.mode, Cap::Top), (service.policy.mode, Cap::Service), (mode, Cap::Scenario)];
    caps.into_iter().min_by_key(|(mode, _)| *mode).unwrap_or((Mode::Observe, Cap::Top))
}

/// The mode in force: the lowest of top, service and scenario, and who lowered it.
pub(crate) fn mode(policy: &Policy, service: &Service, scenario: &Scenario) -> (Mode, Cap) {
    capped(policy, service, scenario.mode)
}
