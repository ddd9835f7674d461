//! What went wrong with the store, sorted by what the core makes of it. It never hides that nobody knows.

use rusqlite::ErrorCode;

use crate::core::input::Store as Condition;

/// Why something was not written, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", if *.certain { "the store did not do it" } else { "nobody knows whether the store has written it" })]
pub struct Trouble {
    /// What that says of the store.
    pub condition: Condition,
    /// Nothing was written. If not: it may have been.
    pub certain: bool,
    /// In SQLite's words, or ours.
    pub why: String,
}

impl Trouble {
    /// As SQLite tells it.
    pub(super) fn of(error: &rusqlite::Error, certain: bool) -> Trouble {
        Trouble { condition: sort(error), certain, why: error.to_string() }
    }

    /// There is nobody who writes.
    pub(super) fn closed(certain: bool) -> Trouble {
        Trouble { condition: Condition::Ok, certain, why: "it is closed".to_owned() }
    }
}

/// What an error says of the store. What only says that a piece of work was wrong leaves it as it is.
pub(super) fn sort(error: &rusqlite::Error) -> Condition {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory => Condition::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Condition::Corrupt,
            _ => Condition::Ok,
        },
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => Condition::Corrupt,
        _ => Condition::Ok,
    }
}

/// What is stored cannot be read: to be returned by whoever decodes it.
pub fn unreadable(what: impl Into<String>) -> rusqlite::Error {
    let why: Box<dyn std::error::Error + Send + Sync> = what.into().into();
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, why)
}
