//! The one thread that writes, and the one that reads: each takes work from a bounded queue.
//!
//! What waits is done in one transaction, each piece within a savepoint, so that one that fails takes no other with it.
//! Nobody is answered before the commit. It must never answer that something is written when only that was tried.

use std::collections::VecDeque;

use rusqlite::Connection;
use tokio::sync::{mpsc, watch};

use super::trouble::{Trouble, sort};
use crate::core::input::Store as Condition;

/// Answers whoever waits: with the fate of the transaction.
pub(super) type Finish = Box<dyn FnOnce(Result<(), Trouble>) + Send>;
/// A piece of work: whether it failed, and whom to answer.
pub(super) type Job = Box<dyn FnOnce(&Connection) -> (Option<rusqlite::Error>, Finish) + Send>;

/// Who is to be answered, and with what.
type Answers = Vec<(Finish, Result<(), Trouble>)>;

/// So much is committed together at most: whoever came first waits no longer than for that.
const TOGETHER: usize = 256;

/// Writes until nobody hands over any more.
pub(super) fn write(
    connection: Connection,
    mut jobs: mpsc::Receiver<Job>,
    condition: watch::Sender<Condition>,
) {
    let mut batch: VecDeque<Job> = VecDeque::with_capacity(TOGETHER);
    while let Some(first) = jobs.blocking_recv() {
        batch.push_back(first);
        while batch.len() < TOGETHER
            && let Ok(next) = jobs.try_recv()
        {
            batch.push_back(next);
        }
        // What a failed transaction leaves over is done in the next. A piece of work that panics ends this thread, and
        // with it the `condition`: the daemon ends, since nothing would be durable any more.
        while !batch.is_empty() {
            let mut answers = Answers::new();
            let said = commit(&connection, &mut batch, &mut answers);
            // Whoever is answered may look at once at what that says of the store.
            tell(&condition, said);
            answers.into_iter().for_each(|(finish, fate)| finish(fate));
        }
    }
    // What is in the log goes into the file, so that a copy of the file alone is whole.
    drop(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
}

/// Reads until nobody asks any more.
pub(super) fn read(connection: Connection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.blocking_recv() {
        let began = connection.execute_batch("BEGIN");
        let (_, finish) = job(&connection);
        let ended = connection.execute_batch("ROLLBACK");
        finish(began.and(ended).map_err(|error| Trouble::of(&error, true)));
    }
}

/// Does all of a batch in one transaction, or as much of it as there is one for. What that says of the store.
fn commit(connection: &Connection, batch: &mut VecDeque<Job>, answers: &mut Answers) -> Option<Condition> {
    #[cfg(debug_assertions)]
    super::faults::forget();
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        // Nobody is answered but by being forgotten: whoever waits takes it for unknown, which it may be.
        batch.clear();
        return Some(sort(&error)).filter(|said| *said != Condition::Ok);
    }
    let mut done: Vec<Finish> = Vec::with_capacity(batch.len());
    let mut said = None;
    while let Some(job) = batch.pop_front() {
        if let Err(error) = connection.execute_batch("SAVEPOINT piece") {
            return Some(abandon(connection, done, &error, answers));
        }
        let (failed, finish) = job(connection);
        let failed = match failed {
            Some(error) => error,
            None => match connection.execute_batch("RELEASE piece") {
                Ok(()) => {
                    done.push(finish);
                    continue;
                }
                Err(error) => {
                    done.push(finish);
                    return Some(abandon(connection, done, &error, answers));
                }
            },
        };
        if sort(&failed) != Condition::Ok {
            said = Some(sort(&failed));
        }
        answers.push((finish, Ok(())));
        // A full disk takes the whole transaction with it, and what was done before in it.
        let back = connection.execute_batch("ROLLBACK TO piece; RELEASE piece");
        if connection.is_autocommit() || back.is_err() {
            return Some(abandon(connection, done, &failed, answers));
        }
    }
    #[cfg(debug_assertions)]
    super::faults::before();
    let committed = connection.execute_batch("COMMIT");
    let wrote = !done.is_empty();
    match committed {
        #[cfg(debug_assertions)]
        Ok(()) if super::faults::after() => {
            answers.extend(done.into_iter().map(|finish| (finish, Err(Trouble::closed(false)))));
            said.or(wrote.then_some(Condition::Ok))
        }
        Ok(()) => {
            answers.extend(done.into_iter().map(|finish| (finish, Ok(()))));
            said.or(wrote.then_some(Condition::Ok))
        }
        Err(error) => {
            // It may be in the log, whole, and be found there at the next start.
            let trouble = Trouble::of(&error, false);
            answers.extend(done.into_iter().map(|finish| (finish, Err(trouble.clone()))));
            drop(connection.execute_batch("ROLLBACK"));
            Some(sort(&error)).filter(|said| *said != Condition::Ok)
        }
    }
}

/// Nothing of this transaction is kept.
fn abandon(
    connection: &Connection,
    done: Vec<Finish>,
    error: &rusqlite::Error,
    answers: &mut Answers,
) -> Condition {
    if !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
    let trouble = Trouble::of(error, true);
    answers.extend(done.into_iter().map(|finish| (finish, Err(trouble.clone()))));
    sort(error)
}

/// What is corrupt stays so until somebody has looked; a full disk may have room again.
fn tell(condition: &watch::Sender<Condition>, said: Option<Condition>) {
    let Some(said) = said else { return };
    condition.send_if_modified(|known| {
        let news = *known != said && *known != Condition::Corrupt;
        if news {
            *known = said;
        }
        news
    });
}
