//! What a look has seen so far: it outlives the look, so that one that is cut short still says where it stood.

use std::future::Future;
use std::sync::Arc;

use super::{Gate, Kit, Phase, Why, blind, failed};
use crate::config::expr::{Expr, NotEvaluated, Vars};
use crate::config::probe::Probe;
use crate::core::health::{Blindness, Failure};
use crate::core::time::{Mono, Span};

/// What a look has seen so far.
pub(crate) struct Seen<'a> {
    pub(super) kit: &'a Kit,
    /// The probe that looks; none: a step does.
    pub(super) wiring: Option<&'a Probe>,
    /// What is compared afterwards.
    pub(super) expect: &'a [Expr],
    /// What changes something passes here.
    pub(crate) gate: Option<&'a Arc<Gate>>,
    /// From then on it is over.
    pub(super) deadline: Mono,
    pub(crate) vars: Vars,
    pub(super) reading: Option<Span>,
    pub(super) phases: Vec<(Phase, Span)>,
    /// The phase that runs, and since when.
    running: Option<(Phase, Mono)>,
    /// The body is no JSON: what reads its fields found no answer there, which is the target's trouble.
    pub(super) body_is_text: bool,
}

impl<'a> Seen<'a> {
    pub(super) fn new(kit: &'a Kit, wiring: &'a Probe, deadline: Mono) -> Seen<'a> {
        Seen { wiring: Some(wiring), ..Seen::through(kit, &wiring.expect, None, deadline) }
    }

    /// For a step: what it hands over passes the gate.
    pub(crate) fn through(
        kit: &'a Kit,
        expect: &'a [Expr],
        gate: Option<&'a Arc<Gate>>,
        deadline: Mono,
    ) -> Seen<'a> {
        Seen {
            kit,
            wiring: None,
            expect,
            gate,
            deadline,
            vars: Vars::default(),
            reading: None,
            phases: Vec::with_capacity(4),
            running: None,
            body_is_text: false,
        }
    }

    /// Runs one phase and notes how long it took.
    pub(super) async fn phase<T>(&mut self, phase: Phase, work: impl Future<Output = T>) -> T {
        self.begin(phase);
        let done = work.await;
        self.end();
        done
    }

    /// A phase begins, and the one before it ends.
    pub(super) fn begin(&mut self, phase: Phase) {
        self.end();
        self.running = Some((phase, self.kit.now().mono));
    }

    /// What runs ends.
    pub(super) fn end(&mut self) {
        if let Some((phase, since)) = self.running.take() {
            self.phases.push((phase, self.kit.now().mono - since));
        }
    }

    /// How much time is left.
    pub(super) fn left(&self) -> Span {
        self.deadline - self.kit.now().mono
    }

    /// Whether some expectation speaks of that variable.
    pub(super) fn wants(&self, variable: &str) -> bool {
        self.expect.iter().any(|expect| expect.uses(variable))
    }

    pub(super) fn holds(&self, expect: &Expr) -> Result<bool, NotEvaluated> {
        expect.eval(&self.vars)
    }

    /// An expectation that says neither yes nor no: ours, unless the target's answer was no answer at all.
    pub(super) fn unevaluated(&self, expect: &Expr, wrong: &NotEvaluated) -> Why {
        if self.body_is_text && expect.uses("body") {
            let detail = format!("`{}` reads fields of a body that is no JSON", expect.text());
            return failed(Failure::BadAnswer, detail);
        }
        blind(Blindness::Evaluation, format!("`{}` cannot be evaluated: {wrong}", expect.text()))
    }

    /// For the words about a look that was cut short.
    pub(super) fn where_it_stood(&mut self) -> String {
        let during = self.running.map(|(phase, _)| phase);
        self.end();
        during.map_or_else(String::new, |phase| format!(" (while at: {phase})"))
    }

    /// All that was seen, by name.
    pub(super) fn shown(&self) -> Vec<(String, String)> {
        self.vars.shown().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
