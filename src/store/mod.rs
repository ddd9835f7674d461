//! The store: one SQLite file that this daemon alone writes, through one thread.
//!
//! Whoever writes hands over a piece of work and awaits its answer; what waits is committed together, in one transaction
//! that is on the disk before anybody is answered. Nothing here knows what is stored, and no lock is held over the disk.
//! It must never say that something is durable that is not, nor that nothing was written where it may have been.

#[cfg(debug_assertions)]
pub(crate) mod faults;
mod look;
mod open;
mod schema;
mod trouble;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::core::input::Store as Condition;

pub use look::look;
pub use open::{Limits, NotOpened, open};
pub use trouble::{Trouble, unreadable};

use writer::{Finish, Job};

/// The store, as its users hold it. It closes when the last of them is dropped.
#[derive(Clone)]
pub struct Store {
    writes: mpsc::Sender<Job>,
    reads: mpsc::Sender<Job>,
    condition: watch::Receiver<Condition>,
    dir: Arc<Path>,
    life: u64,
}

/// The store's threads, to be waited for once every [`Store`] is dropped.
pub struct Threads(Vec<JoinHandle<()>>);

impl Store {
    /// Writes: `work` is done within a transaction, perhaps with others, and is answered when that is durable. If it
    /// fails, nothing of it is written. A full queue is waited for.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        hand_over(&self.writes, work).await
    }

    /// Reads what is durable, beside the writer and without delaying it.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        hand_over(&self.reads, work).await
    }

    /// Whether it takes what is written, as of the newest try.
    #[must_use]
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.clone()
    }

    /// The folder that it lies in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How often it has been opened, this time included: who counts anew in each life names it.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.life
    }
}

impl Threads {
    /// Waits until all that was handed over is written and the file is closed. It blocks.
    pub fn join(self) {
        for thread in self.0 {
            drop(thread.join());
        }
    }
}

async fn hand_over<T, F>(queue: &mpsc::Sender<Job>, work: F) -> Result<T, Trouble>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let job: Job = Box::new(move |connection| match work(connection) {
        Ok(value) => {
            let finish: Finish = Box::new(move |fate| drop(answer.send(fate.map(|()| value))));
            (None, finish)
        }
        Err(error) => {
            let trouble = Trouble::of(&error, true);
            let finish: Finish = Box::new(move |fate| drop(answer.send(fate.and(Err(trouble)))));
            (Some(error), finish)
        }
    });
    if queue.send(job).await.is_err() {
        return Err(Trouble::closed(true));
    }
    // Handed over and never answered: it may be written.
    answered.await.unwrap_or_else(|_| Err(Trouble::closed(false)))
}

/// The file's name in its folder.
fn file(dir: &Path) -> PathBuf {
    dir.join("watchkeeper.db")
}
