//! Asks reference points, for real: a connection to each, all at once, within a limit. Answers every round.

use std::time::Duration;

use futures::future::join_all;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::Message;
use crate::core::health::self_trust::Round;
use crate::core::input::Input;

/// A point that does not answer in that time is out of reach.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers rounds until nobody asks any more. Each round asks the points of the config in force.
pub(super) async fn run(
    mut rounds: mpsc::Receiver<Round>,
    points: watch::Receiver<Vec<String>>,
    inputs: mpsc::Sender<Message>,
) -> Result<(), String> {
    while let Some(mut round) = rounds.recv().await {
        // Only the newest is asked for; an older one would be answered by the same look.
        let mut older = Vec::new();
        while let Ok(next) = rounds.try_recv() {
            older.push(std::mem::replace(&mut round, next));
        }
        let points = points.borrow().clone();
        let reached = reached(&points).await;
        // An older round was sent before this look: what it has found is true of it as well.
        for round in older.into_iter().chain([round]) {
            let input = Input::References { round, reached };
            if inputs.send(Message::Input(Box::new(input))).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// How many of these answer.
pub(super) async fn reached(points: &[String]) -> u8 {
    let answers = join_all(points.iter().map(|point| timeout(PATIENCE, answers(point)))).await;
    let reached = answers.into_iter().filter(|answer| matches!(answer, Ok(true))).count();
    u8::try_from(reached).unwrap_or(u8::MAX)
}

/// Whether a connection to it can be made, by any of its addresses.
async fn answers(point: &str) -> bool {
    let Some(address) = address(point) else { return false };
    let Ok(addresses) = lookup_host(address).await else { return false };
    for address in addresses {
        if TcpStream::connect(address).await.is_ok() {
            return true;
        }
    }
    false
}

/// `host:port`, or the host and port of a URL.
fn address(point: &str) -> Option<String> {
    if !point.contains("://") {
        return Some(point.to_owned());
    }
    let url = url::Url::parse(point).ok()?;
    Some(format!("{}:{}", url.host()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn only_what_answers_counts() {
        let open = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let there = open.local_addr().expect("its address");
        let gone =
            TcpListener::bind("127.0.0.1:0").await.and_then(|it| it.local_addr()).expect("a port that was");
        let points =
            [there.to_string(), gone.to_string(), format!("http://{there}/x"), "nonsense".to_owned()];
        assert_eq!(reached(&points).await, 2);
        assert_eq!(address("https://[::1]/").as_deref(), Some("[::1]:443"));
    }
}
