//! What is really so: how each target behaves, for whom, and how many reference points each observer reaches. It
//! knows nothing of what anybody makes of it.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper_core::health::{Blindness, Failure, Outcome};
use watchkeeper_core::time::{Mono, Span};

/// How a target behaves when it is probed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behaves {
    /// It answers after so long.
    Answers(Span),
    /// It refuses at once.
    Refuses,
    /// It swallows what is sent.
    TimesOut,
    /// The prober cannot see it.
    Blind,
    /// The prober is wedged: no sample ever ends.
    Wedged,
}

/// A probe in a region (or in none) of a service, by names.
pub(crate) type Place = (String, String, Option<String>);

/// What a probe reads besides.
#[derive(Clone, Copy, Debug)]
struct Lag {
    base: Span,
    since: Option<Mono>,
}

/// What is really so.
#[derive(Default)]
pub(crate) struct World {
    behaves: BTreeMap<Place, Behaves>,
    for_one: BTreeMap<(String, Place), Behaves>,
    lags: BTreeMap<Place, Lag>,
    references: BTreeMap<String, u8>,
    cut_off: BTreeMap<String, String>,
    pub(crate) active: BTreeMap<String, String>,
    /// Whether a service's region takes writes, by service and region; where nothing stands, the active one does.
    writes: BTreeMap<(String, String), bool>,
}

const QUICK: Span = Span::millis(20);

impl World {
    pub(crate) fn set(&mut self, place: Place, behaves: Behaves) {
        self.behaves.insert(place, behaves);
    }

    pub(crate) fn set_for(&mut self, observer: &str, place: Place, behaves: Option<Behaves>) {
        match behaves {
            Some(behaves) => self.for_one.insert((observer.to_owned(), place), behaves),
            None => self.for_one.remove(&(observer.to_owned(), place)),
        };
    }

    /// It reads so much; from `since` on, that much and the time since.
    pub(crate) fn lag(&mut self, place: Place, base: Span, since: Option<Mono>) {
        self.lags.insert(place, Lag { base, since });
    }

    pub(crate) fn lag_of(&self, place: &Place) -> Span {
        self.lags.get(place).map_or(Span::ZERO, |lag| lag.base)
    }

    pub(crate) fn reach(&mut self, observer: &str, references: u8) {
        self.references.insert(observer.to_owned(), references);
    }

    /// Its uplink is dead: it reaches what is in its own region and nothing else.
    pub(crate) fn cut(&mut self, observer: &str, region: Option<&str>) {
        match region {
            Some(region) => self.cut_off.insert(observer.to_owned(), region.to_owned()),
            None => self.cut_off.remove(observer),
        };
    }

    pub(crate) fn references(&self, observer: &str) -> u8 {
        if self.cut_off.contains_key(observer) {
            return 0;
        }
        self.references.get(observer).copied().unwrap_or(u8::MAX)
    }

    /// How a target behaves for an observer. What takes writes does so where the service is active, unless said.
    pub(crate) fn behaves(&self, observer: &str, place: &Place, drift: bool) -> Behaves {
        if self.cut_off.get(observer).is_some_and(|own| place.2.as_ref() != Some(own)) {
            return Behaves::TimesOut;
        }
        let said =
            self.for_one.get(&(observer.to_owned(), place.clone())).or_else(|| self.behaves.get(place));
        let writes = || place.2.as_ref().is_some_and(|region| self.may_write(&place.0, region));
        said.copied().unwrap_or(if drift && !writes() { Behaves::Refuses } else { Behaves::Answers(QUICK) })
    }

    /// Whether a service takes writes in a region.
    pub(crate) fn may_write(&self, service: &str, region: &str) -> bool {
        let said = self.writes.get(&(service.to_owned(), region.to_owned()));
        said.copied().unwrap_or(self.active.get(service).is_some_and(|active| active == region))
    }

    pub(crate) fn takes_writes(&mut self, service: &str, region: &str, so: bool) {
        self.writes.insert((service.to_owned(), region.to_owned()), so);
    }

    /// Where a service takes writes of users: whoever is in a region that is dark reaches nobody.
    pub(crate) fn writing(&self, service: &str, dark: &BTreeSet<String>) -> Vec<String> {
        let said = self.writes.iter().filter(|((of, _), _)| of == service);
        let mut all: BTreeSet<&String> = said.map(|((_, region), _)| region).collect();
        all.extend(self.active.get(service));
        let all = all.into_iter().filter(|region| self.may_write(service, region) && !dark.contains(*region));
        all.cloned().collect()
    }

    pub(crate) fn reading(&self, place: &Place, now: Mono) -> Option<Span> {
        self.lags.get(place).map(|lag| lag.base.plus(lag.since.map_or(Span::ZERO, |since| now.since(since))))
    }
}

impl Behaves {
    /// How long a sample takes, and what it finds; none: it never ends.
    pub(crate) fn sample(self, timeout: Span) -> Option<(Span, Outcome)> {
        match self {
            Behaves::Answers(took) if took < timeout => Some((took, Outcome::Ok { took })),
            Behaves::Answers(_) | Behaves::TimesOut => Some((timeout, Outcome::Failed(Failure::TimedOut))),
            Behaves::Refuses => Some((Span::millis(1), Outcome::Failed(Failure::Refused))),
            Behaves::Blind => Some((Span::millis(1), Outcome::Blind(Blindness::NoRoute))),
            Behaves::Wedged => None,
        }
    }
}
