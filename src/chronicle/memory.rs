//! What is owed while the disk takes nothing, and what was delivered and could not be marked: in memory, bounded.
//!
//! It is told from here under the same keys; when the disk is back it is written as delivered. It must never be the only
//! place of what could be written, and never grow without end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::notice::{Notice, Owed};
use crate::core::ids::Name;
use crate::core::time::Wall;

/// So many of each are held.
const MOST: usize = 16_384;

/// Clones are the same one.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// In the order in which it came to be owed.
    owed: Vec<Held>,
    /// Delivered, and not marked so on the disk.
    said: BTreeMap<String, Wall>,
    lost: u64,
}

struct Held {
    notice: Notice,
    tries: u32,
    due: Wall,
    escalated: bool,
    /// The keys that are settled with it.
    instead_of: Vec<String>,
}

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Owes these from here.
    pub fn owe(&self, notices: impl IntoIterator<Item = Notice>) {
        let mut inner = self.inner();
        for notice in notices {
            if inner.owed.iter().any(|held| held.notice.key() == notice.key()) {
                continue;
            }
            if inner.owed.len() >= MOST {
                inner.lost += 1;
                continue;
            }
            let due = notice.due;
            inner.owed.push(Held { notice, tries: 0, due, escalated: false, instead_of: Vec::new() });
        }
    }

    /// How many found no room.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.inner().lost
    }

    /// The first that is due at a channel, and when the next is if none is.
    #[must_use]
    pub fn next(&self, channel: &Name, now: Wall) -> (Option<Owed>, Option<Wall>) {
        let inner = self.inner();
        let of = || inner.owed.iter().filter(|held| held.notice.channel == *channel);
        let first = of().find(|held| held.due <= now || held.due <= held.notice.at);
        let owed = first.map(|held| Owed {
            id: None,
            tries: held.tries,
            escalated: held.escalated,
            notice: held.notice.clone(),
        });
        (owed, of().map(|held| held.due).filter(|due| *due > now).min())
    }

    /// It was delivered, whether it is held here or only could not be marked.
    pub fn said(&self, notice: &Notice, now: Wall) {
        let mut inner = self.inner();
        let key = notice.key();
        let mut keys = vec![key.clone()];
        inner.owed.retain(|held| {
            let same = held.notice.key() == key;
            if same {
                keys.extend(held.instead_of.iter().cloned());
            }
            !same
        });
        inner.owed.retain(|held| !keys.contains(&held.notice.key()));
        for key in keys {
            if inner.said.len() >= MOST {
                inner.said.pop_first();
            }
            inner.said.insert(key, now);
        }
    }

    /// It was tried in vain.
    pub fn failed(&self, notice: &Notice, due: Wall) {
        let key = notice.key();
        if let Some(held) = self.inner().owed.iter_mut().find(|held| held.notice.key() == key) {
            (held.tries, held.due) = (held.tries + 1, due);
        }
    }

    /// Others owe it as well: that one (none: all that is due at the channel). How many.
    pub fn escalate(&self, channel: &Name, to: &[Name], one: Option<&Notice>, now: Wall) -> usize {
        let mut inner = self.inner();
        let mut more = Vec::new();
        let mut count = 0;
        for held in inner.owed.iter_mut().filter(|held| held.notice.channel == *channel && !held.escalated) {
            let due = held.due <= now || held.tries > 0;
            if one.is_some_and(|one| one.key() != held.notice.key()) || !due {
                continue;
            }
            held.escalated = true;
            count += 1;
            for other in to {
                let notice = held.notice.instead_by(other, now);
                let instead_of = held.instead_of.iter().cloned().chain([held.notice.key()]).collect();
                more.push(Held { notice, tries: 0, due: now, escalated: false, instead_of });
            }
        }
        for new in more {
            let key = new.notice.key();
            if inner.said.contains_key(&key) || inner.owed.iter().any(|held| held.notice.key() == key) {
                continue;
            }
            inner.owed.push(new);
        }
        count
    }

    /// Whether it was delivered and could not be marked.
    #[must_use]
    pub fn is_said(&self, notice: &Notice) -> bool {
        self.inner().said.contains_key(&notice.key())
    }

    /// What was delivered and could not be marked.
    #[must_use]
    pub fn all_said(&self) -> Vec<(String, Wall)> {
        self.inner().said.iter().map(|(key, at)| (key.clone(), *at)).collect()
    }

    /// That is marked now.
    pub fn marked(&self, keys: &BTreeSet<String>) {
        let mut inner = self.inner();
        inner.said.retain(|key, _| !keys.contains(key));
    }

    /// These are on the disk now.
    pub fn written(&self, keys: impl IntoIterator<Item = String>) {
        let keys: BTreeSet<String> = keys.into_iter().collect();
        if keys.is_empty() {
            return;
        }
        self.inner().owed.retain(|held| !keys.contains(&held.notice.key()));
    }

    /// How many are held for a channel, and since when the oldest is due.
    #[must_use]
    pub fn standing(&self, channel: &Name) -> (u64, Option<Wall>) {
        let inner = self.inner();
        let of = || inner.owed.iter().filter(|held| held.notice.channel == *channel);
        (of().count() as u64, of().map(|held| held.notice.due).min())
    }
}
