//! What is to happen, in the order of time; of what happens at one moment, what was put first. It never drops anything.
//!
//! Most of what is put happens within seconds: that is kept in a ring of short spans of time, and what is found in one
//! of them is looked through, which costs less than to keep all of it in order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A queue of things to come.
pub(crate) struct Heap<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    /// By span of the ring: the first of what happens in it.
    heads: Vec<u32>,
    /// Spans in which something happens, one bit each.
    some: [u64; RING / 64],
    /// The ring begins with this span.
    from: u64,
    /// What happens after the ring's end.
    far: BinaryHeap<Reverse<(u64, u64, u32)>>,
    put: u64,
}

struct Slot<T> {
    at: u64,
    nth: u64,
    /// The next of the same span.
    next: u32,
    what: Option<T>,
}

/// So many spans has the ring,
const RING: usize = 2_048;
/// of so many microseconds each, as a power of two: half a minute in all.
const SPAN: u32 = 14;
const NONE: u32 = u32::MAX;

impl<T> Heap<T> {
    pub(crate) fn new() -> Heap<T> {
        Heap {
            slots: Vec::with_capacity(256),
            free: Vec::new(),
            heads: vec![NONE; RING],
            some: [0; RING / 64],
            from: 0,
            far: BinaryHeap::new(),
            put: 0,
        }
    }

    pub(crate) fn put(&mut self, at: u64, what: T) {
        self.put += 1;
        let slot = Slot { at, nth: self.put, next: NONE, what: Some(what) };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = slot;
                place
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        if at >> SPAN < self.from + RING as u64 {
            self.link(at, place);
        } else {
            self.far.push(Reverse((at, self.put, place)));
        }
    }

    fn link(&mut self, at: u64, place: u32) {
        // What should have happened already happens first.
        let span = (at >> SPAN).max(self.from) as usize % RING;
        self.slots[place as usize].next = std::mem::replace(&mut self.heads[span], place);
        self.some[span / 64] |= 1 << (span % 64);
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        if self.some.iter().all(|word| *word == 0) {
            let Reverse((at, ..)) = self.far.peek()?;
            self.from = self.from.max(at >> SPAN);
        }
        while let Some(&Reverse((at, _, place))) = self.far.peek()
            && at >> SPAN < self.from + RING as u64
        {
            self.far.pop();
            self.link(at, place);
        }
        let span = self.first()?;
        // The earliest of them, and who leads to it.
        let head = self.heads[span];
        let (mut best, mut before, mut last) = (head, NONE, head);
        let mut next = self.slots[head as usize].next;
        while next != NONE {
            let (slot, least) = (&self.slots[next as usize], &self.slots[best as usize]);
            if (slot.at, slot.nth) < (least.at, least.nth) {
                (best, before) = (next, last);
            }
            (last, next) = (next, slot.next);
        }
        let after = self.slots[best as usize].next;
        match before {
            NONE => self.heads[span] = after,
            before => self.slots[before as usize].next = after,
        }
        if self.heads[span] == NONE {
            self.some[span / 64] &= !(1 << (span % 64));
        }
        let slot = &mut self.slots[best as usize];
        let (at, what) = (slot.at, slot.what.take());
        self.from = self.from.max(at >> SPAN);
        self.free.push(best);
        what.map(|what| (at, what))
    }

    /// The first span in which something happens.
    fn first(&self) -> Option<usize> {
        let start = self.from as usize % RING;
        let (word, bit) = (start / 64, start % 64);
        let here = self.some[word] & (u64::MAX << bit);
        if here != 0 {
            return Some(word * 64 + here.trailing_zeros() as usize);
        }
        // Round once, and at last what stands before it in its own word.
        (1..=self.some.len()).map(|step| (word + step) % self.some.len()).find_map(|at| {
            let bits = self.some[at];
            (bits != 0).then(|| at * 64 + bits.trailing_zeros() as usize)
        })
    }
}
