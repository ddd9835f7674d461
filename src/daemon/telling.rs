//! What connects people's notices with the rest: the way out by the wire that probes use, and a run's `notify` steps with
//! the outbox. It chooses nothing: who is told is the chronicle's, and how it is said the channel's.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::json;
use url::Url;

use super::clock;
use crate::chronicle::{self, Outbox};
use crate::config::probe::{Auth, Given, Http as Wiring};
use crate::coord::local::Local;
use crate::core::ids::{Name, ServiceId};
use crate::core::plan::{RunId, StepName};
use crate::core::time::Span;
use crate::notify::{Answer, Directory, Post};
use crate::probe::http::Http;
use crate::probe::{Kit, Seen, Why};
use crate::step::{self, Notice};

/// No answer is read further.
const LONGEST: u64 = 16 * 1024;
/// Of what an answer says so much is of use.
const SAYS: usize = 200;

/// The way out: as probes go, with the same name servers and authorities.
pub(super) struct Posting(pub(super) Arc<Kit>);

impl Post for Posting {
    fn post<'a>(&'a self, to: &'a Url, body: String, within: Span) -> BoxFuture<'a, Result<Answer, String>> {
        Box::pin(async move {
            let wiring = Wiring {
                url: to.clone(),
                method: "POST".to_owned(),
                headers: vec![("content-type".to_owned(), Given::Text("application/json".to_owned()))],
                body: Some(body),
                auth: Auth::default(),
                ca: None,
                redirects: false,
                body_limit: LONGEST,
                fresh: true,
            };
            let mut seen = Seen::through(&self.0, &[], None, self.0.now().mono + within);
            let exchange = Http::new(wiring);
            let fetched = exchange.fetch(&mut seen);
            let came =
                tokio::time::timeout(std::time::Duration::from_micros(within.as_micros()), fetched).await;
            match came {
                Ok(Ok(answer)) => Ok(Answer {
                    status: answer.status.as_u16(),
                    retry_after: answer.retry_after,
                    body: String::from_utf8_lossy(&answer.body).chars().take(SAYS).collect(),
                }),
                // Words of a closed list: what exactly was in the way could name the address.
                Ok(Err(Why::Failed(failure, _))) => Err(format!("it {failure}")),
                Ok(Err(Why::Blind(blindness, _))) => Err(blindness.to_string()),
                Err(_) => Err(format!("it did not answer within {within}")),
            }
        })
    }
}

/// Runs' notices, kept where all others are.
pub(super) struct Steps {
    pub(super) outbox: Outbox,
    pub(super) people: Directory,
    pub(super) names: Local,
    pub(super) owed: tokio::sync::watch::Sender<u64>,
}

impl Steps {
    fn notices(&self, service: &Name, notice: &Notice) -> Vec<chronicle::Notice> {
        let wall = clock::now().wall;
        let people = self.people.borrow();
        // A channel that was taken out of the config since the plan was made is not silence: all others are told.
        let there = |name: &&Name| people.channels.iter().any(|channel| channel.name == **name);
        let mut channels: Vec<Name> = notice.channels.iter().filter(there).cloned().collect();
        if channels.is_empty() {
            channels = people.channels.iter().map(|channel| channel.name.clone()).collect();
        }
        let each = channels.into_iter().map(|channel| chronicle::Notice {
            about: format!("{service}/run {}/{}", notice.run.0, notice.step),
            service: Some(service.clone()),
            incident: None,
            run: Some(notice.run.0),
            step: Some(notice.step.to_string()),
            channel,
            event: "step".to_owned(),
            audience: notice.audience.clone(),
            said: json!({ "text": notice.text, "run": notice.run.0, "step": notice.step.to_string() }),
            at: wall,
            planned: wall,
            due: wall,
            promised: None,
            repeat: None,
            until_acknowledged: false,
            again: 0,
            instead: None,
        });
        each.collect()
    }
}

impl step::Outbox for Steps {
    fn owe(&self, notice: Notice) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let service = self.names.named(notice.service).ok_or("its service is not there any more")?;
            let notices = self.notices(&service, &notice);
            if notices.is_empty() {
                return Err("there is no [channel]: tell them yourself, and skip this step".to_owned());
            }
            self.outbox.owe(notices).await.map_err(|trouble| trouble.to_string())?;
            self.owed.send_modify(|count| *count = count.wrapping_add(1));
            Ok(())
        })
    }

    fn is_owed(&self, service: ServiceId, run: RunId, step: &StepName) -> BoxFuture<'_, Option<bool>> {
        let step = step.to_string();
        Box::pin(async move {
            let service = self.names.named(service)?;
            self.outbox.is_owed(service, run.0, step).await.ok()
        })
    }
}
