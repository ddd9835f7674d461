//! What is to happen, in the order of time; of what happens at one moment, what was put first. It never drops anything.
//!
//! Most of what is put happens within seconds: that is kept in a ring of short spans of time, and what is found in one
//! of them is looked through, which costs less than to keep all of it in order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A queue of things to come.
pub(crate) struct Heap<T> {
    /// Apart from what happens: looking for the next passes many of these.
    keys: Vec<Key>,
    what: Vec<Option<T>>,
    free: Vec<u16>,
    /// By span of the ring: one of what happens in it.
    heads: Vec<u16>,
    /// Spans in which something happens, one bit each.
    some: [u64; RING / 64],
    /// The ring begins with this span.
    from: u64,
    /// What happens after the ring's end.
    far: BinaryHeap<Reverse<(u64, u32, u16)>>,
    /// The first of that happens in this span.
    far_from: u64,
    put: u32,
}

#[derive(Clone, Copy)]
struct Key {
    at: u64,
    nth: u32,
    /// Another of the same span.
    next: u16,
}

/// So many spans has the ring,
const RING: usize = 8_192;
/// of so many microseconds each, as a power of two: a quarter of a minute in all.
const SPAN: u32 = 11;
const NONE: u16 = u16::MAX;

impl<T> Heap<T> {
    pub(crate) fn new() -> Heap<T> {
        Heap {
            keys: Vec::with_capacity(256),
            what: Vec::with_capacity(256),
            free: Vec::new(),
            heads: vec![NONE; RING],
            some: [0; RING / 64],
            from: 0,
            far: BinaryHeap::new(),
            far_from: u64::MAX,
            put: 0,
        }
    }

    pub(crate) fn put(&mut self, at: u64, what: T) {
        self.put += 1;
        let key = Key { at, nth: self.put, next: NONE };
        let place = match self.free.pop() {
            Some(place) => {
                self.keys[usize::from(place)] = key;
                self.what[usize::from(place)] = Some(what);
                place
            }
            None => {
                self.keys.push(key);
                self.what.push(Some(what));
                (self.keys.len() - 1) as u16
            }
        };
        assert!(place < NONE && self.keys.len() < usize::from(NONE), "too much is to come");
        if at >> SPAN < self.from + RING as u64 {
            self.link(at, place);
        } else {
            self.far.push(Reverse((at, self.put, place)));
            self.far_from = self.far_from.min(at >> SPAN);
        }
    }

    fn link(&mut self, at: u64, place: u16) {
        // What should have happened already happens first.
        let span = (at >> SPAN).max(self.from) as usize % RING;
        self.keys[usize::from(place)].next = std::mem::replace(&mut self.heads[span], place);
        self.some[span / 64] |= 1 << (span % 64);
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        let span = match self.first() {
            Some(span) if self.far_from >= self.from + RING as u64 => span,
            first => {
                self.draw_near(first.is_none())?;
                self.first()?
            }
        };
        // The earliest of them, and who leads to it.
        let (mut best, mut before) = (self.heads[span], NONE);
        let (mut last, mut least) = (best, self.keys[usize::from(best)]);
        let mut next = least.next;
        while next != NONE {
            let key = self.keys[usize::from(next)];
            if (key.at, key.nth) < (least.at, least.nth) {
                (best, before, least) = (next, last, key);
            }
            (last, next) = (next, key.next);
        }
        match before {
            NONE => self.heads[span] = least.next,
            before => self.keys[usize::from(before)].next = least.next,
        }
        if self.heads[span] == NONE {
            self.some[span / 64] &= !(1 << (span % 64));
        }
        self.from = self.from.max(least.at >> SPAN);
        self.free.push(best);
        self.what[usize::from(best)].take().map(|what| (least.at, what))
    }

    /// What was far and is not any more comes into the ring, which begins there if nothing else is in it.
    #[cold]
    fn draw_near(&mut self, empty: bool) -> Option<()> {
        if empty {
            self.from = self.from.max(self.far.peek()?.0.0 >> SPAN);
        }
        while let Some(&Reverse((at, _, place))) = self.far.peek()
            && at >> SPAN < self.from + RING as u64
        {
            self.far.pop();
            self.link(at, place);
        }
        self.far_from = self.far.peek().map_or(u64::MAX, |Reverse((at, ..))| at >> SPAN);
        Some(())
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
