//! One channel's queue: what is due is said in its order, one after another; what is not taken is tried again.
//!
//! A failure holds back what comes after it, since it would fail as well; only what the channel will never take is set
//! aside. It must never wait for another channel.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use super::slack::{self, Sent};
use super::words::waits;
use super::{Directory, Kit};
use crate::chronicle::{Next, Owed, Which};
use crate::config::wiring::{Channel, ChannelKind, People};
use crate::core::ids::Name;
use crate::core::time::{Now, Span};

/// Slack takes about one message a second.
const SLACK: (u32, Span) = (1, Span::secs(1));
/// It looks at least so often.
const LOOK: Span = Span::secs(30);
/// The disk is asked again so soon.
const AGAIN: Span = Span::secs(1);

/// What is on its way when the daemon ends is waited for so long.
const GRACE: Duration = Duration::from_millis(1_500);
/// What is not taken is brought at most 32 times as rarely as at first.
const RAREST: u32 = 5;

/// A channel, and what ends its queue.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) channel: Channel,
    pub(super) stop: CancellationToken,
}

struct Queue {
    kit: Kit,
    channel: Channel,
    people: Directory,
    pace: Pace,
    /// Its fallback was told that it fails.
    told: bool,
}

pub(super) async fn run(kit: Kit, known: Known, people: Directory, mut owed: watch::Receiver<u64>) {
    let Known { channel, stop } = known;
    let rate = channel.rate.unwrap_or(SLACK);
    let seed =
        channel.name.as_str().bytes().fold(kit.seed, |sum, byte| sum.wrapping_mul(31) ^ u64::from(byte));
    let mut queue = Queue { pace: Pace::new(kit.limits, rate, seed), kit, channel, people, told: false };
    queue.remember().await;
    while !stop.is_cancelled() {
        owed.borrow_and_update();
        let nap = queue.turn(&stop).await;
        if nap == Span::ZERO {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            // Nobody owes anything any more.
            changed = owed.changed() => if changed.is_err() {
                stop.cancelled().await;
            },
            () = tokio::time::sleep(Duration::from_micros(nap.as_micros())) => {}
        }
    }
}

impl Queue {
    fn now(&self) -> Now {
        (self.kit.clock)()
    }

    /// What it asked for in another life.
    async fn remember(&mut self) {
        if let Ok(Some(until)) = self.kit.outbox.waits(self.channel.name.clone()).await {
            let now = self.now();
            self.pace.not_before(now.mono + until.since(now.wall).min(Span::hours(24)));
        }
    }

    /// One look, and at most one try; how long it may rest.
    async fn turn(&mut self, stop: &CancellationToken) -> Span {
        self.mark().await;
        let nap = self.escalates().await;
        let now = self.now();
        let wait = self.pace.next().since(now.mono);
        if wait > Span::ZERO {
            return wait.min(nap);
        }
        let next = self.next(now).await;
        let Some(owed) = next.owed else {
            let due = next.due.map_or(LOOK, |due| due.since(now.wall).max(Span::millis(10)));
            return due.min(nap);
        };
        self.pace.ask(now.mono);
        let patience = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let sent = tokio::select! {
            sent = self.send(&owed) => sent,
            // It has perhaps been heard: it is said again in the next life.
            () = patience => return Span::ZERO,
        };
        match sent {
            Sent::Taken => self.taken(owed).await,
            Sent::Refused(why) => self.refused(owed, why).await,
            Sent::Again(why, wait) => self.again(owed, why, wait).await,
        }
        Span::ZERO
    }

    async fn send(&self, owed: &Owed) -> Sent {
        let people: Arc<People> = Arc::clone(&self.people.borrow());
        match &self.channel.kind {
            ChannelKind::SlackWebhook { webhook } => slack::send(&self.kit, &people, webhook, owed).await,
            ChannelKind::SlackToken { .. }
            | ChannelKind::PagerDuty { .. }
            | ChannelKind::StatusPage { .. }
            | ChannelKind::Email { .. }
            | ChannelKind::Webhook { .. }
            | ChannelKind::Alertmanager { .. }
            | ChannelKind::Teams { .. }
            | ChannelKind::Twilio { .. } => {
                Sent::Refused("channels of its kind are not built yet".to_owned())
            }
        }
    }

    /// The first that is due, on the disk or in memory.
    async fn next(&self, now: Now) -> Next {
        let name = &self.channel.name;
        let (held, held_due) = self.kit.memory.next(name, now.wall);
        let kept = match self.kit.outbox.next(name.clone(), now.wall, &self.kit.memory).await {
            Ok(next) => next,
            Err(trouble) => {
                tracing::warn!(channel = %name, %trouble, "the outbox cannot be read");
                Next { owed: None, due: Some(now.wall + AGAIN) }
            }
        };
        let due = kept.due.into_iter().chain(held_due).min();
        // What is on the disk is older.
        Next { owed: kept.owed.or(held), due }
    }

    /// What was said and could not be marked.
    async fn mark(&self) {
        let said = self.kit.memory.all_said();
        if said.is_empty() {
            return;
        }
        if let Ok(marked) = self.kit.outbox.mark(said).await {
            self.kit.memory.marked(&marked);
        }
    }

    async fn taken(&mut self, owed: Owed) {
        let (name, now) = (self.channel.name.clone(), self.now());
        counter!("watchkeeper_notices_delivered_total", "channel" => name.to_string()).increment(1);
        tracing::info!(channel = %name, event = owed.notice.event, about = owed.notice.about, "a notice is delivered");
        if std::mem::take(&mut self.told) {
            tracing::info!(channel = %name, "the channel takes notices again");
        }
        self.pace.well();
        // First here: whatever becomes of the disk, it is not said twice in this life.
        self.kit.memory.said(&owed.notice, now.wall);
        let key = owed.notice.key();
        if owed.id.is_some() {
            match self.kit.outbox.delivered(owed, now.wall).await {
                Ok(()) => self.kit.memory.marked(&[key].into()),
                Err(trouble) => {
                    tracing::warn!(channel = %name, %trouble, "that it was delivered is not written yet")
                }
            }
        }
    }

    async fn refused(&mut self, owed: Owed, why: String) {
        let now = self.now();
        self.failed(&owed, &why);
        if owed.tries == 0 {
            tracing::error!(channel = %self.channel.name, %why, about = owed.notice.about,
                "a notice is not taken: {}", self.goes_to());
        }
        let rarer = 1 << owed.tries.min(RAREST);
        self.put_off(&owed, why, now, self.kit.limits.refused.times(rarer)).await;
        self.escalate(owed.id.map(Which::One), Some(&owed)).await;
    }

    async fn again(&mut self, owed: Owed, why: String, wait: Option<Span>) {
        let now = self.now();
        self.failed(&owed, &why);
        self.pace.vain(now.mono, wait);
        let pause = self.pace.next().since(now.mono);
        tracing::warn!(channel = %self.channel.name, %why, again_in = waits(pause), "a notice is not delivered");
        if let Some(wait) = wait {
            // So that another life does not come sooner either.
            drop(self.kit.outbox.wait(self.channel.name.clone(), now.wall + wait).await);
        }
        // It stays the first: its due is what it was, and the pace alone holds it back.
        self.put_off(&owed, why, now, Span::ZERO).await;
    }

    fn failed(&self, owed: &Owed, why: &str) {
        let name = self.channel.name.to_string();
        counter!("watchkeeper_notices_failed_total", "channel" => name).increment(1);
        tracing::debug!(channel = %self.channel.name, why, about = owed.notice.about, tries = owed.tries + 1, "tried in vain");
    }

    async fn put_off(&self, owed: &Owed, why: String, now: Now, by: Span) {
        let due = if by == Span::ZERO { owed.notice.due } else { now.wall + by };
        match owed.id {
            Some(id) => drop(self.kit.outbox.failed(id, why, due).await),
            None => self.kit.memory.failed(&owed.notice, due),
        }
    }

    /// Whether its fallback is to be told, now or when.
    async fn escalates(&mut self) -> Span {
        let now = self.now();
        if let Some(since) = self.pace.failing() {
            let (lasts, patience) = (now.mono.since(since), self.kit.limits.patience);
            if lasts < patience {
                return patience.less(lasts).max(Span::millis(1));
            }
            if !std::mem::replace(&mut self.told, true) {
                tracing::error!(channel = %self.channel.name, for_ = waits(lasts),
                    "the channel does not deliver: {}", self.goes_to());
            }
            self.escalate(Some(Which::Due), None).await;
        } else if self.channel.fallback.is_some() {
            self.escalate(Some(Which::Promised), None).await;
        }
        LOOK.min(Span::secs(5))
    }

    fn goes_to(&self) -> String {
        match self.fallback() {
            Some(other) => format!("channel {other} is told"),
            None => "it has no fallback, and goes on being tried".to_owned(),
        }
    }

    fn fallback(&self) -> Option<Name> {
        let people = self.people.borrow();
        let there = |name: &&Name| people.channels.iter().any(|channel| channel.name == **name);
        self.channel.fallback.as_ref().filter(there).cloned()
    }

    /// Its fallback owes it as well; one of them, or as many as are meant.
    async fn escalate(&self, which: Option<Which>, one: Option<&Owed>) {
        let Some(other) = self.fallback() else { return };
        let now = self.now().wall;
        let (name, to) = (&self.channel.name, vec![other]);
        let mut count = 0;
        if let Some(which) = which {
            match self.kit.outbox.escalate(name.clone(), to.clone(), which, now).await {
                Ok(written) => count += written,
                Err(trouble) => {
                    tracing::warn!(channel = %name, %trouble, "the fallback cannot be told by the disk")
                }
            }
        }
        if which != Some(Which::Promised) {
            count += self.kit.memory.escalate(name, &to, one.map(|owed| &owed.notice), now);
        }
        if count > 0 {
            counter!("watchkeeper_notices_escalated_total", "channel" => name.to_string())
                .increment(count as u64);
            self.kit.wake();
        }
    }
}
