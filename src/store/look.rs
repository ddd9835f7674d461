//! A look at a store's file beside the daemon that writes it, or without one. It must never write, nor hold anybody up.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::open::sorted;
use super::{NotOpened, file, schema};

/// Opens it for reading alone. It takes no lock: a daemon may be writing.
pub fn look(dir: &Path) -> Result<Connection, NotOpened> {
    let path = file(dir);
    if let Err(why) = std::fs::metadata(&path) {
        return Err(NotOpened::Folder { path, why });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(|error| sorted(&path, &error))?;
    let wait = connection.busy_timeout(std::time::Duration::from_secs(5));
    wait.map_err(|error| sorted(&path, &error))?;
    let found = schema::version(&connection).map_err(|error| sorted(&path, &error))?;
    if found > schema::VERSION {
        return Err(NotOpened::Newer { path, found, known: schema::VERSION });
    }
    Ok(connection)
}
