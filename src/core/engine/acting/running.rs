//! Carries runs: tells each what was heard, looks at what it wants, and hands that on: to the coordinator, to the shell,
//! to people.
//!
//! It must never hand a call to the shell whose intent is not durable: a run wants none before, and nothing here does.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::claim;
use super::flight::{Wish, send};
use crate::agree::{
    ClaimState, Found, Guard, Journal, Owed, Purpose, Record, RecordInput, RecordState, RegionInput,
    RegionState, RunId, Write,
};
use crate::authority::{Held, Token};
use crate::effect::{Call, Effect};
use crate::engine::advance::Wake;
use crate::engine::mark;
use crate::engine::out::Out;
use crate::event::{AnyCell, Event, Paged};
use crate::ids::{Name, RegionPos, ServiceId};
use crate::input::Finished;
use crate::mutants::{self, Mutant};
use crate::plan::saga::{Facts, Heard, Page, Run, RunState, Verb, Want};
use crate::plan::{Body, By, Entry, Mode, Op, Outcome, Own, PlanKind, Reply, StepName};
use crate::state::acting::{About, Acting, Carried};
use crate::state::{Service, State};
use crate::time::{Mono, Now, Span};

/// So many calls in a row of which nobody knows anything: what the plan touches is out of our reach.
pub(super) const UNREACHED: u8 = 3;
/// A page that nobody has acknowledged is told again so often.
const PAGE_AGAIN: Span = Span::mins(15);
/// While a run waits for the old side to have stopped itself, its pulse is read so often.
const READ_PULSE: Span = Span::secs(2);
/// A run comes to rest long before so many looks.
const LOOKS: usize = 64;
/// So many refusals in a row are no race: the journal is not what it is taken for.
const REFUSED: u8 = 3;

/// A call has ended.
pub(in crate::engine) fn finished(state: &mut State, finished: Finished, now: Now, out: &mut Out) {
    let Finished { service, run, step, undoing, serial, reply, outputs, mark } = finished;
    if let Some(token) = mark {
        super::foreign::seen(state, service, token, out);
    }
    let heard = Heard::Finished { step, undoing, serial, reply, outputs };
    let blind = matches!(reply, Reply::Unknown | Reply::Transient);
    if tell(state, service, run, heard, now)
        && let Some(acting) = state.service_mut(service).and_then(|service| service.acting.as_deref_mut())
    {
        if !blind {
            acting.unreached = 0;
            acting.unheard.clear();
        } else if !acting.unheard.contains(&(run, serial)) {
            acting.unreached = acting.unreached.saturating_add(1);
            acting.unheard.push((run, serial));
            // As many as count, so that a long silence fills nothing.
            let over = acting.unheard.len().saturating_sub(usize::from(u8::MAX));
            acting.unheard.drain(..over);
        }
    }
}

/// Whether users may be led somewhere was read back.
pub(in crate::engine) fn read_back(
    state: &mut State,
    service: ServiceId,
    run: RunId,
    step: StepName,
    writable: bool,
    now: Now,
) {
    tell(state, service, run, Heard::ReadBack { step, writable }, now);
}

/// Events are durable: whoever waits for a page to be goes on.
pub(in crate::engine) fn recorded(
    state: &mut State,
    service: Option<ServiceId>,
    upto: u64,
    now: Now,
    out: &mut Out,
) {
    let Some(id) = service else { return };
    super::orders::recorded(state, id, upto, out);
    let Some(acting) = state.service_mut(id).and_then(|service| service.acting.as_deref_mut()) else {
        return;
    };
    let mut any = false;
    let mut visited = Vec::new();
    for carried in &mut acting.runs {
        let (durable, waiting) =
            core::mem::take(&mut carried.pages).into_iter().partition(|(seq, _)| *seq <= upto);
        carried.pages = waiting;
        for (_, page) in <Vec<(u64, Page)>>::into_iter(durable) {
            visited.extend(carried.run.tell(Heard::Recorded(page), now.mono).cells);
            any = true;
        }
    }
    state.saw(&visited);
    if any {
        mark(state, id);
    }
}

/// Tells a run something. Says whether there is one of that number.
fn tell(state: &mut State, service: ServiceId, run: RunId, heard: Heard, now: Now) -> bool {
    let acting = state.service_mut(service).and_then(|service| service.acting.as_deref_mut());
    let Some(carried) = acting.and_then(|acting| acting.runs.iter_mut().find(|c| c.run.start().run == run))
    else {
        return false;
    };
    let told = carried.run.tell(heard, now.mono);
    state.saw(&told.cells);
    mark(state, service);
    true
}

/// Tells every run something.
pub(super) fn tell_all(acting: &mut Acting, state: &mut State, heard: &Heard, now: Now) {
    for carried in &mut acting.runs {
        let told = carried.run.tell(heard.clone(), now.mono);
        state.saw(&told.cells);
    }
}

/// What became of a transaction of a run.
pub(super) fn committed(
    state: &mut State,
    id: ServiceId,
    run: RunId,
    txn: u32,
    commit: crate::plan::saga::Commit,
    now: Now,
    out: &mut Out,
) {
    let Some(service) = state.services.get_mut(id.index()).and_then(Option::as_deref_mut) else { return };
    let Some(acting) = service.acting.as_deref_mut() else { return };
    let Some(at) = acting.runs.iter().position(|carried| carried.run.start().run == run) else { return };
    let refused = commit == crate::plan::saga::Commit::Refused;
    let told = acting.runs[at].run.tell(Heard::Answered { txn, commit }, now.mono);
    acting.runs[at].refused = if refused { acting.runs[at].refused + 1 } else { 0 };
    if acting.runs[at].refused >= REFUSED {
        // Whatever is believed of its journal is not what is there: it is read anew, as by a successor.
        acting.runs.remove(at);
        super::orders::forget(acting);
        state.saw(&told.cells);
        return mark(state, id);
    }
    let ended = acting.runs[at].run.state() == RunState::Ended;
    let outcome = acting.runs[at].run.outcome();
    if ended {
        acting.runs.remove(at);
    }
    if let (true, Some(outcome)) = (ended, outcome) {
        out.record(service, Event::Ended { run, outcome });
    }
    state.saw(&told.cells);
}

/// Tells of entries that have become durable.
pub(super) fn journalled(
    state: &mut State,
    id: ServiceId,
    run: RunId,
    length: u64,
    entries: &[Entry],
    out: &mut Out,
) {
    let Some(service) = state.service_mut(id) else { return };
    let first = length.saturating_sub(entries.len() as u64);
    for (place, entry) in entries.iter().enumerate() {
        let (place, entry) = (first + place as u64, Box::new(entry.clone()));
        out.record(service, Event::Journalled { run, place, entry });
    }
}

/// A run that the record names and that cannot be gone on with: its journal is not there, or does not begin with its
/// start.
pub(super) fn unreadable(found: &Found) -> Option<RunId> {
    let begins = |journal: &Journal| match journal.entries.first() {
        Some(Entry::Started(start)) => start.plan == *journal.plan.name(),
        _ => false,
    };
    let named = found.record.1.iter().flat_map(unfinished);
    named.into_iter().find(|run| !found.journals.iter().any(|(of, journal)| of == run && begins(journal)))
}

/// Nobody can go on with that run, and a person is told once. It is looked for again and again: who restores the journal
/// is not asked to restart anybody.
pub(super) fn unread(state: &mut State, id: ServiceId, run: RunId, now: Now, out: &mut Out) {
    let Some(service) = state.services.get_mut(id.index()).and_then(Option::as_deref_mut) else { return };
    let Some(acting) = service.acting.as_deref_mut() else { return };
    let told = acting.unread.is_some_and(|(of, _)| of == run);
    acting.unread = Some((run, now.mono));
    if !told {
        out.record(service, Event::Paged(Paged::NoJournal(run)));
    }
    mark(state, id);
}

/// Record and journals were read: runs that are not carried yet are, and those that are over are not any more.
pub(super) fn restore(state: &mut State, id: ServiceId, found: &Found, now: Now, out: &mut Out) {
    let cluster = state.seat.cluster;
    let Some(service) = state.services.get_mut(id.index()).and_then(Option::as_deref_mut) else { return };
    let Some(acting) = service.acting.as_deref_mut() else { return };
    let record = found.record.1.as_ref();
    let there: Vec<RunId> = record.iter().flat_map(|record| unfinished(record)).collect();
    acting.runs.retain(|carried| there.contains(&carried.run.start().run));
    let mut visited = Vec::new();
    let (mut resumed, mut foreign) = (Vec::new(), false);
    for run in there {
        if acting.runs.iter().any(|carried| carried.run.start().run == run) {
            continue;
        }
        let Some((_, journal)) = found.journals.iter().find(|(of, _)| *of == run) else { continue };
        if let Some((run, cells)) = Run::replay(Arc::clone(&journal.plan), &journal.entries, now.mono) {
            let start = run.start();
            if Some(start.cluster) != cluster && acting.foreign.is_none() {
                // It was begun under another coordinator, whose tokens ours cannot order.
                let epoch = record.map_or(start.epoch, |record| start.epoch.max(record.epoch));
                acting.foreign = Some(Token { cluster: start.cluster, epoch, serial: start.serial });
                foreign = true;
            }
            visited.extend(cells);
            resumed.push(run.start().run);
            acting.runs.push(Carried::new(run));
        }
    }
    (acting.stale, acting.unread) = (false, None);
    if foreign {
        out.record(service, Event::Paged(Paged::Foreign));
    }
    for run in resumed {
        out.record(service, Event::Resumed(run));
    }
    state.saw(&visited);
    mark(state, id);
}

/// Every unfinished run of a record.
fn unfinished(record: &Record) -> impl Iterator<Item = RunId> {
    record.run.iter().chain(&record.beside).map(|run| run.id)
}

/// Whether record and journals must be read: they were not yet, or the record names other runs than are carried.
pub(super) fn must_read(acting: &Acting) -> bool {
    if mutants::on(Mutant::HoldsUnread) {
        return false;
    }
    let carried = |run: &RunId| acting.runs.iter().any(|carried| carried.run.start().run == *run);
    let named = || acting.record.iter().flat_map(|record| unfinished(record));
    acting.stale || named().count() != acting.runs.len() || !named().all(|run| carried(&run))
}

/// A run that the record does not name any more is over, whoever said so: nothing more of it is written, paged or sent.
/// What has just written its own end waits for that answer.
fn let_go(service: &mut Service, acting: &mut Acting, out: &mut Out) {
    let Some(record) = acting.record.as_deref().filter(|_| !acting.stale) else { return };
    let ending = match acting.flight.as_ref().map(|flight| &flight.about) {
        Some(About::End(run, _)) => Some(*run),
        Some(_) | None => None,
    };
    let over = |run: RunId| ending != Some(run) && !unfinished(record).any(|named| named == run);
    let gone: Vec<RunId> =
        acting.runs.iter().map(|carried| carried.run.start().run).filter(|run| over(*run)).collect();
    for run in gone {
        let outcome = record.tried.iter().find(|tried| tried.run == run).and_then(|tried| tried.outcome);
        if let Some(outcome) = outcome {
            out.record(service, Event::Ended { run, outcome });
        }
        acting.runs.retain(|carried| carried.run.start().run != run);
    }
}

/// Lets each run look at what is, and hands on what it wants.
pub(super) fn advance(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    if !matches!(acting.claim, ClaimState::Holding | ClaimState::Frozen) {
        return;
    }
    let_go(service, acting, out);
    let leaves = acting.flight.as_ref().is_some_and(|flight| flight.txn.id.purpose == Purpose::GiveUp);
    let stops = leaves || acting.foreign.is_some();
    let held = state.seat.right(now.mono).filter(|_| acting.claim == ClaimState::Holding && !stops);
    let mut runs = core::mem::take(&mut acting.runs);
    for carried in &mut runs {
        overlong(acting, carried, state, now, wake);
        look(service, acting, carried, state, held, now, wake, out);
    }
    acting.runs = runs;
    let waits = acting.runs.iter().any(|carried| lapses(&carried.run));
    if waits {
        wake.at(Some(now.mono + READ_PULSE));
        if acting.flight.is_none()
            && held.is_some()
            && acting.pulse_read.is_none_or(|at| at + READ_PULSE <= now.mono)
        {
            acting.pulse_read = Some(now.mono);
            send(acting, service, Wish::new(Purpose::Read, Vec::new(), Vec::new()), now, out);
        }
    }
    if acting.flight.is_none() && held.is_some() {
        write(service, acting, state, now, out);
    }
}

/// A drill that takes too long is stopped: counted from when this holder began with it.
fn overlong(acting: &Acting, carried: &mut Carried, state: &mut State, now: Now, wake: &mut Wake) {
    let id = carried.run.start().run;
    let beside = acting.record.iter().flat_map(|record| &record.beside);
    let Some(longest) = beside.into_iter().find(|run| run.id == id).and_then(|run| run.longest) else {
        return;
    };
    let due = carried.run.took_over() + longest;
    if due > now.mono {
        wake.at(Some(due));
    } else if carried.run.stoppable() {
        stop(carried, state, now);
    }
}

/// Tells a run to stop, by nobody's order.
pub(super) fn stop(carried: &mut Carried, state: &mut State, now: Now) {
    let told = carried.run.tell(Heard::Ordered(Verb::Abort { by: By::Run }), now.mono);
    state.saw(&told.cells);
}

/// Whether a run waits for the old side to have stopped itself.
fn lapses(run: &Run) -> bool {
    let calling = |(step, _): &(&StepName, _)| {
        let pos = run.plan().position(step);
        pos.and_then(|pos| run.plan().step(pos))
            .is_some_and(|step| matches!(step.body, Body::Own(Own::Lapse { .. })))
    };
    run.steps()
        .filter(|(_, state)| *state == crate::plan::saga::StepState::Calling)
        .any(|step| calling(&step))
}

#[expect(clippy::too_many_arguments, reason = "one run's look, and everything that a look is told")]
fn look(
    service: &mut Service,
    acting: &mut Acting,
    carried: &mut Carried,
    state: &mut State,
    held: Option<Held>,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let plan = Arc::clone(carried.run.plan());
    let id = service.id;
    let run = carried.run.start().run;
    let acts_in = plan.case().acts_in();
    let old = plan.at().from.clone().unwrap_or_else(|| plan.at().at.clone());
    let silent = state.seat.silent(claim::standing_in(state, &old));
    for _ in 0..LOOKS {
        let (wants, cells) = {
            let up = |probe: &Name| is_up(service, probe, acts_in);
            let silent_since = silent.map(|silent| now.mono.before(silent));
            let facts = Facts { held, up: &up, silent_since, page_again: PAGE_AGAIN };
            carried.run.advance(&facts, now.mono)
        };
        state.saw(&cells);
        let mut more = false;
        for want in wants {
            more |= !matches!(want, Want::Wake(_));
            match want {
                Want::Wake(at) => wake.at(Some(at)),
                Want::Append { .. } | Want::End { .. } => carried.wanted = Some(want),
                Want::Begin { ref sent, .. } if matches!(sent.body, Body::Own(_)) => {
                    carried.changes.push(want)
                }
                Want::Begin { step, undoing, op, token, sent, not_after, deadline } => {
                    let Some(held) = held else { continue };
                    let until = held.until();
                    let call =
                        Call { service: id, run, step, undoing, op, token, sent, not_after, deadline, until };
                    out.effects.push(Effect::Begin(Box::new(call)));
                }
                Want::Cancel { step, serial } => {
                    out.effects.push(Effect::Cancel { service: id, run, step, serial });
                }
                Want::ReadBack { step, region } => {
                    out.effects.push(Effect::ReadBack { service: id, run, step, region });
                }
                Want::Page(page) => {
                    out.record(service, Event::Paged(Paged::Run(run, page.clone())));
                    carried.pages.push((service.events, page));
                }
                Want::Missed { phase } => out.record(service, Event::Missed { run, phase }),
            }
        }
        answer_own(acting, carried, state, &plan, now, wake);
        if !more {
            return;
        }
    }
}

/// Whether a probe is up where a plan acts.
fn is_up(service: &Service, probe: &Name, at: RegionPos) -> bool {
    let parts = &service.policy.parts;
    let cell =
        service.policy.probe(probe.as_str()).and_then(|probe| parts.cell_in(probe, at, service.known.active));
    cell.is_some_and(|cell| service.picture.cell(cell).alive().is_some())
}

/// Gates and pauses whose record says that they are so are done; looks at them are answered from the record.
fn answer_own(
    acting: &mut Acting,
    carried: &mut Carried,
    state: &mut State,
    plan: &crate::plan::Plan,
    now: Now,
    wake: &mut Wake,
) {
    let Some(record) = acting.record.as_deref() else { return };
    let mut counts_anew = false;
    for want in core::mem::take(&mut carried.changes) {
        let Want::Begin { step, undoing, op, token, sent, .. } = &want else { continue };
        let Body::Own(own) = &sent.body else { continue };
        // Whoever looks afterwards looks at where it ends.
        let begun = match op {
            Op::Do | Op::Undo => carried.begun(token.serial, now.mono),
            Op::Observe | Op::Verify => Mono::BOOT,
        };
        let begins = matches!(op, Op::Do | Op::Undo);
        let so = match target(own, plan, *undoing, begun, now.mono, wake) {
            Target::Gate(open, last) => last && record.gate.as_ref() == Some(&open),
            Target::Paused(true, lasts) if begins => {
                let so = record.paused && paused_for(record, lasts) == record.paused_for;
                counts_anew |= so;
                so
            }
            Target::Paused(paused, _) => record.paused == paused,
            Target::Nothing => true,
        };
        let reply = match (op, so) {
            (_, true) => Reply::Done,
            (Op::Observe | Op::Verify, false) => Reply::NotDone,
            (Op::Do | Op::Undo, false) => {
                carried.changes.push(want);
                continue;
            }
        };
        let (step, undoing, serial) = (step.clone(), *undoing, token.serial);
        let heard = Heard::Finished { step, undoing, serial, reply, outputs: Vec::new() };
        state.saw(&carried.run.tell(heard, now.mono).cells);
        carried.began.retain(|(of, _)| *of != serial);
        wake.at(Some(now.mono + Span::micros(1)));
    }
    if counts_anew {
        acting.paused = None;
    }
}

/// How long it is paused when a plan wants that as well: what a person has paused, until a person says otherwise; else as
/// long as the longer of the two.
fn paused_for(record: &Record, lasts: Option<Span>) -> Option<Span> {
    match (record.paused, record.paused_for) {
        (true, None) => None,
        (true, Some(already)) => lasts.map(|lasts| lasts.max(already)),
        (false, _) => lasts,
    }
}

/// What a step of the core's own wants of the record.
enum Target {
    /// The gate is open for these, and this is the last of it.
    Gate(Vec<Name>, bool),
    /// Or not; by itself over after so long.
    Paused(bool, Option<Span>),
    Nothing,
}

fn target(
    own: &Own<crate::plan::Text>,
    plan: &crate::plan::Plan,
    undoing: bool,
    begun: Mono,
    now: Mono,
    wake: &mut Wake,
) -> Target {
    let (from, to) = (plan.at().from.clone(), plan.at().at.clone());
    match own {
        Own::TrafficGate { drain, .. } => {
            let (old, new) = if undoing { (Some(to), from) } else { (from, Some(to)) };
            let Some(new) = new else { return Target::Nothing };
            let over = begun + *drain;
            if over <= now {
                return Target::Gate(vec![new], true);
            }
            wake.at(Some(over));
            Target::Gate(old.into_iter().chain([new]).collect(), false)
        }
        Own::Pause { lasts, .. } => Target::Paused(!undoing, *lasts),
        Own::Wait { .. } | Own::Lapse { .. } | Own::Approve { .. } | Own::Checklist { .. } => Target::Nothing,
    }
}

/// One transaction of one run, if any wants one.
fn write(service: &Service, acting: &mut Acting, state: &State, now: Now, out: &mut Out) {
    if acting.runs.iter().all(|carried| carried.wanted.is_none() && carried.changes.is_empty()) {
        return;
    }
    let Some(session) = state.seat.session.id() else { return };
    let Some(record) = acting.record.clone() else { return };
    let mut guards = vec![Guard::Session(session), Guard::Claim(acting.created), Guard::Record(acting.read)];
    let Some(carried) = acting.runs.iter_mut().find(|carried| carried.wanted.is_some()) else {
        return change(service, acting, &record, guards, now, out);
    };
    let run = carried.run.start().run;
    match carried.wanted.take() {
        Some(Want::Append { txn, length, entries, moves }) => {
            guards.push(Guard::Journal(run, length));
            if mutants::on(Mutant::JournalUnclaimed) {
                guards.retain(|guard| !matches!(guard, Guard::Session(_) | Guard::Claim(_)));
            }
            let after = length + entries.len() as u64;
            let mut writes = vec![Write::Append(run, entries)];
            if moves && !mutants::on(Mutant::MovesAtEnd) {
                lost_and_took(&record, carried, out);
                writes.push(Write::Record(Box::new(moved(&record, carried))));
            }
            let about = About::Journal(run, txn, after);
            send(acting, service, Wish::new(Purpose::Journal, guards, writes).about(about), now, out);
        }
        Some(Want::End { txn, length, outcome }) => {
            guards.push(Guard::Journal(run, length));
            end_cells(&record, carried, outcome, out);
            let next = ended(service, &record, carried, outcome);
            let writes = vec![Write::Append(run, vec![Entry::Ended(outcome)]), Write::Record(Box::new(next))];
            let about = About::End(run, txn);
            send(acting, service, Wish::new(Purpose::End, guards, writes).about(about), now, out);
        }
        Some(_) | None => {}
    }
}

/// A gate or a pause for a step.
fn change(
    service: &Service,
    acting: &mut Acting,
    record: &Record,
    guards: Vec<Guard>,
    now: Now,
    out: &mut Out,
) {
    let mut next = None;
    let mut later = Wake::new(now.mono);
    for carried in &acting.runs {
        for want in &carried.changes {
            let Want::Begin { undoing, op: Op::Do | Op::Undo, sent, token, .. } = want else { continue };
            let Body::Own(own) = &sent.body else { continue };
            let begun =
                carried.began.iter().find(|(of, _)| *of == token.serial).map_or(now.mono, |(_, at)| *at);
            let mut changed = record.clone();
            match target(own, carried.run.plan(), *undoing, begun, now.mono, &mut later) {
                Target::Gate(open, _) => changed.gate = Some(open),
                Target::Paused(true, lasts) => {
                    (changed.paused, changed.paused_for) = (true, paused_for(record, lasts));
                }
                Target::Paused(false, _) => (changed.paused, changed.paused_for) = (false, None),
                Target::Nothing => {}
            }
            if changed != *record {
                next = Some(changed);
            }
        }
    }
    if let Some(next) = next {
        let wish = Wish::new(Purpose::Change, guards, vec![Write::Record(Box::new(next))]);
        send(acting, service, wish, now, out);
    }
}

/// The commit point is behind it: the new side is the active one, the old one has lost the role.
fn moved(record: &Record, carried: &Carried) -> Record {
    let at = carried.run.plan().at();
    let mut next = record.clone();
    next.active = at.at.clone();
    next.quarantined.retain(|region| *region != at.at);
    next.rejoined.retain(|region| *region != at.at);
    if let Some(from) = &at.from
        && !next.quarantined.contains(from)
        && !mutants::on(Mutant::NoQuarantine)
    {
        next.quarantined.push(from.clone());
    }
    next
}

/// The record after a run: what it was tried for knows how it ended, and what it owes is written down.
fn ended(service: &Service, record: &Record, carried: &Carried, outcome: Outcome) -> Record {
    let start = carried.run.start();
    let plan = carried.run.plan();
    let mut next = record.clone();
    next.beside.retain(|run| run.id != start.run);
    if next.run.as_ref().is_some_and(|run| run.id == start.run) {
        next.run = None;
    }
    if let Some(last) = next.last_failover.as_mut().filter(|last| last.id == start.run) {
        last.outcome = Some(outcome);
    }
    let tried = next.tried.iter_mut().find(|tried| tried.run == start.run);
    let mut scenario = None;
    if let Some(tried) = tried {
        tried.outcome = Some(outcome);
        scenario = tried.scenario.clone();
    }
    if start.mode != Mode::Live {
        return next;
    }
    let done = outcome.is_done();
    if mutants::on(Mutant::MovesAtEnd) && done && plan.kind() == PlanKind::Failover {
        next = moved(&next, carried);
    }
    next.owes.retain(|owed| !(owed.paid == Some(start.run) && done));
    for owed in next.owes.iter_mut().filter(|owed| owed.paid == Some(start.run)) {
        owed.paid = None;
    }
    if plan.kind() == PlanKind::Rejoin && done {
        let at = &plan.at().at;
        if next.quarantined.contains(at) && !next.rejoined.contains(at) {
            next.rejoined.push(at.clone());
        }
    }
    let follows = scenario.as_ref().and_then(|name| service.policy.scenario(name.as_str()));
    let on_clear = follows.and_then(|at| service.policy.follows.get(at.index())).and_then(|f| f.on_clear);
    if let (Some(on), Some(scenario), true) = (on_clear, scenario, done)
        && let Some(owed) = service.policy.plans.get(on.plan.index())
    {
        let at = plan.at().at.clone();
        let same =
            |of: &Owed| of.paid.is_none() && (&of.scenario, &of.plan, &of.at) == (&scenario, &owed.name, &at);
        // Whoever did it twice still undoes it once.
        if next.owes.iter().any(same) {
            return next;
        }
        next.owes.push(Owed { run: start.run, scenario, plan: owed.name.clone(), at, paid: None, tries: 0 });
    }
    next
}

/// Which cells the commit point comes to.
fn lost_and_took(record: &Record, carried: &Carried, out: &mut Out) {
    let at = carried.run.plan().at();
    out.saw(AnyCell::Record(RecordState::Moving, RecordInput::CommitPoint));
    out.saw(AnyCell::Region(region_state(record, &at.at), RegionInput::TookRole));
    if let Some(from) = &at.from {
        out.saw(AnyCell::Region(region_state(record, from), RegionInput::LostRole));
    }
}

/// Which cells an end comes to.
fn end_cells(record: &Record, carried: &Carried, outcome: Outcome, out: &mut Out) {
    if record.run.as_ref().is_none_or(|run| run.id != carried.run.start().run) {
        return;
    }
    let input = if outcome == Outcome::Undone { RecordInput::EndUndone } else { RecordInput::End };
    out.saw(AnyCell::Record(RecordState::Moving, input));
    if carried.run.plan().kind() == PlanKind::Rejoin && outcome.is_done() {
        let at = &carried.run.plan().at().at;
        out.saw(AnyCell::Region(region_state(record, at), RegionInput::RejoinDone));
    }
}

/// What the record says of a region, in the words of its table.
pub(super) fn region_state(record: &Record, region: &Name) -> RegionState {
    RegionState::of(record.quarantined.contains(region), record.rejoined.contains(region))
}
