//! Crashes that a test asks of the real program, at one durable write that it names: before it, after it, or its answer
//! lost. Debug builds alone have this file.
//!
//! What lies in the folder is so: `crash` holds `before`, `after` or `lost` and, in its second line, the name of a write.
//! The first transaction of the store that holds such a write ends this process as `kill -9` does, or loses its answers,
//! and the file is removed. With `stopped before` or `stopped after` the process stands still where a write's name
//! holds those words, as by SIGSTOP, until it is told to go on. Every transaction's writes are told in `writes`, a line each.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

static FOLDER: OnceLock<PathBuf> = OnceLock::new();

thread_local! {
    /// What the transaction under way writes.
    static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on, what lies in that folder is so.
pub(crate) fn arm(folder: PathBuf) {
    FOLDER.get_or_init(|| folder);
}

/// Names something that the transaction under way writes.
pub(crate) fn writes(name: impl FnOnce() -> String) {
    if FOLDER.get().is_some() {
        NAMES.with_borrow_mut(|names| names.push(name()));
    }
}

/// The transaction is about to be committed.
pub(super) fn before() {
    match wanted() {
        Some((when, _)) if when == "before" => dies(),
        Some((when, folder)) if when == "stopped before" => stands_still(folder),
        _ => {}
    }
}

/// It is committed; whether its answers are lost.
pub(super) fn after() -> bool {
    let wanted = wanted();
    let names = NAMES.take();
    if let Some(folder) = FOLDER.get()
        && !names.is_empty()
        && let Ok(mut file) = File::options().create(true).append(true).open(folder.join("writes"))
    {
        drop(file.write_all((names.join("\n") + "\n").as_bytes()));
    }
    match wanted {
        Some((when, _)) if when == "after" => dies(),
        Some((when, folder)) if when == "stopped after" => {
            stands_still(folder);
            false
        }
        Some((when, folder)) if when == "lost" => fs::remove_file(folder.join("crash")).is_ok(),
        _ => false,
    }
}

/// It is not committed.
pub(super) fn forget() {
    NAMES.take();
}

/// What is asked of the transaction under way.
fn wanted() -> Option<(String, &'static PathBuf)> {
    let folder = FOLDER.get()?;
    let text = fs::read_to_string(folder.join("crash")).ok()?;
    let (when, name) = text.trim_end().split_once('\n')?;
    // Who stops it again and again in one run cannot know the numbers of what comes next.
    let is = |known: &String| known == name || (when.starts_with("stopped") && known.contains(name));
    NAMES.with_borrow(|names| names.iter().any(is)).then(|| (when.to_owned(), folder))
}

fn stands_still(folder: &Path) {
    drop(fs::remove_file(folder.join("crash")));
    let _sent = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    // Another thread may have been given the signal: this one waits until it is stopped, too.
    std::thread::park_timeout(Duration::from_millis(50));
}

fn dies() -> ! {
    if let Some(folder) = FOLDER.get() {
        drop(fs::remove_file(folder.join("crash")));
    }
    loop {
        let _sent = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::thread::park();
    }
}
