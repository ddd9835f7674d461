//! Users, who read and write all the time through resolvers that keep a name for a while. What they got, and where their
//! writes went, is the account against which promises are held; it is kept in spans, not in single requests.

use crate::provider::Providers;
use crate::shape::Shape;
use crate::truth::Truth;

/// How long a resolver keeps a name.
pub(crate) const TTL: u64 = 20_000_000;
/// Resolvers of each service.
pub(crate) const RESOLVERS: usize = 2;

/// Writes that one region accepted, without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) region: usize,
    pub(crate) timeline: u64,
    pub(crate) from: u64,
    /// None: until now.
    pub(crate) until: Option<u64>,
}

/// What the users of one service have.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    /// One bit a region, by resolver.
    pub(crate) sees: [u8; RESOLVERS],
    /// Oldest first.
    pub(crate) written: Vec<Written>,
    /// Since when nobody is served; none: somebody is.
    pub(crate) dark: Option<u64>,
    /// Regions that accept users' writes at this moment, one bit each.
    pub(crate) accepting: u8,
}

/// All users.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    pub(crate) services: Vec<Served>,
}

impl Users {
    pub(crate) fn new(shape: &Shape, now: u64) -> Users {
        let written = vec![Written { region: 0, timeline: 1, from: now, until: None }];
        let served = Served { sees: [1; RESOLVERS], written, dark: None, accepting: 1 };
        Users { services: vec![served; shape.services] }
    }

    /// Something has changed: who is served now, and who accepts writes.
    pub(crate) fn look(
        &mut self,
        service: usize,
        now: u64,
        shape: &Shape,
        truth: &Truth,
        providers: &Providers,
    ) {
        let stateless = shape.recipes[service].stateless;
        let served = &mut self.services[service];
        let seen = served.sees.iter().fold(0, |all, sees| all | sees);
        let mut accepting = 0;
        for region in 0..shape.regions {
            let led = seen & (1 << region) != 0;
            if led && truth.answers(service, region) && providers.writable(service, region, stateless, truth)
            {
                accepting |= 1 << region;
            }
        }
        for region in 0..shape.regions {
            let (before, is) = (served.accepting & (1 << region) != 0, accepting & (1 << region) != 0);
            let timeline = providers.dbs[service][region].timeline;
            let open = served.written.iter_mut().rev().find(|w| w.region == region && w.until.is_none());
            let same = open.as_ref().is_some_and(|open| open.timeline == timeline);
            if before
                && (!is || !same)
                && let Some(open) = open
            {
                open.until = Some(now);
            }
            if is && (!before || !same) {
                served.written.push(Written { region, timeline, from: now, until: None });
            }
        }
        served.accepting = accepting;
        let dark = accepting == 0;
        match (dark, served.dark) {
            (true, None) => served.dark = Some(now),
            (false, Some(_)) => served.dark = None,
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Of what was written on a timeline before `end`, how much lies after `upto`: from there to the last of it.
    pub(crate) fn lost(&self, service: usize, timeline: u64, upto: u64, end: u64) -> u64 {
        let of = self.services[service].written.iter().filter(|w| w.timeline == timeline && w.from < end);
        let last = of.map(|w| w.until.unwrap_or(end).min(end)).max().unwrap_or(0);
        last.saturating_sub(upto)
    }
}
