//! A bounded way from the event loop to one shell, on which the loop never waits.
//!
//! What does not fit into the shell's queue waits here, in order, up to a limit; past it the newest is not taken, and
//! whoever sent it decides what that means.

use std::collections::VecDeque;

use tokio::sync::mpsc;

/// A way to one shell.
pub(super) struct Lane<T> {
    queue: mpsc::Sender<T>,
    waiting: VecDeque<T>,
    most: usize,
}

impl<T> Lane<T> {
    /// So many wait here at most, beside those in the queue.
    pub(super) const fn new(queue: mpsc::Sender<T>, most: usize) -> Lane<T> {
        Lane { queue, waiting: VecDeque::new(), most }
    }

    /// Sends it, now or when there is room. False: there is none, and it is gone.
    #[must_use]
    pub(super) fn send(&mut self, item: T) -> bool {
        self.send_beyond(item, 0)
    }

    /// The same, for what matters more than the rest: it finds room where so many more wait already.
    #[must_use]
    pub(super) fn send_beyond(&mut self, item: T, more: usize) -> bool {
        self.pump();
        let left = if self.waiting.is_empty() {
            match self.queue.try_send(item) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Full(item)) => item,
                // Nobody takes it any more: the daemon ends.
                Err(mpsc::error::TrySendError::Closed(_)) => return true,
            }
        } else {
            item
        };
        if self.waiting.len() >= self.most.saturating_add(more) {
            return false;
        }
        self.waiting.push_back(left);
        true
    }

    /// So many wait here.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Moves on what waits; whether some of it still does.
    pub(super) fn pump(&mut self) -> bool {
        while let Some(item) = self.waiting.pop_front() {
            match self.queue.try_send(item) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(item)) => {
                    self.waiting.push_front(item);
                    break;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => self.waiting.clear(),
            }
        }
        !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_order_and_its_limit() {
        let (queue, mut taken) = mpsc::channel(2);
        let mut lane = Lane::new(queue, 2);
        assert!((0..4).all(|n| lane.send(n)) && !lane.send(4), "two in the queue, two here, no more");
        assert!(
            lane.send_beyond(4, 1) && !lane.send_beyond(4, 1),
            "but for what matters more, up to a limit"
        );
        assert_eq!((taken.try_recv(), taken.try_recv()), (Ok(0), Ok(1)));
        assert!(lane.send(5) && lane.waiting() == 2);
        assert_eq!((taken.try_recv(), taken.try_recv()), (Ok(2), Ok(3)));
        assert!(!lane.pump() && lane.waiting() == 0);
        assert_eq!((taken.try_recv(), taken.try_recv()), (Ok(4), Ok(5)));
    }
}
