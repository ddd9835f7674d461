//! Where log lines go: to the journal with their fields under systemd, for people on a terminal, as JSON otherwise. One
//! line a change, none a sample.
//!
//! A line is handed to a thread of its own, so that nobody who watches waits for whoever reads the log. When that thread
//! falls behind, lines are dropped and counted.

mod journal;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// So many lines may wait.
const WAITING: usize = 8_192;
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Lines that were dropped since nobody took them.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

enum Said {
    Line(Vec<u8>),
    /// For the journal, and in words should that not take it.
    Entry(Vec<u8>, String),
    /// All before it is written.
    Flushed(SyncSender<()>),
}

static LINES: OnceLock<SyncSender<Said>> = OnceLock::new();

/// Waits, for a second at most, until what was logged is written: for the end of the program.
pub fn flush() {
    let Some(lines) = LINES.get() else { return };
    let (said, heard) = sync_channel(1);
    if lines.try_send(Said::Flushed(said)).is_ok() {
        let _written = heard.recv_timeout(Duration::from_secs(1)).is_ok();
    }
}

/// Sets up logging for the whole program, once; a second time changes nothing. `filter` as in `RUST_LOG`; `stream` is
/// what systemd says is tied to the journal (`JOURNAL_STREAM`).
pub fn set_up(filter: &str, stream: Option<&str>) {
    let lines = thread_that_writes();
    if let Some(lines) = &lines {
        LINES.get_or_init(|| lines.clone());
    }
    let lines = Lines(lines);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    if journal::takes(stream, io::stderr()) {
        drop(tracing_subscriber::registry().with(filter).with(journal::Journal(lines)).try_init());
        return;
    }
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines).with_target(false);
    // Somebody else has set it up already: theirs stays.
    if io::stderr().is_terminal() {
        drop(subscriber.try_init());
    } else {
        drop(subscriber.json().flatten_event(true).try_init());
    }
}

fn thread_that_writes() -> Option<SyncSender<Said>> {
    let (lines, written) = sync_channel::<Said>(WAITING);
    let writes = thread::Builder::new().name("log".to_owned()).spawn(move || {
        while let Ok(said) = written.recv() {
            match said {
                // Nobody reads the log any more: there is nowhere to say so.
                Said::Line(line) => drop(io::stderr().write_all(&line)),
                Said::Entry(entry, text) => {
                    if journal::send(&entry, Path::new(journal::SOCKET)).is_err() {
                        drop(io::stderr().write_all(text.as_bytes()));
                    }
                }
                Said::Flushed(told) => drop(told.try_send(())),
            }
        }
    });
    writes.ok().map(|_| lines)
}

/// Hands lines to the thread; without one, to standard error itself.
struct Lines(Option<SyncSender<Said>>);

impl Lines {
    fn hand_over(&self, said: Said) {
        match (&self.0, said) {
            (Some(to), said) => {
                if to.try_send(said).is_err() {
                    DROPPED.fetch_add(1, Ordering::Relaxed);
                }
            }
            (None, Said::Line(line)) => drop(io::stderr().write_all(&line)),
            (None, Said::Entry(_, text)) => drop(io::stderr().write_all(text.as_bytes())),
            (None, Said::Flushed(_)) => {}
        }
    }
}

/// One line.
struct Line {
    to: Lines,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;
    fn make_writer(&'a self) -> Line {
        Line { to: Lines(self.0.clone()), text: Vec::new() }
    }
}

impl Write for Line {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(text);
        Ok(text.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.to.hand_over(Said::Line(std::mem::take(&mut self.text)));
    }
}
