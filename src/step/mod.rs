//! Steps: what the core wants changed, carried out. One file a kind.
//!
//! It must never choose: what is sent was decided, previewed and written down before ([`Call`]); a shell hands it over
//! or says that it did not. It must never send a byte that changes something without having looked at the clock in the
//! same code (`Gate`), never run a shell, and never show a secret. *Not done* and *refused* are said only when
//! nothing was changed and nothing still can be; else *unknown*.

mod came;
mod dns_line;
mod dns_update;
mod exec;
mod http;
mod keys;
mod mark;
mod notify;
mod postgres_fence;
mod postgres_promote;
mod postmaster;
mod redis_promote;
pub mod runner;
mod verify;

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::config::expr::Expr;
use crate::config::wiring::Exec as Allowed;
use crate::core::effect::Call;
use crate::core::plan::{Body, Op, Sealed};
use crate::core::time::{Mono, Span};
use crate::probe::{Gate, Kit as Reach, Seen};

use came::Came;
pub use notify::{Notice, Outbox};
pub use runner::{Ended, Limits, Order, Runner};
pub use verify::{Looked, Probing};

/// What all steps share. It lives as long as the daemon.
pub struct Kit {
    /// Clock, resolver and authorities: steps reach their targets as probes do.
    pub reach: Arc<Reach>,
    /// What may be run, as of now.
    pub exec: Arc<dyn Fn() -> Allowed + Send + Sync>,
    /// Who looks when a step asks for probes.
    pub probing: Arc<dyn Probing>,
    /// Who keeps what people must be told.
    pub outbox: Arc<dyn Outbox>,
}

/// One call, and all that carrying it out needs.
pub(crate) struct Asked<'a> {
    kit: &'a Kit,
    call: &'a Call,
    gate: &'a Arc<Gate>,
}

/// One kind of step, with what it sends.
trait Act: Send + Sync {
    /// Carries out what is asked. It may be dropped at any point, and must then leave nothing running.
    fn act<'a>(&'a self, asked: &'a Asked<'a>) -> BoxFuture<'a, Came>;
}

/// The list of kinds. What a plan holds was checked at load, so what is wrong here is said as refused.
fn build(kit: &Kit, sealed: &Sealed) -> Result<Box<dyn Act>, String> {
    let keys = keys::Keys::of(sealed);
    Ok(match sealed.kind().as_str() {
        "http" => Box::new(http::Http::new(&keys)?),
        "exec" => Box::new(exec::Exec::new(&keys, &(kit.exec)())?),
        "verify" => Box::new(verify::Verify::new(&keys)?),
        "notify" => Box::new(notify::Notify::new(&keys)?),
        "dns_update" => Box::new(dns_update::Update::new(&keys)?),
        "postgres_fence" => Box::new(postgres_fence::Fence::new(&keys)?),
        "postgres_promote" => Box::new(postgres_promote::Promote::new(&keys)?),
        "redis_promote" => Box::new(redis_promote::Promote::new(&keys)?),
        other => return Err(format!("steps of kind `{other}` are not built yet")),
    })
}

/// What is worth knowing of a step before it is needed, found by looking at its target, for a preview and for `check`
/// against live servers. It changes nothing.
pub async fn notes(reach: &Arc<Reach>, sealed: &Sealed, within: Span) -> Vec<String> {
    let keys = keys::Keys::of(sealed);
    if sealed.kind().as_str() != "postgres_promote" {
        return Vec::new();
    }
    let promote = match postgres_promote::Promote::new(&keys) {
        Ok(promote) => promote,
        Err(wrong) => return vec![format!("this cannot be carried out: {wrong}")],
    };
    let mut seen = Seen::through(reach, &[], None, reach.now().mono + within);
    let looked = tokio::time::timeout(crate::probe::duration(within), promote.notes(&mut seen)).await;
    looked.unwrap_or_else(|_| vec![format!("this standby does not answer within {within}")])
}

/// Carries out one call; everything that can be wrong with it is an answer.
async fn carry_out(asked: &Asked<'_>) -> Came {
    let Body::Action(sealed) = &asked.call.sent.body else {
        return Came::refused("this step is the core's own, and no shell carries it out");
    };
    match build(asked.kit, sealed) {
        Ok(act) => act.act(asked).await,
        Err(wrong) => Came::refused(format!("this cannot be carried out: {wrong}")),
    }
}

impl<'a> Asked<'a> {
    fn now(&self) -> Mono {
        self.kit.reach.now().mono
    }

    fn left(&self) -> Span {
        self.call.deadline - self.now()
    }

    /// How long something may still be handed over.
    fn may(&self) -> Span {
        let end = self.call.not_after.map_or(self.call.until, |end| end.min(self.call.until));
        end - self.now()
    }

    /// A way to the target; `expect` is what will be compared.
    fn seen<'s>(&'s self, expect: &'s [Expr]) -> Seen<'s> {
        Seen::through(&self.kit.reach, expect, Some(self.gate), self.call.deadline)
    }
}

/// What is done about an operation by a kind whose owner says how it is looked at and taken back.
enum Way<'a, T> {
    Change(&'a T),
    Look(&'a T),
    Known(Came),
}

fn way<'a, T>(op: Op, run: &'a T, observe: Option<&'a T>, undo: Option<&'a T>) -> Way<'a, T> {
    match (op, observe, undo) {
        (Op::Do, _, _) => Way::Change(run),
        (Op::Undo, _, Some(undo)) => Way::Change(undo),
        (Op::Undo, _, None) => Way::Known(Came::refused("this step has no `undo`")),
        (Op::Observe | Op::Verify, Some(observe), _) => Way::Look(observe),
        (Op::Observe, None, _) => Way::Known(Came::unknown("this step has no `observe`, so nobody can say")),
        // What came back was all that there is to look at.
        (Op::Verify, None, _) => Way::Known(Came::done()),
    }
}

fn looks(op: Op) -> bool {
    match op {
        Op::Observe | Op::Verify => true,
        Op::Do | Op::Undo => false,
    }
}
