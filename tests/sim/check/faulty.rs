//! Which observers are faulty, or were so lately that what they said may still count.

use crate::shape::Shape;
use crate::truth::Truth;

/// A fault of an observer is over for so long before its voice is sound again.
const LINGERS: u64 = 120_000_000;

/// Who was killed is back within a minute, and then has to see everything anew.
const AWAY: u64 = 120_000_000;

/// By observer.
#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    since: Vec<Option<u64>>,
    clean: Vec<Option<u64>>,
    /// When its process ended last.
    killed: Vec<Option<u64>>,
}

impl Faulty {
    pub(crate) fn new(observers: usize) -> Faulty {
        Faulty { since: vec![None; observers], clean: vec![None; observers], killed: vec![None; observers] }
    }

    pub(crate) fn look(&mut self, now: u64, shape: &Shape, truth: &Truth) {
        for observer in 0..self.since.len() {
            let faulty = truth.faulty(observer, shape.stands_in(observer));
            match (faulty, self.since[observer]) {
                (true, None) => self.since[observer] = Some(now),
                (false, Some(_)) => {
                    self.since[observer] = None;
                    self.clean[observer] = Some(now);
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
    }

    pub(crate) fn lately(&self, now: u64) -> usize {
        (0..self.since.len()).filter(|&observer| self.is_lately(observer, now)).count()
    }

    /// Its process is gone.
    pub(crate) fn killed(&mut self, observer: usize, now: u64) {
        self.killed[observer] = Some(now);
    }

    /// Whether that one's voice may still be wrong, or missing.
    pub(crate) fn is_missed(&self, observer: usize, now: u64) -> bool {
        self.is_lately(observer, now) || self.killed[observer].is_some_and(|killed| now < killed + AWAY)
    }

    /// Whether that one's voice may still be wrong.
    pub(crate) fn is_lately(&self, observer: usize, now: u64) -> bool {
        self.since[observer].is_some() || self.clean[observer].is_some_and(|clean| now < clean + LINGERS)
    }
}
