//! What is really so: which region's parts live, which links are up, who lies, whose requests get lost. Faults change
//! this, and nothing else; no core ever sees it but through samples and answers.

/// A service's parts in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The front answers.
    pub(crate) web: bool,
    /// The database's process runs.
    pub(crate) db: bool,
    /// It could take over.
    pub(crate) ready: bool,
    /// The front answers too slowly, so that every other probe of it times out.
    pub(crate) flaps: bool,
    /// Nobody can read how far it is behind.
    pub(crate) unread: bool,
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
    /// Its transactions get lost, or land late.
    pub(crate) flaky: bool,
    /// Answers of the coordinator do not reach it; its requests do.
    pub(crate) deaf: bool,
    /// What it is told by the coordinator comes up to half a minute late.
    pub(crate) stale: bool,
    /// Its disk is full.
    pub(crate) full: bool,
    /// It reaches no provider.
    pub(crate) barred: bool,
    /// The coordinator is slow to it: renewals are given up.
    pub(crate) unrenewed: bool,
}

/// What is wrong with the providers of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ailing {
    /// They answer that it is too much.
    pub(crate) throttled: bool,
    /// The credentials have expired.
    pub(crate) expired: bool,
    /// Requests and answers get lost, or come late.
    pub(crate) lossy: bool,
    /// Half of a batch is done, and the answer says nothing.
    pub(crate) partial: bool,
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
    /// By observer: how many of its reference points are in reach.
    pub(crate) reference: Vec<u8>,
    /// By observer: it reaches the coordinator.
    pub(crate) coordinator: Vec<bool>,
    /// By observer.
    pub(crate) sick: Vec<Sickness>,
    /// By service.
    pub(crate) ailing: Vec<Ailing>,
    /// The coordinator has a quorum of its own.
    pub(crate) quorum: bool,
    /// The coordinator keeps sessions longer than it granted.
    pub(crate) stretched: bool,
    /// The first channel delivers.
    pub(crate) channel: bool,
    /// By observer: how many faults of its own are under way.
    pub(crate) faults: Vec<u32>,
}

impl Truth {
    pub(crate) fn well(observers: usize, services: usize, regions: usize, references: usize) -> Truth {
        let part = Part { web: true, db: true, ready: true, flaps: false, unread: false };
        Truth {
            parts: vec![vec![part; regions]; services],
            power: vec![true; regions],
            way: vec![true; regions],
            link: vec![vec![true; regions]; observers],
            reference: vec![references as u8; observers],
            coordinator: vec![true; observers],
            sick: vec![Sickness::default(); observers],
            ailing: vec![Ailing::default(); services],
            quorum: true,
            stretched: false,
            channel: true,
            faults: vec![0; observers],
        }
    }

    /// Its front answers whoever asks from outside.
    pub(crate) fn answers(&self, service: usize, region: usize) -> bool {
        self.power[region] && self.way[region] && self.parts[service][region].web
    }

    /// Its database runs.
    pub(crate) fn lives(&self, service: usize, region: usize) -> bool {
        self.power[region] && self.parts[service][region].db
    }

    /// An observer reaches a region's targets: from inside, or by its own link and the region's way.
    pub(crate) fn reaches(&self, observer: usize, region: usize, stands_in: Option<usize>) -> bool {
        self.power[region] && (stands_in == Some(region) || (self.link[observer][region] && self.way[region]))
    }

    /// An observer reaches what lies outside every region, as far as its region's way goes.
    pub(crate) fn outside(&self, stands_in: Option<usize>) -> bool {
        stands_in.is_none_or(|region| self.way[region] && self.power[region])
    }

    /// So many of an observer's reference points are in reach: they lie outside every region.
    pub(crate) fn references(&self, observer: usize, stands_in: Option<usize>) -> u8 {
        if self.outside(stands_in) { self.reference[observer] } else { 0 }
    }

    /// An observer reaches the coordinator, and that answers.
    pub(crate) fn coordinated(&self, observer: usize, stands_in: Option<usize>) -> bool {
        self.quorum && self.coordinator[observer] && self.outside(stands_in)
    }

    /// Whether something is wrong with an observer itself, as far as its voice counts.
    pub(crate) fn faulty(&self, observer: usize, stands_in: Option<usize>) -> bool {
        self.faults[observer] > 0 || !self.outside(stands_in)
    }
}
