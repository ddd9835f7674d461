//! What a run may do now: which step comes after which, whether the old side is settled, where the commit point is.
//!
//! Each is a question about what is; none changes anything.

use super::ledger::Ledger;
use super::position::Landed;
use super::step_table::StepState;
use super::want::HeldWhy;
use crate::ids::{Name, StepPos};
use crate::mutants::{self, Mutant};
use crate::plan::graph::{Graph, Nodes};
use crate::plan::journal::{Mode, Start};
use crate::plan::own::Own;
use crate::plan::runnable::{Fencing, Plan};
use crate::plan::step::{ActsAs, Body, InDrill, LateCall, PlanKind, Step};
use alloc::vec::Vec;

/// What follows from plan and start alone, worked out once: it is asked for after each entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ground {
    /// All that each step waits for, itself or through others: a step that is skipped lets nothing overtake what it
    /// waited for.
    above: Vec<Nodes>,
    /// The fences that are tried in order.
    fences: Vec<usize>,
    /// The plan says why it needs none that settles.
    unfenced: bool,
    /// Something promotes.
    promotes: bool,
}

impl Ground {
    pub(super) fn of(plan: &Plan, start: &Start) -> Ground {
        let mut graph = Graph::new(plan.steps().len());
        for (place, step) in plan.steps().iter().enumerate() {
            step.needs.iter().for_each(|need| graph.add(place, need.index()));
        }
        let (steps, unfenced): (&[StepPos], bool) = match plan.fencing(start.way) {
            Fencing::Named { steps, unfenced, .. } => (steps, unfenced.is_some()),
            Fencing::NotNeeded | Fencing::Unfenced(_) => (&[], true),
            Fencing::Absent => (&[], false),
        };
        let part = |pos: &&StepPos| plan.step(**pos).is_some_and(|step| step.takes_part(start.way));
        Ground {
            above: graph.ancestors(),
            fences: steps.iter().filter(part).map(|pos| pos.index()).collect(),
            unfenced,
            promotes: plan.promotes(start.way).next().is_some(),
        }
    }
}

impl Ledger {
    /// Whether the step really sends something in this run.
    pub(super) fn is_real(&self, place: usize) -> bool {
        match self.start.mode {
            Mode::Live => true,
            Mode::Drill => self.step(place).is_some_and(|step| step.drill.does == InDrill::Run),
            Mode::Preview => false,
        }
    }

    /// Whether nobody is asked: it is only shown, or it is one of the core's own that wait.
    pub(super) fn answers_itself(&self, place: usize) -> bool {
        !self.is_real(place)
            || self.step(place).is_some_and(|step| match &step.body {
                Body::Own(
                    Own::Wait { .. } | Own::Lapse { .. } | Own::Approve { .. } | Own::Checklist { .. },
                ) => true,
                Body::Own(Own::TrafficGate { .. } | Own::Pause { .. }) | Body::Action(_) => false,
            })
    }

    /// Whether it matters if a call of it has landed.
    pub(super) fn changes(&self, place: usize) -> bool {
        let changes =
            |step: &Step| step.changing || matches!(step.acts_as, ActsAs::Promotes | ActsAs::Routes);
        self.is_real(place) && self.step(place).is_some_and(changes)
    }

    /// Whether everything that must be final before it is: what it needs or, while undoing, what needed it.
    pub(super) fn before_is_final(&self, place: usize, undoing: bool) -> bool {
        let before =
            |late: usize, early: usize| self.ground.above.get(late).is_some_and(|above| above.has(early));
        self.positions(undoing).iter().enumerate().all(|(other, position)| {
            let first = if undoing { before(other, place) } else { before(place, other) };
            other == place || !first || position.state.is_final() || self.overtakes(place, other, undoing)
        })
    }

    /// The mutants that let a step begin before what it waits for.
    fn overtakes(&self, place: usize, other: usize, undoing: bool) -> bool {
        let acts = |place: usize, acts_as| self.step(place).is_some_and(|step| step.acts_as == acts_as);
        match undoing {
            true => mutants::on(Mutant::UndoUnordered),
            false => {
                mutants::on(Mutant::NeedsIgnored)
                    || (mutants::on(Mutant::PromoteBeforeFence)
                        && self.is_guarded(place)
                        && self.is_fence(other))
                    || (mutants::on(Mutant::RoutesEarly)
                        && acts(place, ActsAs::Routes)
                        && acts(other, ActsAs::Promotes))
            }
        }
    }

    /// Whether it is one of the fences that are tried in order.
    pub(super) fn is_fence(&self, place: usize) -> bool {
        self.start.mode == Mode::Live && self.fences().any(|fence| fence == place)
    }

    fn fences(&self) -> impl Iterator<Item = usize> + '_ {
        self.ground.fences.iter().copied()
    }

    /// Whether the old side is settled by a fence that is enough for a run that nobody approved.
    pub(super) fn fence_settled(&self) -> bool {
        self.start.mode == Mode::Live
            && self.fences().any(|place| {
                let enough = self.step(place).is_some_and(|step| step.settles.enough_for_auto());
                enough
                    && self.doing.get(place).is_some_and(|position| match position.state {
                        StepState::Skipped | StepState::Failed => mutants::on(Mutant::SkippedFenceSettles),
                        state => state == StepState::Done,
                    })
            })
    }

    fn exposure_accepted(&self) -> bool {
        self.accepted || self.ground.unfenced || mutants::on(Mutant::ExposureUnasked)
    }

    /// A fence that nobody can say anything of makes room for the next, or for going on without.
    pub(super) fn may_pass_over(&self, place: usize) -> bool {
        let later = self.fences().skip_while(|&fence| fence != place).skip(1);
        let open = |fence: usize| self.doing.get(fence).is_some_and(|position| !position.state.is_final());
        self.state == super::run_table::RunState::Running
            && (self.exposure_accepted() || later.into_iter().any(open))
    }

    /// Whether the new side may be let to write.
    pub(super) fn may_promote(&self) -> bool {
        let unfenced = mutants::on(Mutant::PromoteBeforeFence);
        if self.start.mode != Mode::Live || self.fence_settled() || unfenced {
            return true;
        }
        let tried = self
            .fences()
            .all(|place| self.doing.get(place).is_some_and(|position| position.state.is_final()));
        tried && self.exposure_accepted()
    }

    /// Whether it is behind the fences: it promotes or, where nothing does, leads users.
    pub(super) fn is_guarded(&self, place: usize) -> bool {
        self.step(place).is_some_and(|step| match step.acts_as {
            ActsAs::Promotes => true,
            ActsAs::Routes => self.plan.kind() == PlanKind::Failover && !self.ground.promotes,
            ActsAs::Fences | ActsAs::Verifies | ActsAs::Other => false,
        })
    }

    /// Every fence was tried, none settled, nobody accepted that, and something waits for it.
    pub(super) fn fences_open(&self) -> bool {
        let waits = self
            .doing
            .iter()
            .enumerate()
            .any(|(place, position)| position.state == StepState::Waiting && self.is_guarded(place));
        let tried = self
            .fences()
            .all(|place| self.doing.get(place).is_some_and(|position| position.state.is_final()));
        waits && tried && !self.may_promote()
    }

    /// Whether the outcome of this step sets the active region: the first that promotes or, if a person skipped that, the
    /// first that leads users to a side which was read back as writable.
    pub(super) fn moves(&self, place: usize) -> bool {
        let routes = self.step(place).is_some_and(|step| step.acts_as == ActsAs::Routes);
        !self.moved
            && self.start.mode == Mode::Live
            && self.plan.kind() == PlanKind::Failover
            && (self.is_guarded(place) || routes)
    }

    /// Why nothing may be undone although nothing is under way; none: it may.
    pub(super) fn beyond(&self) -> Option<HeldWhy> {
        let landed = |place: usize| self.doing.get(place).map_or(Landed::No, |position| position.landed);
        let name = |place: usize| self.step(place).map(|step| step.name.clone());
        let places = || 0..self.doing.len();
        if self.start.mode == Mode::Live && !mutants::on(Mutant::UndoPastPromotion) {
            // The record has moved with it: that the new side is not there any more makes the old one no better.
            if let Some(name) = self.crossed.and_then(name) {
                return Some(HeldWhy::PastCommitPoint(name));
            }
        }
        let unknown = places().find(|&place| {
            let one_way =
                self.step(place).is_some_and(|step| step.one_way && step.late_call == LateCall::None);
            let was_unknown = self.doing.get(place).is_some_and(|position| position.was_unknown);
            landed(place) == Landed::Unknown || (one_way && was_unknown && self.changes(place))
        });
        unknown.and_then(name).map(HeldWhy::Unknown).filter(|_| !mutants::on(Mutant::UndoThoughUnknown))
    }

    /// Whether a person had to accept something, so that `done` alone would say too much.
    pub(super) fn excepted(&self) -> bool {
        let settled = self.fence_settled();
        self.doing.iter().enumerate().any(|(place, position)| {
            let by_drill = self.start.mode == Mode::Drill
                && self.step(place).is_some_and(|step| step.drill.does == InDrill::Skip);
            match position.state {
                StepState::Failed => !(settled && self.is_fence(place)),
                StepState::Skipped => !(by_drill || (settled && self.is_fence(place))),
                _ => false,
            }
        })
    }

    /// Where a step leads users or, while undoing, led them before; none: it leads nobody.
    pub(super) fn leads_to(&self, place: usize, undoing: bool) -> Option<&Name> {
        let step = self.step(place)?;
        let routes = step.acts_as == ActsAs::Routes && self.start.mode == Mode::Live;
        let old = self.plan.at().from.as_ref().unwrap_or(&self.plan.at().at);
        routes.then_some(if undoing { old } else { &step.acts_in })
    }
}
