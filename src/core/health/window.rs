//! M of the last N samples, for trouble that comes and goes. Blind samples are not among the N.

use alloc::boxed::Box;
use alloc::vec;

use crate::time::Mono;

/// The last N samples: which failed, and when each was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    failed: u64,
    began: Box<[Mono]>,
    len: u8,
}

impl Window {
    /// An empty window over the last `of` samples (1 to 64).
    #[must_use]
    pub fn over(of: u8) -> Window {
        Window { failed: 0, began: vec![Mono::BOOT; usize::from(of.clamp(1, 64))].into(), len: 0 }
    }

    /// The newest sample; the oldest falls out.
    pub fn push(&mut self, failed: bool, began: Mono) {
        let of = self.began.len();
        self.began.copy_within(0..of - 1, 1);
        self.began[0] = began;
        let mask = if of == 64 { u64::MAX } else { (1 << of) - 1 };
        self.failed = ((self.failed << 1) | u64::from(failed)) & mask;
        self.len = self.len.saturating_add(1).min(of as u8);
    }

    /// How many of them failed.
    #[must_use]
    pub fn fails(&self) -> u8 {
        self.failed.count_ones() as u8
    }

    /// When the oldest failure among them was begun.
    #[must_use]
    pub fn first(&self) -> Option<Mono> {
        let oldest = 63_u32.checked_sub(self.failed.leading_zeros())?;
        self.began.get(oldest as usize).copied()
    }

    /// How many samples it looks at.
    #[must_use]
    pub fn of(&self) -> u8 {
        self.began.len() as u8
    }

    /// Nothing is remembered.
    pub fn clear(&mut self) {
        self.failed = 0;
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_failure_leaves_with_its_sample() {
        let mut w = Window::over(3);
        assert_eq!((w.fails(), w.first()), (0, None));
        w.push(true, Mono::micros(1));
        w.push(false, Mono::micros(2));
        w.push(true, Mono::micros(3));
        assert_eq!((w.fails(), w.first()), (2, Some(Mono::micros(1))));
        w.push(false, Mono::micros(4));
        assert_eq!((w.fails(), w.first()), (1, Some(Mono::micros(3))));
        w.clear();
        assert_eq!((w.fails(), w.first()), (0, None));
    }

    #[test]
    fn sixty_four_is_the_widest() {
        let mut w = Window::over(200);
        for i in 0..200 {
            w.push(true, Mono::micros(i));
        }
        assert_eq!((w.fails(), w.first()), (64, Some(Mono::micros(136))));
    }
}
