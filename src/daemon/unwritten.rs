//! At the start: what the coordinator's journals hold of runs and the chronicle does not, since the daemon died between the
//! two, is written, and people are told of it. From then on the core says what is new.
//!
//! It must never write what the chronicle has, and never keep the daemon from its watch: what cannot be written is said,
//! and is found again at the next start.

use crate::chronicle::{self, Change, Chronicle, Had, Line, told};
use crate::config::wiring::People;
use crate::coord::Coordinator;
use crate::core::agree::{Journal, RunId};
use crate::core::event::Event;
use crate::core::plan::Entry;
use crate::core::state::{Service, State};

use super::clock;

/// Writes it.
pub(super) async fn write(
    chronicle: &Chronicle,
    coordinator: &impl Coordinator,
    state: &State,
    people: &People,
) {
    for service in state.services() {
        if let Err(why) = of(chronicle, coordinator, state, service, people).await {
            let service = service.policy.name.as_str();
            tracing::error!(service, %why, "what the chronicle lacks of runs is not written");
        }
    }
}

async fn of(
    chronicle: &Chronicle,
    coordinator: &impl Coordinator,
    state: &State,
    service: &Service,
    people: &People,
) -> Result<(), String> {
    let name = &service.policy.name;
    let (had, first) = chronicle.runs(name.clone()).await.map_err(|trouble| trouble.to_string())?;
    let from = had.iter().find(|had| !had.ended).or(had.last()).map_or(0, |had| had.run);
    let journals = coordinator.journals(service.id, RunId(from)).await?;
    let events = journals.iter().flat_map(|(run, journal)| {
        let had = had.iter().find(|had| had.run == run.0).copied();
        lacks(*run, journal, had.unwrap_or_default())
    });
    let names = chronicle::Names { policy: &state.policy, service: Some(&service.policy) };
    let now = clock::now();
    let lines: Vec<Line> =
        (first..).zip(events).map(|(seq, event)| late(told(names, seq, &event, now))).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let mut teller = chronicle.teller_before().await.map_err(|trouble| trouble.to_string())?;
    let around = teller.around(name, now.wall);
    let changes: Vec<Change> = lines.iter().flat_map(|line| teller.tell(people, line, &around)).collect();
    for line in &lines {
        tracing::info!(service = name.as_str(), kind = line.kind, "{}", line.text);
    }
    chronicle.keep_unwritten(lines, changes).await.map_err(|trouble| trouble.to_string())
}

/// The events of a run that the chronicle has not got.
fn lacks(run: RunId, journal: &Journal, had: Had) -> Vec<Event> {
    let mut all = Vec::new();
    for (place, entry) in (0..).zip(&journal.entries) {
        if let (Entry::Started(start), false) = (entry, had.started) {
            let (plan, kind) = (start.plan.clone(), journal.plan.kind());
            all.push(Event::Started { run, plan, kind, mode: start.mode, by_itself: false });
        }
        // That it has ended is said once, by an event of its own.
        if place >= had.entries && !matches!(entry, Entry::Ended(_)) {
            all.push(Event::Journalled { run, place, entry: Box::new(entry.clone()) });
        }
        if let (Entry::Ended(outcome), false) = (entry, had.ended) {
            all.push(Event::Ended { run, outcome: *outcome });
        }
    }
    all
}

/// It happened before this daemon was there.
fn late(mut line: Line) -> Line {
    line.text.push_str(" (found in the journal after a restart)");
    if let Some(body) = line.body.as_object_mut() {
        body.insert("late".to_owned(), true.into());
        // The journal does not say.
        body.remove("by_itself");
    }
    line
}
