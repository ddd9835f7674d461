//! `watchkeeper demo`: a toy service with users, the real daemon watching it, a fault, and what the daemon does about it.
//!
//! Only the world is a toy: real sockets on loopback, in this process. The daemon is the one that `watchkeeper run` starts,
//! from a config in TOML through the ordinary loader; it acts over those sockets and is asked over its API. Nothing here may
//! know how it decides, or show what it did not say.

mod judged;
mod scratch;
mod stage;
mod story;
mod talk;
mod told;
mod toy;
mod users;

use std::future::Future;
use std::path::Path;
use std::pin::pin;

pub use told::{Measured, Moment, Rpo, Rto, RunTold, StepTold, Told, UsersTold, Worst};

use crate::core::time::Now;
use crate::daemon::clock;
use stage::Stage;
use story::Story;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The service's server in the region where it is active is killed.
    Service,
    /// The observer's own network: all that it reaches swallows its packets at once. Users are not touched.
    Observer,
    /// The service's servers in every region are killed.
    Both,
    /// Nothing: then what is to be shown does not happen, and the demo has to say so.
    Nothing,
}

impl Break {
    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Break::Service => "service",
            Break::Observer => "observer",
            Break::Both => "both",
            Break::Nothing => "nothing",
        }
    }
}

/// What is said while it plays.
#[derive(Debug)]
pub enum Said<'a> {
    /// This happened.
    Moment(&'a Moment),
    /// Why, of this service, as its daemon has it.
    Why(&'a str, &'a str),
    /// At this second, this is waited for.
    Waits(f64, &'a str),
    /// That was all, and this is what it comes to.
    Told(&'a Told),
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// It was played to its end.
    Told(Box<Told>),
    /// It was interrupted. All is cleaned up.
    Interrupted,
    /// It could not be played.
    Failed(String),
}

/// The config that a demo would use. Its ports are opened to be named, and closed again: they may be others' later.
pub async fn config() -> Result<String, String> {
    let toy = toy::Toy::new().map_err(|why| format!("the toy service gets no ports on loopback: {why}"))?;
    Ok(stage::config_text(&toy, Path::new("/var/lib/watchkeeper")))
}

/// Plays it. With `keep` it stays until it is interrupted. Whatever happens, nothing is left when it returns.
pub async fn play(
    breaks: Break,
    keep: bool,
    tell: &mut (dyn FnMut(Said<'_>) + Send),
    interrupted: impl Future<Output = ()>,
) -> Ended {
    let begun = clock::now();
    let mut interrupted = pin!(interrupted);
    let mut stage = match Stage::set().await {
        Ok(stage) => stage,
        Err(why) => return Ended::Failed(why),
    };
    let mut story = Story::new(begun, breaks, &stage, tell);
    let mut ended = tokio::select! {
        biased;
        () = &mut interrupted => Ended::Interrupted,
        played = story.play(&mut stage) => match played {
            Ok(()) => Ended::Told(Box::new(story.told(&stage).await)),
            Err(why) => Ended::Failed(why),
        },
    };
    if let (Ended::Told(told), true) = (&mut ended, keep) {
        told.seconds = since(begun);
        tell(Said::Told(told));
        tokio::select! {
            () = interrupted => ended = Ended::Interrupted,
            why = stage.running.fails() => ended = Ended::Failed(why.to_string()),
        }
        stage.end().await;
        return ended;
    }
    stage.end().await;
    if let Ended::Told(told) = &mut ended {
        told.seconds = since(begun);
        tell(Said::Told(told));
    }
    ended
}

/// Seconds that have passed.
fn since(begun: Now) -> f64 {
    told::seconds(clock::now().mono.since(begun.mono))
}
