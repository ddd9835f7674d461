//! What is really so: which region's parts live, which links are up, who lies. Faults change this, and nothing else;
//! no core ever sees it but through samples.

/// A service's parts in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The front answers.
    pub(crate) web: bool,
    /// The database answers.
    pub(crate) db: bool,
    /// It could take over.
    pub(crate) ready: bool,
}

/// What is wrong with an observer, besides its links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sickness {
    /// The process is gone.
    pub(crate) crashed: bool,
    /// It stands still.
    pub(crate) paused: bool,
    /// What it says of targets is the contrary of what it sees.
    pub(crate) lies: bool,
    /// Its prober starts nothing.
    pub(crate) wedged: bool,
    /// It cannot read a secret: everything is blind.
    pub(crate) blind: bool,
    /// Its votes arrive late by so many microseconds.
    pub(crate) slow_votes: u64,
}

/// Everything that is so.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    /// By service, then region.
    pub(crate) parts: Vec<Vec<Part>>,
    /// A region has power.
    pub(crate) power: Vec<bool>,
    /// A region's way to the outside: users and observers elsewhere reach it.
    pub(crate) way: Vec<bool>,
    /// By observer, then region: that observer's own link there.
    pub(crate) link: Vec<Vec<bool>>,
    /// By observer, then reference point.
    pub(crate) reference: Vec<Vec<bool>>,
    /// By observer: it reaches the coordinator.
    pub(crate) coordinator: Vec<bool>,
    /// By observer.
    pub(crate) sick: Vec<Sickness>,
    /// By observer: how many faults of its own are under way.
    pub(crate) faults: Vec<u32>,
}

impl Truth {
    pub(crate) fn well(observers: usize, services: usize, regions: usize, references: usize) -> Truth {
        Truth {
            parts: vec![vec![Part { web: true, db: true, ready: true }; regions]; services],
            power: vec![true; regions],
            way: vec![true; regions],
            link: vec![vec![true; regions]; observers],
            reference: vec![vec![true; references]; observers],
            coordinator: vec![true; observers],
            sick: vec![Sickness::default(); observers],
            faults: vec![0; observers],
        }
    }

    /// Users are served by that region.
    pub(crate) fn serves(&self, service: usize, region: usize) -> bool {
        let part = self.parts[service][region];
        self.power[region] && self.way[region] && part.web && part.db
    }

    /// Its front answers whoever asks from outside.
    pub(crate) fn answers(&self, service: usize, region: usize) -> bool {
        self.power[region] && self.way[region] && self.parts[service][region].web
    }

    /// It takes writes from whoever reaches it.
    pub(crate) fn lives(&self, service: usize, region: usize) -> bool {
        self.power[region] && self.parts[service][region].db
    }

    /// An observer reaches a region's targets: from inside, or by its own link and the region's way.
    pub(crate) fn reaches(&self, observer: usize, region: usize, stands_in: Option<usize>) -> bool {
        self.power[region] && (stands_in == Some(region) || (self.link[observer][region] && self.way[region]))
    }

    /// So many of an observer's reference points are in reach: they lie outside every region.
    pub(crate) fn references(&self, observer: usize, stands_in: Option<usize>) -> u8 {
        let out = stands_in.is_none_or(|region| self.way[region] && self.power[region]);
        let up = self.reference[observer].iter().filter(|up| **up).count();
        if out { up as u8 } else { 0 }
    }

    /// An observer reaches the coordinator.
    pub(crate) fn coordinated(&self, observer: usize, stands_in: Option<usize>) -> bool {
        self.coordinator[observer] && stands_in.is_none_or(|region| self.way[region] && self.power[region])
    }

    /// Whether something is wrong with an observer itself, as far as its voice counts.
    pub(crate) fn faulty(&self, observer: usize, stands_in: Option<usize>) -> bool {
        self.faults[observer] > 0 || stands_in.is_some_and(|region| !self.way[region] || !self.power[region])
    }
}
