//! Between the loop and the coordinator: renewals and transactions, each answered, if need be with *unknown*.
//!
//! Many are under way at once, so that they are committed together. It must never send one again: the core does.

use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Message, clock};
use crate::api::Raise;
use crate::coord::local::Local;
use crate::coord::{Coordinator, Told};
use crate::core::agree::{Answer, Txn};
use crate::core::authority::{Nonce, Renewed, SessionId};
use crate::core::input::{self, Input};
use crate::core::time::{Mono, Span};

/// Nobody waits for an answer longer than that.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many are under way at once; the others wait their turn.
const AT_ONCE: usize = 1_024;

/// What the loop asks of the coordinator.
pub(super) enum Asked {
    /// Renew the session.
    Renew { nonce: Nonce, session: Option<SessionId>, fit: bool },
    /// Commit this.
    Transact(Box<Txn>),
}

/// Carries what is asked there, and the answers back, until nobody asks any more.
pub(super) async fn run(
    coordinator: Local,
    mut asks: mpsc::Receiver<Asked>,
    inputs: mpsc::Sender<Message>,
) -> Result<(), String> {
    let mut under_way: FuturesUnordered<BoxFuture<'static, Input>> = FuturesUnordered::new();
    loop {
        let input = tokio::select! {
            Some(input) = under_way.next(), if !under_way.is_empty() => input,
            asked = asks.recv(), if under_way.len() < AT_ONCE => match asked {
                Some(asked) => {
                    under_way.push(Box::pin(answered(coordinator.clone(), asked)));
                    continue;
                }
                None if under_way.is_empty() => return Ok(()),
                None => match under_way.next().await {
                    Some(input) => input,
                    None => return Ok(()),
                },
            },
        };
        if inputs.send(Message::Input(Box::new(input))).await.is_err() {
            return Ok(());
        }
    }
}

async fn answered(coordinator: Local, asked: Asked) -> Input {
    match asked {
        Asked::Renew { nonce, session, fit } => {
            let answer = timeout(PATIENCE, coordinator.renew(session, fit)).await.unwrap_or(Renewed::Unknown);
            Input::Renewed { nonce, answer }
        }
        Asked::Transact(txn) => {
            let id = txn.id;
            let answer = timeout(PATIENCE, coordinator.transact(*txn)).await.unwrap_or(Answer::Unknown);
            Input::Answered { id, answer }
        }
    }
}

/// Hands on facts.
pub(super) async fn facts(
    mut facts: mpsc::Receiver<Told>,
    inputs: mpsc::Sender<Message>,
    stop: CancellationToken,
) -> Result<(), String> {
    while let Some(Some(told)) = stop.run_until_cancelled(facts.recv()).await {
        let input = match told {
            Told::There(cluster) => Input::Coordinator(input::Coordinator::There(cluster)),
            Told::Lost => Input::Coordinator(input::Coordinator::Lost),
            Told::Seen(seen) => Input::Seen(seen),
        };
        if inputs.send(Message::Input(Box::new(input))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Ends sessions when their time has passed, also while nobody asks for anything.
pub(super) async fn expire(coordinator: Local, stop: CancellationToken) -> Result<(), String> {
    loop {
        let next = coordinator.expire().await;
        let now: Mono = clock::now().mono;
        let nap = next.map_or(Span::secs(5), |at| at.since(now)).max(Span::millis(100)).min(Span::secs(5));
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_micros(nap.as_micros())) => {}
        }
    }
}

/// Raises triggers, one after another; each is answered when it is on the disk.
pub(super) async fn raise(
    coordinator: Local,
    mut asked: mpsc::Receiver<Raise>,
    stop: CancellationToken,
) -> Result<(), String> {
    while let Some(Some(Raise { service, trigger, who, answer })) =
        stop.run_until_cancelled(asked.recv()).await
    {
        let raised = match coordinator.service(service.as_str()) {
            Some(id) => coordinator.raise(id, trigger.clone()).await.map_err(|why| why.to_string()),
            None => Err(format!("there is no service `{service}` any more")),
        };
        match &raised {
            Ok(true) => tracing::warn!(%service, %trigger, %who, "a trigger is raised"),
            Ok(false) => {}
            Err(why) => tracing::error!(%service, %trigger, %who, %why, "a trigger may not be raised"),
        }
        // Whoever asked may have gone.
        drop(answer.send(raised));
    }
    Ok(())
}
