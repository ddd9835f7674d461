//! What happens in a script with a coordinator: to steps, disks, leases and answers.

use watchkeeper_core::agree::{Epoch, Purpose, RunId};
use watchkeeper_core::authority::{ClusterId, Token};
use watchkeeper_core::input::Input;
use watchkeeper_core::plan::Op;

use crate::acting::{CLUSTER, Fault, freeze, lease_runs_out};
use crate::drive::Drive;
use crate::orders;
use crate::statement::{id, service};
use crate::words::{Read, Words};

const PURPOSES: &[(&str, Purpose)] = &[
    ("vote", Purpose::Vote),
    ("take", Purpose::Take),
    ("give_up", Purpose::GiveUp),
    ("ask", Purpose::Ask),
    ("start", Purpose::Start),
    ("journal", Purpose::Journal),
    ("end", Purpose::End),
    ("change", Purpose::Change),
    ("read", Purpose::Read),
];

/// Does what one line says, if it is one of these.
pub(crate) fn happens(drive: &mut Drive, words: &mut Words) -> Read<bool> {
    let before = words.clone();
    let first = words.word("a statement")?;
    match first.as_str() {
        "step" => drive.acts()?.providers.say(words, Op::Do)?,
        "undo" if words.take("of") => drive.acts()?.providers.say(words, Op::Undo)?,
        "observe" if words.take("of") => drive.acts()?.providers.say(words, Op::Observe)?,
        "verify" if words.take("of") => drive.acts()?.providers.say(words, Op::Verify)?,
        "exposure" => {
            words.must("is accepted")?;
            drive.acts()?.exposed = true;
        }
        "disk" => {
            let full = words.one_of("disk", &[("full", true), ("ok", false)])?;
            let who = if words.take("at") { words.word("observer")? } else { "me".into() };
            let who = drive.observer(&who)?;
            drive.disk(who, full)?;
        }
        "coordinator" if words.take("is saved") => {
            let acting = drive.acts()?;
            acting.saved = Some(acting.coordinator.clone());
        }
        "coordinator" if words.take("is restored") => drive.restore()?,
        "renewals" => {
            words.must("of")?;
            let who = words.word("observer")?;
            let who = drive.observer(&who)?;
            let lost = words.take("are lost");
            if !lost {
                words.must("arrive")?;
            }
            let unrenewed = &mut drive.acts()?.unrenewed;
            if lost {
                unrenewed.insert(who)
            } else {
                unrenewed.remove(&who)
            };
        }
        "journal" => {
            let service = service(drive, words)?;
            let id = id(drive, &service)?;
            let run = RunId(words.number("run")?);
            let coordinator = &mut drive.acts()?.coordinator;
            let found = if words.take("is written by hand") {
                coordinator.scribble(id, run)
            } else if words.take("is gone") {
                coordinator.take_journal(id, run, true)
            } else {
                words.must("is back")?;
                coordinator.take_journal(id, run, false)
            };
            if !found {
                return Err(format!("there is no journal of run {}", run.0));
            }
        }
        "coordinator" => {
            let there = words.one_of("coordinator", &[("there", true), ("lost", false)])?;
            words.must("for")?;
            for who in words.names("observer")? {
                let who = drive.observer(who.as_str())?;
                if there { drive.connect(who) } else { drive.disconnect(who) }
            }
        }
        "lease" => {
            words.must("of")?;
            let who = words.word("observer")?;
            words.must("runs out")?;
            let who = drive.observer(&who)?;
            lease_runs_out(drive, who)?;
        }
        "the" => {
            words.must("next")?;
            let answer = words.take("answer to");
            let purpose = words.one_of("transaction", PURPOSES)?;
            words.must("is")?;
            let late = words.one_of("fault", &[("lost", false), ("late", true)])?;
            let fault = match (answer, late) {
                (true, false) => Fault::AnswerLost,
                (true, true) => Fault::AnswerLate,
                (false, _) => Fault::Lost,
            };
            drive.acts()?.faults.push((purpose, fault));
        }
        _ if words.take("takes writes") || words.take("takes no writes") => {
            let so = !before.text.contains("no writes");
            let service = service(drive, words)?;
            drive.world.takes_writes(&service, &first, so);
            drive.look_at_writes(&service);
        }
        _ if words.take("has seen epoch") => {
            let epoch = Epoch(words.number("epoch")?);
            let cluster = if words.take("of another cluster") { ClusterId(9) } else { CLUSTER };
            drive.acts()?.providers.has_seen(first, Token { cluster, epoch, serial: 1 });
        }
        _ if words.take("stops") => {
            let who = drive.observer(&first)?;
            drive.kill(who);
        }
        _ if words.take("starts") => {
            let who = drive.observer(&first)?;
            drive.revive(who);
        }
        _ if words.take("restarts") => {
            let who = drive.observer(&first)?;
            drive.kill(who);
            drive.revive(who);
        }
        _ if words.take("is told to shut down") => {
            let who = drive.observer(&first)?;
            drive.hand(who, Input::ShutdownAsked);
        }
        _ if words.take("freezes for") => {
            let lasts = words.span("freeze")?;
            let who = drive.observer(&first)?;
            freeze(drive, who, lasts);
        }
        _ => {
            if orders::orders(drive, &first, words)? {
                return Ok(true);
            }
            *words = before;
            return Ok(false);
        }
    }
    Ok(true)
}
