//! Notices: what people are owed is taken out of the outbox and said. One queue a channel, one file a kind of channel.
//!
//! A slow channel delays no other, and nothing else of the daemon waits for any. It must never call something delivered
//! that its provider did not take, give anything up, ask a channel sooner than it said, or show a channel's secret.

mod pace;
mod queue;
mod slack;
mod standing;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::chronicle::{Memory, Outbox};
use crate::config::wiring::People;
use crate::core::ids::Name;
use crate::core::time::{Now, Span};

pub use words::what_to_do;

/// It is looked so often whether somebody owes something who is not there any more.
const LOOK: Duration = Duration::from_secs(60);

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// What came back of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When it may be asked again, as it says so.
    pub retry_after: Option<String>,
    /// What it says, or the beginning of it.
    pub body: String,
}

/// The way out: one request, within that time, by the authorities that probes trust. The address may be a secret, so what
/// is in the way is said without it.
pub trait Post: Send + Sync {
    /// Sends that JSON there.
    fn post<'a>(&'a self, to: &'a Url, body: String, within: Span) -> BoxFuture<'a, Result<Answer, String>>;
}

/// Who is told, as of now, and when that changes.
pub type Directory = watch::Receiver<Arc<People>>;

/// What all queues share.
#[derive(Clone)]
pub struct Kit {
    /// What is owed.
    pub outbox: Outbox,
    /// The same, while the disk takes nothing.
    pub memory: Memory,
    /// The way out.
    pub post: Arc<dyn Post>,
    /// The time.
    pub clock: Clock,
    /// Says that something is owed.
    pub owed: watch::Sender<u64>,
    /// Which observer speaks.
    pub observer: Arc<str>,
    /// Chance, for pauses.
    pub seed: u64,
    /// It waits so long at most, and escalates after so long; shorter in tests.
    pub limits: Limits,
}

/// What bounds a queue.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// One try.
    pub attempt: Span,
    /// The first pause after a try in vain; each is twice as long as the one before,
    pub first_pause: Span,
    /// up to this one.
    pub longest_pause: Span,
    /// A channel that has failed for so long is helped by its fallback.
    pub patience: Span,
    /// What a channel does not take as it is, is brought again so much later.
    pub refused: Span,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            attempt: Span::secs(10),
            first_pause: Span::secs(1),
            longest_pause: Span::secs(60),
            patience: Span::secs(60),
            refused: Span::mins(10),
        }
    }
}

impl Kit {
    /// Something new is owed.
    fn wake(&self) {
        self.owed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Says what is owed until it is asked to stop.
pub async fn run(kit: Kit, mut people: Directory, stop: CancellationToken) -> Result<(), String> {
    let owed = kit.owed.subscribe();
    let mut queues: BTreeMap<Name, queue::Known> = BTreeMap::new();
    let mut tasks: JoinSet<()> = JoinSet::new();
    let standing = standing::run(kit.clone(), people.clone(), owed.clone(), stop.clone());
    tasks.spawn(standing);
    let mut silent = false;
    loop {
        let now = Arc::clone(&people.borrow_and_update());
        if now.channels.is_empty() && !silent {
            tracing::warn!("there is no [channel]: nobody is told anything");
        }
        silent = now.channels.is_empty();
        // One whose wiring is the same is left alone, with its pauses.
        queues.retain(|name, known| {
            let same = now.channels.iter().any(|channel| channel.name == *name && *channel == known.channel);
            if !same {
                known.stop.cancel();
            }
            same
        });
        for channel in &now.channels {
            if !queues.contains_key(&channel.name) {
                let known = queue::Known { channel: channel.clone(), stop: stop.child_token() };
                tasks.spawn(queue::run(kit.clone(), known.clone(), people.clone(), owed.clone()));
                queues.insert(channel.name.clone(), known);
            }
        }
        standing::homeless(&kit, &now).await;
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
            changed = people.changed() => if changed.is_err() {
                break;
            },
            Some(ended) = tasks.join_next() => if let Err(why) = ended
                && why.is_panic()
            {
                return Err(format!("a channel's queue has failed: {why}"));
            },
        }
    }
    // What is on its way may arrive, and is then marked.
    let ends = async { while tasks.join_next().await.is_some() {} };
    drop(tokio::time::timeout(Duration::from_secs(2), ends).await);
    Ok(())
}
