//! What this coordinator calls itself: made once a store, and another after a restore from a backup.
//!
//! Beside the file lies a mark with a revision that the file had, a few seconds ago at most. A file that is older than its
//! mark was restored: it may have lost moves that happened, so it must not go on under its name. (A restore of the whole folder is not
//! noticed here, but by the tokens that providers keep.)

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::facts;
use crate::core::authority::ClusterId;
use crate::store::unreadable;

const MARK: &str = "watchkeeper.mark";

/// Reads the name, or makes one, and sets the mark.
pub(super) fn settle(c: &Connection, dir: &Path, chance: u128) -> rusqlite::Result<ClusterId> {
    let known: Option<String> = c.query_row("SELECT id FROM cluster", [], |row| row.get(0)).optional()?;
    let path = dir.join(MARK);
    let revision = facts::revision(c)?;
    let parse = |text: &str| u128::from_str_radix(text, 16).ok();
    let id = match known {
        None => None,
        Some(text) => Some(parse(&text).ok_or_else(|| unreadable("the cluster's name is no number"))?),
    };
    let marked = fs::read_to_string(&path).ok();
    let marked = marked.as_deref().and_then(|text| text.trim().split_once(' '));
    let newer = marked.is_some_and(|(of, at)| {
        parse(of) == id && id.is_some() && at.parse::<u64>().is_ok_and(|at| at > revision)
    });
    let id = match id {
        Some(id) if !newer => id,
        _ => {
            if newer {
                tracing::error!("the store is older than its mark: it was restored, and gets another name");
            }
            c.execute("DELETE FROM cluster", [])?;
            c.execute("INSERT INTO cluster VALUES(?1)", [format!("{chance:032x}")])?;
            chance
        }
    };
    set_mark(dir, ClusterId(id), revision);
    Ok(ClusterId(id))
}

/// Sets the mark: to a revision that is durable. One that the file has not got would make it look restored.
pub(super) fn set_mark(dir: &Path, id: ClusterId, revision: u64) {
    let path = dir.join(MARK);
    // Without a mark a restore would not be noticed; nothing else hangs on it.
    if let Err(why) = write(&path, &format!("{:032x} {revision}\n", id.0)) {
        tracing::warn!(%why, path = %path.display(), "the store's mark cannot be written");
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("mark.new");
    let mut file = fs::File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}
