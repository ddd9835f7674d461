//! How many of a kind came one after the other. Blind samples never get here.

use crate::time::Mono;

/// The samples of one kind since the last of another, and when the first of them was begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    count: u16,
    first: Mono,
}

impl Streak {
    /// One more, begun then.
    pub fn one_more(&mut self, began: Mono) {
        if self.count == 0 {
            self.first = began;
        }
        self.count = self.count.saturating_add(1);
    }

    /// It was broken.
    pub fn end(&mut self) {
        self.count = 0;
    }

    /// How many.
    #[must_use]
    pub fn count(self) -> u16 {
        self.count
    }

    /// When the first of them was begun, if there is one.
    #[must_use]
    pub fn first(self) -> Option<Mono> {
        (self.count > 0).then_some(self.first)
    }
}
