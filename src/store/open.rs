//! Opens the store: its folder, its lock, its file; refuses what another daemon has or a newer one has written.
//!
//! It must never open a file that another daemon writes, and never mend one that is broken: a person decides that.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, watch};

use super::{Store, Threads, file, schema, writer};
use crate::core::input::Store as Condition;

/// What bounds the store.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The file grows no larger, in bytes: past it the store is full.
    pub largest: u64,
    /// So many pieces of work may wait; whoever brings more waits as well.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { largest: 8 << 30, queue: 1_024 }
    }
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// Another daemon has it.
    #[error(
        "another watchkeeper is using {}: only one may write there; stop it (`systemctl stop watchkeeper`), or give \
         this one another folder in [chronicle] dir", .0.display()
    )]
    Locked(PathBuf),
    /// The folder or its lock cannot be used.
    #[error("{} cannot be used: {why}; it must be a folder that this user may write to", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// A newer daemon has written it.
    #[error(
        "{} was written by a newer watchkeeper (schema {found}; this one knows {known}): start that one again, or move \
         the file away", path.display()
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// It is damaged, or no such file at all.
    #[error("{} is damaged ({why}): restore it from a backup, or move it away to begin with an empty one", path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// In SQLite's words.
        why: String,
    },
    /// There is no room, or the disk does not take it.
    #[error("{} cannot be written ({why}): make room on its disk", path.display())]
    Full {
        /// Which.
        path: PathBuf,
        /// In SQLite's words.
        why: String,
    },
}

/// Opens the store in that folder, which is made if it is not there. It blocks: to be called before anything runs.
pub fn open(dir: &Path, limits: Limits) -> Result<(Store, Threads), NotOpened> {
    let folder = |why| NotOpened::Folder { path: dir.to_owned(), why };
    fs::create_dir_all(dir).map_err(folder)?;
    let lock = locked(dir)?;
    let path = file(dir);
    let sorted = |error: rusqlite::Error| sorted(&path, &error);
    let connection = Connection::open(&path).map_err(sorted)?;
    let found = schema::version(&connection).map_err(sorted)?;
    if found > schema::VERSION {
        return Err(NotOpened::Newer { path, found, known: schema::VERSION });
    }
    schema::set_up(&connection, limits.largest).map_err(sorted)?;
    let life = schema::next_life(&connection).map_err(sorted)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(&path, flags).map_err(sorted)?;
    let (writes, write_jobs) = mpsc::channel(limits.queue);
    let (reads, read_jobs) = mpsc::channel(limits.queue);
    let (told, condition) = watch::channel(Condition::Ok);
    let writing = thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
        writer::write(connection, write_jobs, told);
        // Only now may another daemon have it.
        drop(lock);
    });
    let reading =
        thread::Builder::new().name("store-reader".to_owned()).spawn(move || writer::read(reader, read_jobs));
    let threads = Threads(vec![writing.map_err(folder)?, reading.map_err(folder)?]);
    Ok((Store { writes, reads, condition, dir: Arc::from(dir), life }, threads))
}

fn locked(dir: &Path) -> Result<File, NotOpened> {
    let path = dir.join("watchkeeper.lock");
    let folder = |why| NotOpened::Folder { path: path.clone(), why };
    let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(NotOpened::Locked(dir.to_owned())),
        Err(TryLockError::Error(why)) => Err(folder(why)),
    }
}

pub(super) fn sorted(path: &Path, error: &rusqlite::Error) -> NotOpened {
    let (path, why) = (path.to_owned(), error.to_string());
    match super::trouble::sort(error) {
        Condition::Full => NotOpened::Full { path, why },
        Condition::Corrupt | Condition::Ok => NotOpened::Corrupt { path, why },
    }
}
