//! Turns names into places, and refuses what cannot be: all flaws at once.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::draft::{PolicyDraft, ScenarioDraft, ServiceDraft, When, WhenDraft};
use super::flaw::{Flaw, What};
use super::names::Names;
use super::order::in_order;
use super::parts::{parts_of, probes_of, weigh};
use super::plans::plan;
use super::{
    ComponentPolicy, Failback, Follows, ObserverPolicy, OnClear, PlanPolicy, Policy, RegionPolicy,
    ServicePolicy,
};
use crate::decide::{Mode, Scenario};
use crate::ids::{Name, ObserverPos, PlanPos, ScenarioPos};
use crate::plan::PlanKind;
use crate::severity::{Ladder, Rung};
use crate::time::Span;
use crate::verdict::{Level, Observers};

/// The most of anything in one service: what a place can count.
const MOST: usize = 1_000;
/// The most regions of one service.
const MOST_REGIONS: usize = 32;
/// How long a condition on which an automatic failover hangs must hold, unless it says otherwise.
const FAILOVER_HELD: Span = Span::secs(60);

impl Policy {
    /// The only way to a policy.
    pub fn build(draft: PolicyDraft) -> Result<Policy, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let mut observers: Vec<ObserverPolicy> = draft
            .observers
            .into_iter()
            .map(|o| ObserverPolicy { name: o.name, region: o.region, witness: o.witness })
            .collect();
        observers.sort_by(|a, b| a.name.cmp(&b.name));
        twice(What::Observer, observers.iter().map(|o| &o.name), &mut flaws);
        if observers.is_empty() || observers.len() > Observers::MOST {
            flaws.push(Flaw::Observers(observers.len()));
        }
        let me = observers.iter().position(|o| o.name == draft.me).map(ObserverPos::at);
        if me.is_none() {
            flaws.push(Flaw::WhoAmI(draft.me));
        }
        let mut regions: Vec<RegionPolicy> =
            draft.regions.into_iter().map(|r| RegionPolicy { name: r.name, lost_at: r.lost_at }).collect();
        for region in regions.iter().filter(|r| r.lost_at == 0 || r.lost_at > 100) {
            flaws.push(Flaw::LostAt(region.name.clone(), region.lost_at));
        }
        for name in draft.services.iter().flat_map(|s| &s.regions) {
            if !regions.iter().any(|r| r.name == *name) {
                regions.push(RegionPolicy { name: name.clone(), lost_at: 50 });
            }
        }
        regions.sort_by(|a, b| a.name.cmp(&b.name));
        twice(What::Region, regions.iter().map(|r| &r.name), &mut flaws);

        let names: Vec<Name> = draft.services.iter().map(|s| s.name.clone()).collect();
        for service in &draft.services {
            for on in &service.depends_on {
                if !names.contains(on) {
                    let (by, name) = (service.name.clone(), on.clone());
                    flaws.push(Flaw::Missing { service: None, by, what: What::Service, name });
                }
            }
        }
        let needs = |s: usize| {
            draft.services[s].depends_on.iter().filter_map(|on| names.iter().position(|n| n == on)).collect()
        };
        if let Err(circle) = in_order(names.len(), needs) {
            let names = circle.into_iter().map(|i| names[i].clone()).collect();
            flaws.push(Flaw::Circle { service: None, what: What::Service, names });
        }
        let mut ladders = Vec::new();
        let mut services: Vec<Arc<ServicePolicy>> = draft
            .services
            .into_iter()
            .map(|s| Arc::new(service(s, &observers, &mut ladders, &mut flaws)))
            .collect();
        services.sort_by(|a, b| a.name.cmp(&b.name));
        twice(What::Service, services.iter().map(|s| &s.name), &mut flaws);
        match me {
            Some(me) if flaws.is_empty() => Ok(Policy {
                me,
                mode: draft.mode,
                regions,
                observers,
                self_trust: draft.self_trust,
                limits: draft.limits,
                ask: draft.ask,
                session: draft.session,
                services,
            }),
            Some(_) | None => Err(flaws),
        }
    }
}

/// Names that come twice; sorted or not.
fn twice<'a>(what: What, names: impl Iterator<Item = &'a Name>, flaws: &mut Vec<Flaw>) {
    let mut names: Vec<&Name> = names.collect();
    names.sort();
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        let flaw = Flaw::Twice(what, pair[0].clone());
        if !flaws.contains(&flaw) {
            flaws.push(flaw);
        }
    }
}

/// The same ladder once, however many services climb it.
fn shared(ladder: Ladder, ladders: &mut Vec<Arc<Ladder>>) -> Arc<Ladder> {
    if let Some(same) = ladders.iter().find(|same| ***same == ladder) {
        return Arc::clone(same);
    }
    let ladder = Arc::new(ladder);
    ladders.push(Arc::clone(&ladder));
    ladder
}

fn service(
    mut draft: ServiceDraft,
    observers: &[ObserverPolicy],
    ladders: &mut Vec<Arc<Ladder>>,
    flaws: &mut Vec<Flaw>,
) -> ServicePolicy {
    let name = draft.name.clone();
    draft.plans.sort_by(|a, b| a.name.cmp(&b.name));
    if draft.regions.is_empty() {
        flaws.push(Flaw::NoRegion(name.clone()));
    }
    for (what, count, most) in [
        (What::Region, draft.regions.len(), MOST_REGIONS),
        (What::Component, draft.components.len(), MOST),
        (What::Probe, draft.probes.len(), MOST),
        (What::Scenario, draft.scenarios.len(), MOST),
        (What::Plan, draft.plans.len(), MOST),
        (What::Trigger, draft.triggers.len(), MOST),
    ] {
        if count > most {
            flaws.push(Flaw::TooMany { service: name.clone(), what, most });
        }
    }
    twice(What::Region, draft.regions.iter(), flaws);
    // One namespace: a condition names them without saying which it means.
    let parts = draft.components.iter().map(|c| &c.name).chain(draft.probes.iter().map(|p| &p.name));
    twice(What::Part, parts.chain(draft.triggers.iter()), flaws);
    twice(What::Scenario, draft.scenarios.iter().map(|s| &s.name), flaws);
    twice(What::Plan, draft.plans.iter().map(|p| &p.name), flaws);
    let built = {
        let mut names = Names { draft: &draft, flaws };
        let parts = parts_of(&mut names, observers);
        let probes = probes_of(&mut names);
        let rungs: Vec<Rung> = names
            .draft
            .rungs
            .iter()
            .map(|rung| Rung {
                name: rung.name.clone(),
                title: rung.title.clone(),
                when: match &rung.when {
                    When::Never => None,
                    When::Preset(condition) => Some(condition.clone()),
                    When::Written(when) => names.condition(&rung.name, when, Span::ZERO),
                },
                objectives: rung.objectives,
                impact: rung.impact,
            })
            .collect();
        let ladder = match Ladder::new(rungs) {
            Ok(ladder) => Some(ladder),
            Err(why) => {
                names.flaws.push(Flaw::Ladder(names.draft.name.clone(), why));
                None
            }
        };
        let scenarios: Vec<Scenario> =
            draft.scenarios.iter().filter_map(|s| scenario(&mut names, s, ladder.as_ref())).collect();
        let plans: Vec<PlanPolicy> = draft.plans.iter().map(|set| plan(&mut names, set)).collect();
        let follows: Vec<Follows> = draft.scenarios.iter().map(|s| follows(&mut names, s)).collect();
        let this = draft.name.clone();
        let rejoin =
            draft.rejoin.as_ref().and_then(|plan| of_kind(&mut names, &this, plan, PlanKind::Rejoin));
        let home = draft.failback.plan.as_ref();
        let home = home.and_then(|plan| of_kind(&mut names, &this, plan, PlanKind::Failover));
        let failback = Failback { mode: draft.failback.mode, after: draft.failback.after, plan: home };
        (parts, probes, ladder, scenarios, plans, follows, rejoin, failback)
    };
    let (parts, probes, ladder, scenarios, plans, follows, rejoin, failback) = built;
    let probes = weigh(probes, &parts, &scenarios, &plans);
    let ladder = shared(ladder.unwrap_or_else(Ladder::placeholder), ladders);
    let clauses =
        ladder.rungs().iter().filter_map(|r| r.when.as_ref()).map(|c| c.clauses().len()).sum::<usize>()
            + scenarios.iter().map(|s| s.when.clauses().len()).sum::<usize>();
    ServicePolicy {
        title: draft.title,
        hash: draft.hash,
        regions: draft.regions,
        stateless: draft.stateless,
        ladder,
        mode: draft.mode,
        objectives: draft.objectives,
        priority: draft.priority,
        depends_on: draft.depends_on,
        cooldown: draft.cooldown,
        stable: draft.stable,
        blind_page: draft.blind_page,
        drift_after: draft.drift_after,
        quarantine: draft.quarantine,
        rejoin,
        failback,
        follows,
        parts,
        components: (draft.components.into_iter())
            .map(|c| ComponentPolicy { name: c.name, objectives: c.objectives })
            .collect(),
        probes,
        triggers: draft.triggers,
        scenarios,
        plans,
        clauses,
        name,
    }
}

/// A plan of that name, which must be of that kind.
fn of_kind(names: &mut Names<'_>, by: &Name, plan: &Name, kind: PlanKind) -> Option<PlanPos> {
    let service = names.draft;
    let at = names.find(by, What::Plan, plan, service.plans.iter().map(|p| &p.name))?;
    if service.plans.get(at).is_some_and(|plan| plan.kind != kind) {
        let (service, plan) = (service.name.clone(), plan.clone());
        names.flaws.push(Flaw::WrongKind { service, by: by.clone(), plan, kind });
        return None;
    }
    Some(PlanPos::at(at))
}

/// What follows from a scenario, besides its plan.
fn follows(names: &mut Names<'_>, draft: &ScenarioDraft) -> Follows {
    let service = names.draft;
    let on_clear = draft.on_clear.as_ref().and_then(|on| {
        let at = names.find(&draft.name, What::Plan, &on.plan, service.plans.iter().map(|p| &p.name))?;
        let mode = on.mode.unwrap_or(draft.mode);
        Some(OnClear { plan: PlanPos::at(at), after: on.after, mode })
    });
    Follows { on_clear, approval_within: draft.approval_within, given: draft.given.clone() }
}

fn scenario(names: &mut Names<'_>, draft: &ScenarioDraft, ladder: Option<&Ladder>) -> Option<Scenario> {
    let service = names.draft;
    let plan = draft
        .plan
        .as_ref()
        .and_then(|plan| names.find(&draft.name, What::Plan, plan, service.plans.iter().map(|p| &p.name)));
    let moves = plan.is_some_and(|at| service.plans[at].kind == PlanKind::Failover);
    let held = if moves && draft.mode == Mode::Auto { FAILOVER_HELD } else { Span::ZERO };
    let down = [WhenDraft { service: Some(Level::Down), ..WhenDraft::default() }];
    let when = if draft.when.is_empty() { &down[..] } else { &draft.when[..] };
    let when = names.condition(&draft.name, when, held);
    let severity = draft.severity.as_ref().and_then(|rung| {
        let found = ladder.and_then(|ladder| ladder.find(rung.as_str()));
        if found.is_none() && ladder.is_some() {
            names.flaws.push(Flaw::Missing {
                service: Some(service.name.clone()),
                by: draft.name.clone(),
                what: What::Rung,
                name: rung.clone(),
            });
        }
        found
    });
    let over = (draft.over.iter())
        .filter_map(|o| names.find(&draft.name, What::Scenario, o, service.scenarios.iter().map(|s| &s.name)))
        .map(ScenarioPos::at)
        .collect();
    Some(Scenario {
        name: draft.name.clone(),
        title: draft.title.clone(),
        when: when?,
        severity,
        plan: plan.map(PlanPos::at),
        mode: draft.mode,
        over,
        again: draft.again,
        veto: draft.veto,
        objectives: draft.objectives,
    })
}
