//! An observer's durable store and its outbox: what is recorded becomes durable a little later, and what it owes is
//! delivered, or goes to another channel. What was not durable dies with the process.

use watchkeeper_core::event::Event;
use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::input::{Input, Store};

use super::{NOBODY, What, World};
use crate::check::notices::owes;

/// A message that is owed to people.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) by: usize,
    pub(crate) what: String,
    pub(crate) durable: u64,
    pub(crate) tries: u32,
    pub(crate) delivered: Option<u64>,
}

/// How long a channel is tried before another is.
const AGAIN: u64 = 20_000_000;

impl World<'_> {
    pub(super) fn record(&mut self, observer: usize, service: Option<ServiceId>, seq: u64, event: &Event) {
        self.say(|_| match service {
            Some(service) => format!("o{observer} s{}: {}", service.index(), crate::story::event(event)),
            None => format!("o{observer}: {}", crate::story::event(event)),
        });
        if let Some(service) = service {
            self.people_hear(observer, service, event);
        }
        let (checks, scene) = self.scene();
        checks.recorded(&scene, observer, service, seq, event);
        let node = &mut self.nodes[observer];
        node.unwritten.push((service, seq, owes(event)));
        if !std::mem::replace(&mut node.flushing, true) {
            let takes = self.rng.between(500, 5_000);
            self.put(takes, observer, What::Flush);
        }
    }

    /// What was recorded is durable now, unless there is no room.
    pub(super) fn flush(&mut self, observer: usize) {
        self.nodes[observer].flushing = false;
        if self.truth.sick[observer].full {
            if !std::mem::replace(&mut self.nodes[observer].full_told, true) {
                self.tell(observer, Input::Store(Store::Full));
            }
            return;
        }
        let written = std::mem::take(&mut self.nodes[observer].unwritten);
        let mut upto: Vec<(Option<ServiceId>, u64)> = Vec::new();
        for (service, seq, page) in written {
            match upto.iter_mut().find(|(known, _)| *known == service) {
                Some((_, known)) => *known = seq.max(*known),
                None => upto.push((service, seq)),
            }
            if let Some(what) = page {
                let at = self.notices.len();
                let now = self.now;
                self.notices.push(Notice { by: observer, what, durable: now, tries: 0, delivered: None });
                let takes = self.rng.between(50_000, 900_000);
                self.put(takes, NOBODY, What::Notice(at));
                self.checks.tally.pages += 1;
            }
        }
        for (service, upto) in upto {
            self.checks.durable(observer, service, upto);
            self.tell(observer, Input::Recorded { service, upto });
        }
    }

    /// A notice goes out: by its channel, or by the next after that one has failed.
    pub(super) fn notice(&mut self, at: usize) {
        let by = self.notices[at].by;
        let out = self.truth.outside(self.shape.stands_in(by)) && self.nodes[by].runs();
        let notice = &mut self.notices[at];
        notice.tries += 1;
        let first = notice.tries == 1;
        if !out {
            // Its store keeps it: it goes out when the observer can, and others page under the same key meanwhile.
            return self.put(AGAIN, NOBODY, What::Notice(at));
        }
        if self.truth.channel || !first {
            notice.delivered = Some(self.now);
            let (text, tries) = (notice.what.clone(), notice.tries);
            self.say(|_| format!("people are told by o{by} (try {tries}): {text}"));
        } else {
            self.put(AGAIN, NOBODY, What::Notice(at));
        }
    }

    /// Whatever is owed was delivered, by one channel or another, unless whoever owes it is still out of reach.
    pub(crate) fn close_notices(&mut self) {
        let now = self.now;
        let late = self.notices.iter().any(|notice| {
            let out = self.truth.outside(self.shape.stands_in(notice.by)) && self.nodes[notice.by].runs();
            notice.delivered.is_none()
                && out
                && notice.durable + 4 * AGAIN < now
                && self.checks.calm_since(now)
        });
        if late {
            let (checks, scene) = self.scene();
            checks.broke(&scene, "L3", "truth", "what is owed to people was never delivered");
        }
    }

    /// There is room again.
    pub(super) fn room(&mut self, observer: usize) {
        if std::mem::take(&mut self.nodes[observer].full_told) {
            self.tell(observer, Input::Store(Store::Ok));
        }
        self.nodes[observer].flushing = true;
        self.put(1_000, observer, What::Flush);
    }
}
