//! Turns names into places, and refuses what cannot be: all flaws at once.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::draft::{
    From, PolicyDraft, ProbeDraft, ScenarioDraft, ServiceDraft, When, WhenDraft, WitnessDraft,
};
use super::flaw::{Flaw, What};
use super::{
    CasePolicy, ComponentPolicy, ObserverPolicy, PlanPolicy, Policy, ProbePolicy, RegionPolicy, ServicePolicy,
};
use crate::decide::{Mode, Scenario};
use crate::ids::{
    CellPos, ComponentPos, Name, ObserverPos, PlanPos, ProbePos, RegionPos, ScenarioPos, StepPos, TriggerPos,
};
use crate::plan::{Fencing, Only, Plan, PlanKind, PlanSet, ProbeSet};
use crate::severity::{Ladder, Rung};
use crate::time::Span;
use crate::verdict::standing::{ComponentPart, ProbePart};
use crate::verdict::{
    Cell, Clause, Condition, DownRule, Level, Observers, Part, Parts, Role, Side, Tier, WitnessOf,
};

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

/// Each after all that it needs, or a circle.
fn in_order(count: usize, needs: impl Fn(usize) -> Vec<usize>) -> Result<Vec<usize>, Vec<usize>> {
    let needs: Vec<Vec<usize>> = (0..count).map(needs).collect();
    let mut done = vec![false; count];
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        let next = (0..count).find(|&i| !done[i] && needs[i].iter().all(|&n| done[n]));
        let Some(next) = next else {
            // Whoever is left needs somebody who is left: following them comes round.
            let mut at = (0..count).find(|&i| !done[i]).unwrap_or(0);
            let mut path = Vec::new();
            while !path.contains(&at) {
                path.push(at);
                at = needs[at].iter().copied().find(|&n| !done[n]).unwrap_or(at);
            }
            let start = path.iter().position(|&p| p == at).unwrap_or(0);
            let mut circle = path.split_off(start);
            circle.push(at);
            return Err(circle);
        };
        done[next] = true;
        order.push(next);
    }
    Ok(order)
}

/// What a service's names stand for, while it is built.
struct Names<'a> {
    draft: &'a ServiceDraft,
    flaws: &'a mut Vec<Flaw>,
}

impl Names<'_> {
    fn find<'n>(
        &mut self,
        by: &Name,
        what: What,
        name: &Name,
        mut among: impl Iterator<Item = &'n Name>,
    ) -> Option<usize> {
        let found = among.position(|n| n == name);
        if found.is_none() {
            let service = Some(self.draft.name.clone());
            self.flaws.push(Flaw::Missing { service, by: by.clone(), what, name: name.clone() });
        }
        found
    }
    fn component(&mut self, by: &Name, name: &Name) -> Option<ComponentPos> {
        let draft = self.draft;
        self.find(by, What::Component, name, draft.components.iter().map(|c| &c.name)).map(ComponentPos::at)
    }
    fn probe(&mut self, by: &Name, name: &Name) -> Option<ProbePos> {
        let draft = self.draft;
        self.find(by, What::Probe, name, draft.probes.iter().map(|p| &p.name)).map(ProbePos::at)
    }
    fn region(&mut self, by: &Name, name: &Name) -> Option<RegionPos> {
        let draft = self.draft;
        self.find(by, What::Region, name, draft.regions.iter()).map(RegionPos::at)
    }
    fn part(&mut self, by: &Name, name: &Name) -> Option<Part> {
        if let Some(at) = self.draft.components.iter().position(|c| c.name == *name) {
            return Some(Part::Component(ComponentPos::at(at)));
        }
        let draft = self.draft;
        let at = self.find(by, What::Part, name, draft.probes.iter().map(|p| &p.name))?;
        Some(Part::Probe(ProbePos::at(at)))
    }

    /// A clause; `held` is what `for` means where it is not written.
    fn clause(&mut self, by: &Name, when: &WhenDraft, held: Span) -> Clause {
        let draft = self.draft;
        let parts = |names: &mut Self, list: &[Name]| -> Vec<Part> {
            list.iter().filter_map(|name| names.part(by, name)).collect()
        };
        let clause = Clause {
            service: when.service,
            down: parts(self, &when.down),
            slow: parts(self, &when.slow),
            up: parts(self, &when.up),
            at_least: when.at_least,
            priority: when.priority,
            raised: (when.raised.iter())
                .filter_map(|t| self.find(by, What::Trigger, t, draft.triggers.iter()).map(TriggerPos::at))
                .collect(),
            tried: (when.tried.iter())
                .filter_map(|p| self.find(by, What::Plan, p, draft.plans.iter().map(|p| &p.name)))
                .map(PlanPos::at)
                .collect(),
            side: when.side,
            region_lost: when.region_lost,
            held: when.held.unwrap_or(held),
            open_for: when.open_for,
        };
        for part in clause.down.iter().chain(&clause.slow).chain(&clause.up) {
            let Part::Probe(probe) = part else { continue };
            let probe = &draft.probes[probe.index()];
            let there = match (probe.role, clause.side) {
                (Role::Each | Role::Service, _)
                | (Role::Active, Side::Active)
                | (Role::Standby, Side::Standby) => true,
                (Role::Active, Side::Standby) | (Role::Standby, Side::Active) => false,
            };
            if !there {
                self.flaws.push(Flaw::NeverThere {
                    service: draft.name.clone(),
                    of: by.clone(),
                    probe: probe.name.clone(),
                });
            }
        }
        clause
    }

    fn condition(&mut self, by: &Name, when: &[WhenDraft], held: Span) -> Option<Condition> {
        let before = self.flaws.len();
        let clauses = when.iter().map(|when| self.clause(by, when, held)).collect();
        match Condition::any(clauses) {
            Ok(condition) => Some(condition),
            // A clause that lost a name asks for less than was written: that name is the flaw.
            Err(_) if self.flaws.len() > before => None,
            Err(why) => {
                self.flaws.push(Flaw::Condition { service: self.draft.name.clone(), of: by.clone(), why });
                None
            }
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
        let plans = draft.plans.iter().map(|set| plan(&mut names, set)).collect();
        (parts, probes, ladder, scenarios, plans)
    };
    let (parts, probes, ladder, scenarios, plans): (
        Parts,
        Vec<ProbePolicy>,
        Option<Ladder>,
        Vec<Scenario>,
        Vec<PlanPolicy>,
    ) = built;
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

fn probes_of(names: &mut Names<'_>) -> Vec<ProbePolicy> {
    let draft = names.draft;
    let parents: Vec<Option<ProbePos>> = draft
        .probes
        .iter()
        .map(|p| p.parent.as_ref().and_then(|parent| names.probe(&p.name, parent)))
        .collect();
    if let Err(circle) = in_order(parents.len(), |i| {
        parents[i].into_iter().map(ProbePos::index).filter(|p| *p < parents.len()).collect()
    }) {
        let names_of = circle.into_iter().map(|i| draft.probes[i].name.clone()).collect();
        names.flaws.push(Flaw::Circle {
            service: Some(draft.name.clone()),
            what: What::Probe,
            names: names_of,
        });
    }
    (draft.probes.iter().enumerate())
        .map(|(i, probe)| ProbePolicy {
            name: probe.name.clone(),
            debounce: probe.debounce,
            weighed: probe.tier != Tier::Inform || probe.loss || probe.witness_of.is_some() || probe.drift,
            parent: parents[i],
            children: (parents.iter().enumerate())
                .filter(|(_, parent)| **parent == Some(ProbePos::at(i)))
                .map(|(child, _)| ProbePos::at(child))
                .collect(),
        })
        .collect()
}

/// Marks what a decision may hang on: what a scenario with a plan names, itself or by its component, and what a plan
/// requires or reads its loss from.
fn weigh(
    mut probes: Vec<ProbePolicy>,
    parts: &Parts,
    scenarios: &[Scenario],
    plans: &[PlanPolicy],
) -> Vec<ProbePolicy> {
    let clauses = scenarios.iter().filter(|scenario| scenario.plan.is_some()).flat_map(|s| s.when.clauses());
    let (named, ranks): (Vec<&Clause>, Vec<&Clause>) = clauses.partition(|clause| clause.priority.is_none());
    let members = |part: &Part| match part {
        Part::Probe(probe) => vec![*probe],
        Part::Component(at) => parts.components.get(at.index()).map_or(Vec::new(), |c| c.members.clone()),
    };
    let by_name = named.iter().chain(&ranks).flat_map(|clause| {
        clause.down.iter().chain(&clause.slow).chain(&clause.up).flat_map(members).collect::<Vec<_>>()
    });
    let by_rank = ranks.iter().flat_map(|clause| {
        let ranked =
            parts.components.iter().filter(|c| clause.priority.is_some_and(|least| c.priority >= least));
        ranked.flat_map(|c| c.members.clone()).collect::<Vec<_>>()
    });
    let by_plan = plans.iter().flat_map(|plan| plan.requires.iter().chain(&plan.loss).copied());
    for probe in by_name.chain(by_rank).chain(by_plan) {
        if let Some(probe) = probes.get_mut(probe.index()) {
            probe.weighed = true;
        }
    }
    probes
}

fn parts_of(names: &mut Names<'_>, observers: &[ObserverPolicy]) -> Parts {
    let draft = names.draft;
    let everybody = Observers::first(observers.len());
    let mut cells: Vec<Cell> = Vec::new();
    let mut probes = Vec::new();
    for (i, probe) in draft.probes.iter().enumerate() {
        let mut cell = |names: &mut Names<'_>, region: Option<(RegionPos, &Name)>| {
            let viewers = viewers(names, probe, region.map(|(_, name)| name), observers);
            let wide = viewers.count() >= everybody.majority();
            cells.push(Cell { probe: ProbePos::at(i), region: region.map(|(at, _)| at), viewers, wide });
            CellPos::at(cells.len() - 1)
        };
        let wanted: Vec<RegionPos> = match &probe.regions {
            None => (0..draft.regions.len()).map(RegionPos::at).collect(),
            Some(list) => list.iter().filter_map(|region| names.region(&probe.name, region)).collect(),
        };
        let (nowhere, in_regions): (Option<CellPos>, Box<[Option<CellPos>]>) = match probe.role {
            Role::Service => (Some(cell(names, None)), vec![None; draft.regions.len()].into()),
            Role::Each | Role::Active | Role::Standby => {
                let each = draft.regions.iter().enumerate().map(|(r, name)| (RegionPos::at(r), name));
                (None, each.map(|at| wanted.contains(&at.0).then(|| cell(names, Some(at)))).collect())
            }
        };
        probes.push(ProbePart {
            component: probe.component.as_ref().and_then(|c| names.component(&probe.name, c)),
            tier: probe.tier,
            role: probe.role,
            witness_of: match &probe.witness_of {
                None => None,
                Some(WitnessDraft::Active) => Some(WitnessOf::Active),
                Some(WitnessDraft::Region(region)) => {
                    names.region(&probe.name, region).map(WitnessOf::Region)
                }
            },
            drift: probe.drift,
            loss: probe.loss,
            cells: in_regions,
            nowhere,
        });
    }
    let depends: Vec<Vec<ComponentPos>> = (draft.components.iter())
        .map(|c| c.depends_on.iter().filter_map(|on| names.component(&c.name, on)).collect())
        .collect();
    let order = match in_order(depends.len(), |i| depends[i].iter().map(|c| c.index()).collect()) {
        Ok(order) => order.into_iter().map(ComponentPos::at).collect(),
        Err(circle) => {
            let names_of = circle.into_iter().map(|i| draft.components[i].name.clone()).collect();
            let service = Some(draft.name.clone());
            names.flaws.push(Flaw::Circle { service, what: What::Component, names: names_of });
            Vec::new()
        }
    };
    let members = |component: Option<ComponentPos>, tier: Tier| -> Vec<ProbePos> {
        (probes.iter().enumerate())
            .filter(|(_, p)| p.component == component && p.tier == tier)
            .map(|(i, _)| ProbePos::at(i))
            .collect()
    };
    let mut components = Vec::new();
    for (i, c) in draft.components.iter().enumerate() {
        let triggers = members(Some(ComponentPos::at(i)), Tier::Trigger);
        let counts = !triggers.is_empty();
        let list = if counts { triggers } else { members(Some(ComponentPos::at(i)), Tier::Inform) };
        rule_fits(names, Some(&c.name), c.down_when, list.len());
        components.push(ComponentPart {
            priority: c.priority,
            rule: c.down_when,
            depends_on: depends[i].clone(),
            members: list,
            counts,
        });
    }
    let own = members(None, Tier::Trigger);
    let critical =
        components.iter().filter(|c| c.counts && c.priority == crate::verdict::Priority::Critical).count();
    rule_fits(names, None, draft.down_when, critical + usize::from(!own.is_empty()));
    Parts { regions: draft.regions.len(), probes, components, order, own, rule: draft.down_when, cells }
}

fn rule_fits(names: &mut Names<'_>, component: Option<&Name>, rule: DownRule, there: usize) {
    if let DownRule::AtLeast(asked) = rule
        && (asked == 0 || usize::from(asked) > there)
    {
        let (service, component) = (names.draft.name.clone(), component.cloned());
        names.flaws.push(Flaw::DownRule { service, component, asked, there });
    }
}

fn viewers(
    names: &mut Names<'_>,
    probe: &ProbeDraft,
    region: Option<&Name>,
    observers: &[ObserverPolicy],
) -> Observers {
    let each = observers.iter().enumerate();
    match (&probe.from, region) {
        (From::All, _) => Observers::first(observers.len()),
        (From::Local, None) => {
            names.flaws.push(Flaw::LocalNowhere(names.draft.name.clone(), probe.name.clone()));
            Observers::NONE
        }
        (From::Local, Some(region)) => each
            .filter(|(_, o)| o.region == *region)
            .fold(Observers::NONE, |set, (i, _)| set.and(ObserverPos::at(i))),
        (From::Named(list), _) => list.iter().fold(Observers::NONE, |set, who| {
            match names.find(&probe.name, What::Observer, who, observers.iter().map(|o| &o.name)) {
                Some(i) => set.and(ObserverPos::at(i)),
                None => set,
            }
        }),
    }
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

fn plan(names: &mut Names<'_>, set: &PlanSet) -> PlanPolicy {
    let draft = names.draft;
    let by = set.name.clone();
    let all = |keep: &dyn Fn(&ProbeDraft) -> bool| -> Vec<ProbePos> {
        (draft.probes.iter().enumerate()).filter(|(_, p)| keep(p)).map(|(i, _)| ProbePos::at(i)).collect()
    };
    let first = set.plans().next();
    let mut resolved = |probes: Option<&ProbeSet>, every: Vec<ProbePos>| -> Vec<ProbePos> {
        let mut all = if probes.is_none_or(|probes| probes.every) { every } else { Vec::new() };
        let named = probes.map_or(&[][..], |probes| &probes.named);
        all.extend(named.iter().filter_map(|probe| names.probe(&by, probe)));
        all.sort_unstable();
        all.dedup();
        all
    };
    let requires = resolved(first.map(|plan| plan.requires()), all(&|p| p.tier == Tier::Gate));
    let loss_from = first.map(|plan| plan.loss_from());
    let loss = resolved(loss_from, all(&|p| p.loss));
    let loses = loss_from.is_some_and(|probes| !probes.every || !probes.named.is_empty());
    let cases = set.plans().map(|plan| case(draft, plan)).collect();
    PlanPolicy { name: by, set: set.clone(), requires, loss, loses, cases }
}

/// What gates ask of one case.
fn case(draft: &ServiceDraft, plan: &Plan) -> CasePolicy {
    let way = Only::Unplanned;
    CasePolicy {
        case: plan.case(),
        promotes: plan.promotes(way).next().is_some(),
        fenced: match plan.fencing(way) {
            Fencing::NotNeeded | Fencing::Unfenced(_) => true,
            Fencing::Named { strongest, unfenced, .. } => unfenced.is_some() || strongest.enough_for_auto(),
            Fencing::Absent => draft.stateless,
        },
        needs_dead: needs_dead(draft, plan),
        untold: u8::try_from(plan.needs_inputs().count()).unwrap_or(u8::MAX),
        at_most: plan.at_most(),
    }
}

/// How many steps of an unplanned run need the region that it leaves, which may be dead.
fn needs_dead(draft: &ServiceDraft, plan: &Plan) -> u16 {
    let Some(from) = plan.case().from().and_then(|at| draft.regions.get(at.index())) else { return 0 };
    let mut steps: Vec<StepPos> = plan.needs_of(from, Only::Unplanned).map(|(step, _)| step).collect();
    steps.dedup();
    u16::try_from(steps.len()).unwrap_or(u16::MAX)
}
