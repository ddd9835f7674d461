//! Maintenance windows: from cron lines and dates to spans of the wall clock, some ahead, told to the core whenever they
//! are others.
//!
//! It looks at what the wall shows and remembers no edge, so that a clock that jumps, a suspend and a reload are all the
//! same to it. The core itself opens and closes what it was told. It never decides what a window stops.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Message;
use super::edge::Edge;
use crate::config::wiring::{Open, Window};
use crate::core::ids::Name;
use crate::core::input::{self, Input};
use crate::core::time::{Now, Span, Wall};

/// Of each window so many spans ahead: those of a line that fires each minute reach far further than `FRESH`.
const AHEAD: usize = 16;
/// Worked out anew after so long,
const FRESH: Span = Span::mins(1);
/// and looked at so often whether the wall has moved away or the config is another.
const LOOK: Duration = Duration::from_secs(2);

/// One span in which a window is open.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opening {
    pub(super) name: Name,
    pub(super) services: Option<Vec<Name>>,
    pub(super) regions: Option<Vec<Name>>,
    pub(super) silence: bool,
    pub(super) from: Wall,
    pub(super) until: Wall,
}

impl Opening {
    pub(super) fn at(&self, wall: Wall) -> bool {
        self.from <= wall && wall < self.until
    }
}

/// Tells the core, and whoever shows them, of the windows from now on.
pub(super) async fn run(
    mut edges: watch::Receiver<Arc<Edge>>,
    known: watch::Sender<Arc<Vec<Opening>>>,
    clock: impl Fn() -> Now + Send + 'static,
    inputs: mpsc::Sender<Message>,
    stop: CancellationToken,
) -> Result<(), String> {
    let mut made: Option<Wall> = None;
    let mut open: Vec<String> = Vec::new();
    loop {
        let (wall, edge) = (clock().wall, Arc::clone(&edges.borrow_and_update()));
        if made.is_none_or(|made| wall < made || wall >= made + FRESH) {
            let all = openings(&edge.maintenance, wall);
            if *all != **known.borrow() {
                // The loop has ended: nobody asks what is open.
                if inputs.send(Message::Input(Box::new(told(&all)))).await.is_err() {
                    return Ok(());
                }
                known.send_replace(Arc::new(all));
            }
            made = Some(wall);
        }
        say(&mut open, &known.borrow(), wall);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = edges.changed() => match changed {
                Ok(()) => made = None,
                Err(_) => return Ok(()),
            },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// The same for the core, at once: at a start and at a reload it decides nothing before it knows of them.
pub(super) fn input(edge: &Edge, wall: Wall) -> Input {
    told(&openings(&edge.maintenance, wall))
}

fn told(all: &[Opening]) -> Input {
    let spans = all.iter().map(|opening| input::Window {
        services: opening.services.clone(),
        regions: opening.regions.clone(),
        from: opening.from,
        until: opening.until,
    });
    Input::Windows(spans.collect())
}

/// One line as a window opens, and one as it closes.
fn say(open: &mut Vec<String>, known: &[Opening], wall: Wall) {
    let now = || known.iter().filter(|opening| opening.at(wall));
    for gone in open.extract_if(.., |name| !now().any(|opening| opening.name.as_str() == name)) {
        gauge!("watchkeeper_maintenance_open", "window" => gone.clone()).set(0.0);
        tracing::info!(window = gone, "a maintenance window has closed");
    }
    for opening in now() {
        let name = opening.name.as_str();
        if !open.iter().any(|known| known == name) {
            gauge!("watchkeeper_maintenance_open", "window" => name.to_owned()).set(1.0);
            tracing::info!(window = name, until = %opening.until, "a maintenance window is open");
            open.push(name.to_owned());
        }
    }
}

/// What is open at that time, and what comes after.
pub(super) fn openings(windows: &[Window], wall: Wall) -> Vec<Opening> {
    let spans = windows.iter().flat_map(|window| {
        let spans = match &window.when {
            Open::Once { from, until } => vec![(*from, *until)],
            Open::Every { cron, zone, lasts } => every(cron, zone, *lasts, wall),
        };
        spans.into_iter().filter(|(_, until)| *until > wall).map(|(from, until)| Opening {
            name: window.name.clone(),
            services: window.services.clone(),
            regions: window.regions.clone(),
            silence: window.silence,
            from,
            until,
        })
    });
    spans.collect()
}

/// The span that is open, if one is, and those that come next. Those that meet are one. An hour that the clocks skip
/// or show twice is counted as the cron library has it; the length is always the time that really passes.
fn every(cron: &croner::Cron, zone: &jiff::tz::TimeZone, lasts: Span, wall: Wall) -> Vec<(Wall, Wall)> {
    let Some(now) = zoned(wall, zone) else { return Vec::new() };
    let mut spans: Vec<(Wall, Wall)> = Vec::new();
    let last = cron.find_previous_occurrence(&now, true).ok();
    let mut at = now;
    for starts in last.into_iter().map(Some).chain(std::iter::repeat_n(None, AHEAD)) {
        let starts = match starts {
            Some(starts) => starts,
            None => match cron.find_next_occurrence(&at, false) {
                Ok(next) => {
                    at = next.clone();
                    next
                }
                // It never comes again.
                Err(_) => break,
            },
        };
        let Ok(from) = u64::try_from(starts.timestamp().as_microsecond()).map(Wall::micros) else { break };
        match spans.last_mut() {
            Some((_, until)) if from <= *until => *until = from + lasts,
            _ => spans.push((from, from + lasts)),
        }
    }
    spans
}

fn zoned(wall: Wall, zone: &jiff::tz::TimeZone) -> Option<jiff::Zoned> {
    let micros = i64::try_from(wall.as_micros()).ok()?;
    Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests;
