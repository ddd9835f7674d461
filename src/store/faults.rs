//! Crashes that a test asks of the real program, at one durable write that it names: before it, after it, or its answer
//! lost. Debug builds alone have this file.
//!
//! What lies in the folder is so: `crash` holds `before`, `after` or `lost` and, in its second line, the name of a write.
//! The first transaction of the store that holds such a write ends this process as `kill -9` does, or loses its answers,
//! and the file is removed. Every transaction's writes are told in `writes`, a line each.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

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
    if wanted().is_some_and(|(when, _)| when == "before") {
        dies();
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
    NAMES.with_borrow(|names| names.iter().any(|known| known == name)).then(|| (when.to_owned(), folder))
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
