//! How one try of a step comes about: where it leads users is read back, everything that it sends is filled in, and only
//! then its intent is written, with exactly that.

use super::cell::Cell;
use super::clock::Wake;
use super::run::Run;
use super::step_table::{StepInput, StepState};
use super::want::Want;
use super::watch::Target;
use crate::ids::Name;
use crate::mutants::{self, Mutant};
use crate::plan::StepName;
use crate::plan::fill::{Filled, NotFilled};
use crate::plan::journal::{Entry, Mode, Sent, Stuck};
use crate::plan::step::Body;
use crate::plan::text::{RunTime, Text};
use crate::time::{Mono, Span};
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A target that was read back so long ago is read again.
const FRESH: Span = Span::secs(10);
/// The pause between two reads of a target that is not writable.
const READ_AGAIN: Span = Span::secs(1);

impl Run {
    pub(super) fn try_step(
        &mut self,
        place: usize,
        undoing: bool,
        now: Mono,
        wake: &mut Wake,
        wants: &mut Vec<Want>,
        cells: &mut Vec<Cell>,
    ) -> Option<Entry> {
        let name = self.ledger.step(place)?.name.clone();
        if let Some(region) = self.ledger.leads_to(place, undoing).cloned()
            && !(mutants::on(Mutant::RoutesUnread) || mutants::on(Mutant::RoutesEarly))
            && !self.target(place, undoing, &name, &region, now, wake, wants, cells)
        {
            return None;
        }
        let serial = self.next_serial();
        let sent = if undoing {
            // What is taken back is what was sent.
            self.ledger.doing.get(place)?.sent.clone()?
        } else {
            match self.fill(place, serial) {
                Ok(sent) => Arc::new(sent),
                Err(why) => {
                    self.queue.push(Entry::Stuck { step: name, undoing, why });
                    wake.passed(now + Span::micros(1), now);
                    return None;
                }
            }
        };
        if let Some(watch) = self.watch_mut(place, undoing) {
            (watch.target, watch.reading) = (Target::Unread, None);
        }
        self.intend(place, undoing, serial, sent, cells)
    }

    /// Whether users may be led there, as of just now; reads it back if that is not known.
    #[expect(clippy::too_many_arguments, reason = "one step's target, and everything that a look is told")]
    fn target(
        &mut self,
        place: usize,
        undoing: bool,
        name: &StepName,
        region: &Name,
        now: Mono,
        wake: &mut Wake,
        wants: &mut Vec<Want>,
        cells: &mut Vec<Cell>,
    ) -> bool {
        let Some(timeout) = self.ledger.step(place).map(|step| step.timeout) else { return false };
        let Some(watch) = self.watch_mut(place, undoing) else { return false };
        let since = *watch.reading.get_or_insert(now);
        let ask = match watch.target {
            Target::Writable(at) if now <= at + FRESH => return true,
            Target::Unread | Target::Writable(_) => true,
            // An answer that never comes is asked for again.
            Target::Asked(at) => wake.passed(at + FRESH, now),
            Target::NotWritable(at) => wake.passed(at + READ_AGAIN, now),
        };
        if wake.passed(since + timeout, now) {
            (watch.target, watch.reading) = (Target::Unread, None);
            let why = Stuck::NotWritable(region.clone());
            if let Some(position) = self.ledger.position_mut(place, undoing)
                && position.state == StepState::Waiting
            {
                position.feed(StepInput::Deadline, cells);
            }
            self.queue.push(Entry::Stuck { step: name.clone(), undoing, why });
            wake.passed(now + Span::micros(1), now);
        } else if ask {
            watch.target = Target::Asked(now);
            wake.passed(now + FRESH, now);
            wants.push(Want::ReadBack { step: name.clone(), region: region.clone() });
        }
        false
    }

    /// What a try of it sends: the drill's own action in a drill, and everything filled in. What is only shown may hold
    /// what nobody knows.
    fn fill(&self, place: usize, serial: u64) -> Result<Sent, Stuck> {
        let Some(step) = self.ledger.step(place) else {
            return Err(Stuck::NotFilled(RunTime::RunId));
        };
        let drill = self.ledger.start.mode == Mode::Drill;
        let body = match &step.drill.action {
            Some(action) if drill => Body::Action(action.clone()),
            Some(_) | None => step.body.clone(),
        };
        let resource = if drill { &step.drill.resource } else { &step.resource };
        let mut look = |run: &RunTime| self.known(run, serial);
        let filled = body.fill(&mut look).and_then(|body| {
            let resource: Option<Text> =
                resource.as_ref().map(|resource| resource.fill(&mut look)).transpose()?;
            Ok(Sent { body, resource })
        });
        match filled {
            Ok(sent) => Ok(sent),
            Err(_) if !self.ledger.is_real(place) => Ok(Sent { body, resource: resource.clone() }),
            Err(NotFilled::Unknown(run)) => Err(Stuck::NotFilled(run)),
            Err(NotFilled::List(run)) => Err(Stuck::NotAText(run)),
        }
    }

    /// What a placeholder stands for, in this run and now.
    fn known(&self, run: &RunTime, serial: u64) -> Option<Filled> {
        let start = &self.ledger.start;
        let one = |text: alloc::string::String| Some(Filled::One(Arc::from(text)));
        match run {
            RunTime::RunId => one(start.run.0.to_string()),
            RunTime::RunToken => one(self.token(serial).to_string()),
            RunTime::Output(step, output) => {
                let position = self.ledger.doing.get(self.ledger.place(step)?)?;
                position.outputs.iter().find(|(name, _)| name == output).map(|(_, filled)| filled.clone())
            }
            RunTime::Input(name) => self.given(run).or_else(|| {
                let input = self.ledger.plan.inputs().iter().find(|input| input.name == *name)?;
                // A default names neither inputs nor outputs, so this goes no deeper.
                let text = input.default.as_ref()?.fill(&mut |run| self.known_at_start(run, serial)).ok()?;
                Some(Filled::One(Arc::from(text.as_plain()?)))
            }),
            RunTime::IncidentId | RunTime::IncidentStarted | RunTime::Trigger(_) => self.given(run),
        }
    }

    fn known_at_start(&self, run: &RunTime, serial: u64) -> Option<Filled> {
        match run {
            RunTime::Input(_) | RunTime::Output(..) => None,
            RunTime::RunId
            | RunTime::RunToken
            | RunTime::IncidentId
            | RunTime::IncidentStarted
            | RunTime::Trigger(_) => self.known(run, serial),
        }
    }

    fn given(&self, run: &RunTime) -> Option<Filled> {
        let given = &self.ledger.start.given;
        given.iter().find(|(known, _)| known == run).map(|(_, filled)| filled.clone())
    }
}
