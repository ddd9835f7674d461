//! What is to hold: a scenario, or a rung; whole, and clause by clause.
//!
//! A clause is looked at in a policy in which no other can hold in its place: its scenario has no other clause, its
//! ladder no other rung (but a lowest one, which opens an incident).

use std::sync::Arc;

use watchkeeper::core::ids::{Name, RungPos, ScenarioPos};
use watchkeeper::core::policy::{Policy, PolicyDraft, RungDraft, When, WhenDraft};
use watchkeeper::core::state::Service;
use watchkeeper::core::verdict::{Clause, Condition, Level};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Scenario(ScenarioPos),
    Rung(RungPos),
}

/// One clause of it, alone.
pub(crate) struct Alone {
    pub(crate) policy: Arc<Policy>,
    pub(crate) what: What,
    pub(crate) clause: Clause,
}

/// A scenario or rung of a service.
pub(crate) struct Target {
    pub(crate) subject: usize,
    pub(crate) name: Name,
    pub(crate) what: What,
    pub(crate) clauses: Vec<Alone>,
}

impl What {
    pub(crate) fn holds(self, service: &Service) -> bool {
        match self {
            What::Scenario(at) => service.scenarios[at.index()].arming.holds().is_some(),
            What::Rung(at) => service.incident.rung() >= Some(at),
        }
    }
}

pub(crate) fn built(draft: &PolicyDraft) -> Arc<Policy> {
    let built = Policy::build(draft.clone());
    Arc::new(built.unwrap_or_else(|flaws| {
        panic!("{}", flaws.iter().map(|flaw| format!("\n  {flaw}")).collect::<String>())
    }))
}

/// Every scenario of every service, as in the policy.
pub(crate) fn scenarios(draft: &PolicyDraft, policy: &Policy) -> Vec<Target> {
    let mut found = Vec::new();
    for (subject, service) in policy.services.iter().enumerate() {
        for (i, scenario) in service.scenarios.iter().enumerate() {
            let what = What::Scenario(ScenarioPos::at(i));
            let alone = (0..scenario.when.clauses().len()).map(|nth| {
                let mut draft = draft.clone();
                let service = draft.services.iter_mut().find(|one| one.name == service.name);
                let when = &mut service.expect("a service of the draft").scenarios[i].when;
                *when = when.get(nth).cloned().into_iter().collect();
                let policy = built(&draft);
                let clause = policy.services[subject].scenarios[i].when.clauses()[0].clone();
                Alone { policy, what, clause }
            });
            found.push(Target { subject, name: scenario.name.clone(), what, clauses: alone.collect() });
        }
    }
    found
}

/// Every rung of every service that is not left to scenarios.
pub(crate) fn rungs(draft: &PolicyDraft, policy: &Policy) -> Vec<Target> {
    let mut found = Vec::new();
    for (subject, service) in policy.services.iter().enumerate() {
        for (i, rung) in service.ladder.rungs().iter().enumerate() {
            let Some(when) = &rung.when else { continue };
            let alone =
                (0..when.clauses().len()).map(|nth| rung_alone(draft, subject, &service.name, i, nth));
            let what = What::Rung(RungPos::at(i));
            found.push(Target { subject, name: rung.name.clone(), what, clauses: alone.collect() });
        }
    }
    found
}

fn rung_alone(draft: &PolicyDraft, subject: usize, service: &Name, rung: usize, nth: usize) -> Alone {
    let mut draft = draft.clone();
    let service = draft.services.iter_mut().find(|one| one.name == *service).expect("a service of the draft");
    let mut rung = service.rungs[rung].clone();
    rung.when = match rung.when {
        When::Never => When::Never,
        When::Written(all) => When::Written(vec![all[nth].clone()]),
        When::Preset(all) => {
            When::Preset(Condition::any(vec![all.clauses()[nth].clone()]).expect("a clause of a condition"))
        }
    };
    let trouble = WhenDraft { service: Some(Level::Trouble), ..WhenDraft::default() };
    let lowest = RungDraft {
        name: Name::new("lowest").expect("a name"),
        when: When::Written(vec![trouble]),
        ..rung.clone()
    };
    service.rungs = vec![lowest, rung];
    service.scenarios = Vec::new();
    let policy = built(&draft);
    let when = policy.services[subject].ladder.rungs()[1].when.as_ref().expect("a rung with a condition");
    let clause = when.clauses()[0].clone();
    Alone { policy, what: What::Rung(RungPos::at(1)), clause }
}
