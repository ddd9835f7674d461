//! The chronicle read by somebody who is not its daemon: verified, shown, exported. It never writes.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{Broken, Kept, chain, kept};
use crate::core::ids::Name;
use crate::core::time::Wall;
use crate::store::{NotOpened, look};

/// A chronicle, to be read.
pub struct Reading(Connection);

/// Why it could not be.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// There is none, or it is not to be opened.
    #[error(transparent)]
    NotOpened(#[from] NotOpened),
    /// It is open, and does not let itself be read.
    #[error("the chronicle cannot be read: {0}")]
    Broken(#[from] rusqlite::Error),
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of that service; none: of all.
    pub service: Option<Name>,
    /// Not older than that.
    pub since: Option<Wall>,
    /// The newest so many; none: all.
    pub limit: Option<u32>,
}

impl Reading {
    /// Of the store in that folder, whether a daemon runs there or not.
    pub fn open(dir: &Path) -> Result<Reading, Unread> {
        Ok(Reading(look(dir)?))
    }

    /// Follows the whole chain: how many events it has.
    pub fn verify(&self) -> Result<Result<u64, Broken>, Unread> {
        // One view of it, whatever is written or forgotten meanwhile.
        self.0.execute_batch("BEGIN")?;
        let found = chain::verify(&self.0);
        self.0.execute_batch("ROLLBACK")?;
        Ok(found?)
    }

    /// Gives these, oldest first, until it is told to end.
    pub fn each(&self, wanted: &Wanted, mut take: impl FnMut(Kept) -> bool) -> Result<(), Unread> {
        let limit = wanted.limit.map_or(-1, i64::from);
        let since = wanted.since.map_or(0, |since| since.as_micros().cast_signed());
        let mut rows = self.0.prepare(
            "SELECT * FROM (SELECT id, service, life, seq, wall, kind, body FROM events
            WHERE (?1 IS NULL OR service = ?1) AND wall >= ?2 ORDER BY id DESC LIMIT ?3) ORDER BY id",
        )?;
        let mut rows = rows.query(params![wanted.service.as_ref().map(Name::as_str), since, limit])?;
        while let Some(row) = rows.next()? {
            if !take(kept(row)?) {
                break;
            }
        }
        Ok(())
    }
}
