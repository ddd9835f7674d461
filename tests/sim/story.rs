//! A world's story in words that a person reads. Only words; nothing here decides or checks.

use watchkeeper_core::agree::{Txn, Write};
use watchkeeper_core::effect::Call;
use watchkeeper_core::event::Event;
use watchkeeper_core::plan::Body;

use crate::coordinator::plan_name;

/// What a transaction would write.
pub(crate) fn writes(txn: &Txn) -> String {
    let one = |write: &Write| match write {
        Write::Vote(vote) => {
            let says: Vec<String> =
                vote.says.iter().map(|said| format!("{}={}", said.cell.index(), said.say)).collect();
            format!("vote (answers {}): {}", vote.answers, says.join(" "))
        }
        Write::Claim => String::from("the claim"),
        Write::GiveUp => String::from("no claim"),
        Write::Ask(number) => format!("ask {number}"),
        Write::Record(record) => format!(
            "record: active {} epoch {} run {:?} serial {} quarantined {:?} gate {:?} request {} paused {}",
            record.active,
            record.epoch.0,
            record.run.as_ref().map(|run| run.id.0),
            record.serial,
            record.quarantined,
            record.gate,
            record.request.is_some(),
            record.paused,
        ),
        Write::Begin(run, journal) => {
            format!("run {} of {} in {}", run.0, plan_name(journal), journal.plan.at())
        }
        Write::Append(run, entries) => format!("run {}: {entries:?}", run.0),
        Write::Velocity(velocity) => format!("{} automatic failovers", velocity.started.len()),
        Write::Clear(trigger) => format!("{trigger} is cleared"),
    };
    txn.writes.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What a call sends.
pub(crate) fn action(call: &Call) -> String {
    match &call.sent.body {
        Body::Action(sealed) => format!(" ({} {})", sealed.kind(), sealed.preview().join(", ")),
        Body::Own(_) => String::from(" (the core's own)"),
    }
}

pub(crate) fn event(event: &Event) -> String {
    format!("{event:?}")
}
