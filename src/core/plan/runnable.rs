//! A plan that may be run: immutable, and made by [`check`](super::check::check) alone.
//!
//! Everything that a run or a gate asks of it is answered from what was decided at load. Which steps a run leaves out
//! depends on whether it is planned, so what depends on that is asked with the way of the run.

use super::flaw::CaseName;
use super::site::Case;
use super::step::{ActsAs, Input, Only, PlanKind, ProbeSet, Rate, Settles, Step, Touch};
use super::step_name::StepName;
use super::text::Text;
use crate::ids::{Name, StepPos};
use crate::time::Span;
use alloc::vec::Vec;

/// A plan of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    head: Head,
    steps: Vec<Step>,
}

/// What a plan is besides its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: Name,
    pub(super) service: Name,
    pub(super) kind: PlanKind,
    pub(super) case: Case,
    pub(super) at: CaseName,
    pub(super) stateless: bool,
    pub(super) drilled: bool,
    pub(super) title: Text,
    pub(super) text: Option<Text>,
    pub(super) requires: ProbeSet,
    pub(super) loss_from: ProbeSet,
    pub(super) fence: Vec<StepPos>,
    pub(super) unfenced: Option<Text>,
    /// All steps of what the config names; the last of them counts.
    pub(super) served: Option<Vec<StepPos>>,
    pub(super) phases: Vec<Phase>,
    pub(super) inputs: Vec<Input<Text>>,
    pub(super) at_most: Option<Rate>,
}

/// A part of a run with a deadline since its start; a missed one is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What it is called.
    pub name: Name,
    /// When it should be over.
    pub deadline: Span,
}

/// How a plan sees to it that the old side is settled before the new one may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fencing<'a> {
    /// It lets nothing write, or the service keeps nothing.
    NotNeeded,
    /// By the first of these that settles.
    Named {
        /// In the order in which they are tried.
        steps: &'a [StepPos],
        /// The strongest that takes part in such a run.
        strongest: Settles,
        /// The strongest of them that needs nothing of the old region.
        with_old_region_dead: Settles,
        /// Why it is acceptable to go on when none settles.
        unfenced: Option<&'a Text>,
    },
    /// Not at all, and this is why that is acceptable.
    Unfenced(&'a Text),
    /// Not at all: such a run needs an approval that shows the exposure.
    Absent,
}

impl Plan {
    /// For [`check`](super::check::check) only, which has put `steps` in order.
    pub(super) const fn checked(head: Head, steps: Vec<Step>) -> Plan {
        Plan { head, steps }
    }

    pub(super) const fn head(&self) -> &Head {
        &self.head
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.head.name
    }

    /// Whose it is.
    #[must_use]
    pub const fn service(&self) -> &Name {
        &self.head.service
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> PlanKind {
        self.head.kind
    }

    /// Where it acts.
    #[must_use]
    pub const fn case(&self) -> Case {
        self.head.case
    }

    /// Where it acts, by name.
    #[must_use]
    pub const fn at(&self) -> &CaseName {
        &self.head.at
    }

    /// What people call it.
    #[must_use]
    pub const fn title(&self) -> &Text {
        &self.head.title
    }

    /// One sentence for 3 a.m.
    #[must_use]
    pub const fn text(&self) -> Option<&Text> {
        self.head.text.as_ref()
    }

    /// What must be up where it acts.
    #[must_use]
    pub const fn requires(&self) -> &ProbeSet {
        &self.head.requires
    }

    /// What the data-loss gate reads.
    #[must_use]
    pub const fn loss_from(&self) -> &ProbeSet {
        &self.head.loss_from
    }

    /// What it must, or may, be told when it is started.
    #[must_use]
    pub fn inputs(&self) -> &[Input<Text>] {
        &self.head.inputs
    }

    /// The inputs that must be given: with any, it cannot start unasked.
    pub fn needs_inputs(&self) -> impl Iterator<Item = &Name> {
        self.head.inputs.iter().filter(|input| input.default.is_none()).map(|input| &input.name)
    }

    /// Further runs need approval.
    #[must_use]
    pub const fn at_most(&self) -> Option<Rate> {
        self.head.at_most
    }

    /// By deadline.
    #[must_use]
    pub fn phases(&self) -> &[Phase] {
        &self.head.phases
    }

    /// In topological order: by the longest way to each, then by name. A [`StepPos`] is a place in this list, and
    /// whatever a step needs stands before it.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// One of them.
    #[must_use]
    pub fn step(&self, pos: StepPos) -> Option<&Step> {
        self.steps.get(pos.index())
    }

    /// Where a step of that name stands.
    #[must_use]
    pub fn position(&self, name: &StepName) -> Option<StepPos> {
        self.steps.iter().position(|step| step.name == *name).map(StepPos::at)
    }

    /// The steps of a live run of that way.
    pub fn steps_of(&self, way: Only) -> impl DoubleEndedIterator<Item = (StepPos, &Step)> {
        self.steps
            .iter()
            .enumerate()
            .map(|(i, step)| (StepPos::at(i), step))
            .filter(move |(_, step)| step.takes_part(way))
    }

    /// The steps of such a run that let a side write.
    pub fn promotes(&self, way: Only) -> impl Iterator<Item = StepPos> {
        self.steps_of(way).filter(|(_, step)| step.acts_as == ActsAs::Promotes).map(|(pos, _)| pos)
    }

    /// From here on nothing is undone: the first step that promotes; in a failover with none, the first that routes.
    #[must_use]
    pub fn commit_point(&self, way: Only) -> Option<StepPos> {
        let routes =
            || self.steps_of(way).find(|(_, step)| step.acts_as == ActsAs::Routes).map(|(pos, _)| pos);
        let promotes = self.promotes(way).next();
        promotes.or_else(|| if self.kind() == PlanKind::Failover { routes() } else { None })
    }

    /// After this step users are served: the one that the config names; else the last that routes; else the last that
    /// changes anything.
    #[must_use]
    pub fn served(&self, way: Only) -> Option<StepPos> {
        let last = |want: &dyn Fn(StepPos, &Step) -> bool| {
            self.steps_of(way).rev().find(|&(pos, step)| want(pos, step)).map(|(pos, _)| pos)
        };
        let named = |pos: StepPos| self.head.served.as_ref().is_some_and(|named| named.contains(&pos));
        last(&|pos, _| named(pos))
            .or_else(|| last(&|_, step| step.acts_as == ActsAs::Routes))
            .or_else(|| last(&|_, step| step.changing))
    }

    /// How a run of that way settles the old side.
    #[must_use]
    pub fn fencing(&self, way: Only) -> Fencing<'_> {
        if self.commit_point(way).is_none() {
            return Fencing::NotNeeded;
        }
        let Head { fence, unfenced, stateless, .. } = &self.head;
        let fences = || fence.iter().filter_map(|&pos| self.step(pos)).filter(|step| step.takes_part(way));
        let strongest = |of: &mut dyn Iterator<Item = &Step>| {
            of.map(|step| step.settles).max().unwrap_or(Settles::Nothing)
        };
        if fences().next().is_some() {
            return Fencing::Named {
                steps: fence,
                strongest: strongest(&mut fences()),
                with_old_region_dead: strongest(&mut fences().filter(|step| !self.touches_old(step))),
                unfenced: unfenced.as_ref(),
            };
        }
        match unfenced {
            _ if *stateless || self.promotes(way).next().is_none() => Fencing::NotNeeded,
            Some(why) => Fencing::Unfenced(why),
            None => Fencing::Absent,
        }
    }

    /// What a run of that way needs of a region: a fence may fail, and what may fail without consequence is not needed.
    pub fn needs_of<'a>(&'a self, region: &'a Name, way: Only) -> impl Iterator<Item = (StepPos, &'a Touch)> {
        self.steps_of(way)
            .filter(|(_, step)| step.acts_as != ActsAs::Fences)
            .filter(|(pos, step)| !self.may_fail(*pos, step))
            .flat_map(move |(pos, step)| {
                step.touches
                    .iter()
                    .filter(move |touch| touch.region.as_ref() == Some(region))
                    .map(move |touch| (pos, touch))
            })
    }

    /// The longest that a run of that way can take, drains and people apart: the longest way of time-outs and retries.
    #[must_use]
    pub fn longest(&self, way: Only) -> Span {
        let mut until: Vec<Span> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let start = step
                .needs
                .iter()
                .filter_map(|need| until.get(need.index()))
                .max()
                .copied()
                .unwrap_or_default();
            until.push(if step.takes_part(way) { start.plus(step.longest()) } else { start });
        }
        until.into_iter().max().unwrap_or_default()
    }

    fn touches_old(&self, step: &Step) -> bool {
        let CaseName { from, at } = &self.head.at;
        let old = from.as_ref().unwrap_or(at);
        step.touches.iter().any(|touch| touch.region.as_ref() == Some(old))
    }

    /// Whether the run goes on as if nothing were, when this step fails.
    fn may_fail(&self, pos: StepPos, step: &Step) -> bool {
        use super::step::OnFailure;
        use super::text::RunTime;
        let matters = match step.acts_as {
            ActsAs::Promotes | ActsAs::Routes => true,
            ActsAs::Fences | ActsAs::Verifies | ActsAs::Other => false,
        };
        let mut used = false;
        for later in self.steps.iter().skip(pos.index()) {
            later.each_text(&mut |_, text| {
                used |=
                    text.placeholders().any(|one| matches!(one, RunTime::Output(of, _) if *of == step.name));
            });
        }
        step.on_failure == OnFailure::Continue && !matters && !used
    }
}
