//! What is to happen, in the order of time; of what happens at one moment, what was put first. It never drops anything.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A queue of things to come.
pub(crate) struct Heap<T> {
    /// When, then what was put first: one number, since most of the time of a queue goes into comparing.
    queue: BinaryHeap<Reverse<u128>>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    put: u64,
}

/// So many low bits of the key say where the thing is kept.
const PLACE: u32 = 20;

impl<T> Heap<T> {
    pub(crate) fn new() -> Heap<T> {
        Heap {
            queue: BinaryHeap::with_capacity(256),
            slots: Vec::with_capacity(256),
            free: Vec::new(),
            put: 0,
        }
    }

    pub(crate) fn put(&mut self, at: u64, what: T) {
        self.put += 1;
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = Some(what);
                place
            }
            None => {
                self.slots.push(Some(what));
                (self.slots.len() - 1) as u32
            }
        };
        assert!(place < 1 << PLACE, "too much is to come");
        self.queue.push(Reverse(u128::from(at) << 64 | u128::from(self.put << PLACE | u64::from(place))));
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        loop {
            let Reverse(key) = self.queue.pop()?;
            let (at, place) = ((key >> 64) as u64, (key & ((1 << PLACE) - 1)) as u32);
            self.free.push(place);
            if let Some(what) = self.slots[place as usize].take() {
                return Some((at, what));
            }
        }
    }
}
