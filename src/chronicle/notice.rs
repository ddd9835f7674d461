//! A notice: something that is owed to one channel, and what becomes of it. Data; nothing is sent or stored from here.

use serde_json::Value;

use crate::core::ids::Name;
use crate::core::time::{Span, Wall};

/// Something that is owed to one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What is said, whoever hears it: with the channel it is the key. Said twice to one channel, it is owed once.
    pub about: String,
    /// Of which service; none: of this observer.
    pub service: Option<Name>,
    /// Of which incident; it is then part of its story, and ends with it.
    pub incident: Option<u32>,
    /// Of which run.
    pub run: Option<u64>,
    /// Of which of its steps.
    pub step: Option<String>,
    /// By what.
    pub channel: Name,
    /// What happened, in one word: a row of docs/NOTICES.md.
    pub event: String,
    /// Chooses the words.
    pub audience: String,
    /// What happened, with its numbers, and as `text` in a sentence.
    pub said: Value,
    /// When it happened.
    pub at: Wall,
    /// When it would be due without quiet hours,
    pub planned: Wall,
    /// and when it is.
    pub due: Wall,
    /// Until when its delivery is promised.
    pub promised: Option<Wall>,
    /// Said again so often,
    pub repeat: Option<Span>,
    /// until somebody has acknowledged the incident, or only until it is closed.
    pub until_acknowledged: bool,
    /// The how-manieth time it is said again.
    pub again: u32,
    /// The channel that should have said it.
    pub instead: Option<Name>,
}

/// A notice that nobody was given yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// Its place in the outbox; none: it is held in memory, since the disk takes nothing.
    pub id: Option<i64>,
    /// It was tried so often.
    pub tries: u32,
    /// Another channel owes it as well.
    pub escalated: bool,
    /// What.
    pub notice: Notice,
}

impl Notice {
    /// What it is owed once by.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.about, self.channel)
    }

    /// The same, for another channel that says it instead: at once, and once.
    #[must_use]
    pub fn instead_by(&self, channel: &Name, now: Wall) -> Notice {
        Notice {
            instead: Some(self.channel.clone()),
            channel: channel.clone(),
            planned: now,
            due: now,
            promised: None,
            repeat: None,
            ..self.clone()
        }
    }

    /// The same, said again.
    #[must_use]
    pub fn once_more(&self, now: Wall) -> Option<Notice> {
        let due = now + self.repeat?;
        let again = self.again + 1;
        let first = self.about.split('+').next().unwrap_or_default();
        Some(Notice {
            about: format!("{first}+{again}"),
            event: "update".to_owned(),
            planned: due,
            due,
            promised: None,
            instead: None,
            again,
            ..self.clone()
        })
    }
}
