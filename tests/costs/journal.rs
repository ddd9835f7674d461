//! A long journal, for measuring how fast a run is restored from it: a repair whose steps are each done at once and then
//! looked at again and again until their effect is there. It measures nothing of its own.

use std::sync::Arc;

use watchkeeper_core::authority::{ClusterId, Epoch};
use watchkeeper_core::ids::{Name, RegionPos};
use watchkeeper_core::plan::{
    ActionDraft, BodyDraft, Case, Entry, Known, Mode, Only, Op, Plan, PlanDraft, PlanKind, Reply, RunId,
    Sent, Site, Start, StepDraft, StepName, plan_set,
};

/// A plan of so many steps, each needing the one before, and a journal of it of about so many entries (never fewer).
pub(crate) fn of(steps: usize, entries: usize) -> (Arc<Plan>, Vec<Entry>) {
    let plan = plan(steps);
    let mut journal = vec![Entry::Started(Start {
        run: RunId(1),
        plan: plan.name().clone(),
        hash: None,
        way: Only::Unplanned,
        mode: Mode::Live,
        cluster: ClusterId(1),
        epoch: Epoch(1),
        serial: 0,
        given: Vec::new(),
        exposure_accepted: false,
    })];
    let rounds = entries.div_ceil(steps).div_ceil(4);
    for step in plan.steps() {
        let sent = Arc::new(Sent { body: step.body.clone(), resource: step.resource.clone() });
        heard(&mut journal, &step.name, Op::Do, Some(&sent), Reply::Done);
        for _ in 0..rounds {
            heard(&mut journal, &step.name, Op::Verify, None, Reply::NotDone);
            heard(&mut journal, &step.name, Op::Observe, None, Reply::Done);
        }
        heard(&mut journal, &step.name, Op::Verify, None, Reply::Done);
    }
    (plan, journal)
}

fn plan(steps: usize) -> Arc<Plan> {
    let name = |text: &str| Name::new(text).expect("a name");
    let mut draft = PlanDraft::new(name("repair"), PlanKind::Repair);
    draft.steps = (0..steps)
        .map(|at| {
            let action = BodyDraft::Action(ActionDraft::new(name("exec")));
            let mut step = StepDraft::new(name(&format!("step-{at}")), action);
            step.needs =
                at.checked_sub(1).map(|before| name(&format!("step-{before}"))).into_iter().collect();
            step
        })
        .collect();
    let site = Site::new(name("service"), &[name("east")]);
    let known = Known { probes: [].into(), components: [].into() };
    let set = plan_set(&draft, &[], &site, &known).expect("a plan");
    Arc::clone(set.plan(Case::At(RegionPos::at(0))).expect("its case"))
}

/// An intent, and what came back.
fn heard(journal: &mut Vec<Entry>, step: &StepName, op: Op, sent: Option<&Arc<Sent>>, reply: Reply) {
    let (serial, undoing) = (journal.len() as u64, false);
    let (step, sent) = (step.clone(), sent.cloned());
    journal.push(Entry::Intent { step: step.clone(), undoing, op, attempt: 1, serial, sent });
    journal.push(Entry::Heard { step, undoing, serial, reply, outputs: Vec::new() });
}
