//! Named, supervised tasks: each with a rule for its end and a limit for its draining.
//!
//! A task that ends although nobody asked it to is told, and by its rule takes the daemon with it. None outlives
//! [`Tasks::drain`].

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

/// What follows when a task ends although nobody asked it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The daemon cannot go on without it.
    EndsAll,
    /// It is told, and the daemon goes on without it.
    GoesOn,
}

struct Known {
    name: &'static str,
    rule: Rule,
    drains: Duration,
}

/// All tasks of one daemon.
#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<Result<(), String>>,
    known: BTreeMap<Id, Known>,
}

impl Tasks {
    /// Starts one. When it is asked to stop, it is left this long to do so.
    pub(super) fn start(
        &mut self,
        name: &'static str,
        rule: Rule,
        drains: Duration,
        task: impl Future<Output = Result<(), String>> + Send + 'static,
    ) {
        let handle = self.set.spawn(task);
        self.known.insert(handle.id(), Known { name, rule, drains });
    }

    /// Waits until one ends that takes the daemon with it, and says why it did.
    pub(super) async fn fails(&mut self) -> String {
        loop {
            let Some(ended) = self.set.join_next_with_id().await else {
                std::future::pending::<()>().await;
                continue;
            };
            let (id, why) = match ended {
                Ok((id, Ok(()))) => (id, None),
                Ok((id, Err(why))) => (id, Some(why)),
                Err(error) => (error.id(), Some(error.to_string())),
            };
            let Some(known) = self.known.remove(&id) else { continue };
            match (known.rule, why) {
                (Rule::GoesOn, None) => {}
                (Rule::GoesOn, Some(why)) => tracing::error!(task = known.name, %why, "a task has failed"),
                (Rule::EndsAll, why) => {
                    let why = why.unwrap_or_else(|| "it ended by itself".to_owned());
                    return format!("the task `{}` has failed: {why}", known.name);
                }
            }
        }
    }

    /// Asks all to stop, and waits for each as long as it may take, and for none longer than `most`; who is not done
    /// then is dropped, and named.
    pub(super) async fn drain(mut self, stop: &CancellationToken, most: Duration) -> Vec<&'static str> {
        stop.cancel();
        let (mut late, mut passed) = (Vec::new(), Duration::ZERO);
        // From limit to limit: who is late at its own is waited for no longer, whatever the others may take.
        while let Some(next) = self.known.values().map(|known| known.drains.min(most)).min() {
            let some = async {
                while let Some(ended) = self.set.join_next_with_id().await {
                    let id = ended.map_or_else(|error| error.id(), |(id, _)| id);
                    self.known.remove(&id);
                    if self.known.is_empty() {
                        break;
                    }
                }
            };
            drop(tokio::time::timeout(next.saturating_sub(passed), some).await);
            passed = next;
            self.known.retain(|_, known| {
                let over = known.drains.min(most) <= passed;
                if over {
                    late.push(known.name);
                }
                !over
            });
        }
        // What is stuck in mid-turn cannot be dropped: it goes with the program.
        drop(tokio::time::timeout(Duration::from_millis(100), self.set.shutdown()).await);
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_fails_is_named_and_who_is_late_is_dropped() {
        let (stop, mut tasks) = (CancellationToken::new(), Tasks::default());
        let second = Duration::from_secs(1);
        tasks.start("stuck", Rule::EndsAll, second, std::future::pending());
        tasks.start("done", Rule::GoesOn, second, async { Ok(()) });
        tasks.start("broken", Rule::EndsAll, second, async { Err("no disk".to_owned()) });
        assert_eq!(tasks.fails().await, "the task `broken` has failed: no disk");
        let asked = stop.clone();
        tasks.start("polite", Rule::EndsAll, second, async move {
            asked.cancelled().await;
            Ok(())
        });
        tasks.start("slow", Rule::EndsAll, 60 * second, std::future::pending());
        let drained = tasks.drain(&stop, 5 * second);
        let late = tokio::time::timeout(5 * second + Duration::from_millis(1), drained).await;
        assert_eq!(late.expect("none is waited for longer than all may take"), ["stuck", "slow"]);
    }
}
