//! `prometheus`: one instant query. Prometheus speaks of the target, it is not the target.
//!
//! So whatever is wrong with Prometheus itself is blindness, and so is a query without a result. With several series
//! the expectations must hold for each.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Deserialize;

use super::http::{Answer, Http};
use super::{Look, Seen, Why, blind, failed};
use crate::config::expr::Vars;
use crate::config::probe::{Http as HttpWiring, Prometheus as Wiring};
use crate::core::health::{Blindness, Failure};

/// So much of an answer is read, and so many series are compared.
const BODY: u64 = 1 << 20;
const SERIES: usize = 1_000;

pub(super) struct Prometheus {
    http: Http,
}

#[derive(Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: serde_json::Value,
}

impl Prometheus {
    pub(super) fn new(wiring: Wiring) -> Prometheus {
        let mut url = wiring.url;
        let path = format!("{}/api/v1/query", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.query_pairs_mut().append_pair("query", &wiring.query);
        Prometheus {
            http: Http::new(HttpWiring {
                url,
                method: "GET".to_owned(),
                headers: Vec::new(),
                body: None,
                auth: wiring.auth,
                ca: wiring.ca,
                redirects: false,
                body_limit: BODY,
                fresh: true,
            }),
        }
    }
}

impl Look for Prometheus {
    fn ran_out(&self, detail: String) -> Why {
        blind(Blindness::NoData, format!("Prometheus cannot be asked: {detail}"))
    }

    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let answer = self.http.fetch(seen).await.map_err(|why| match why {
                Why::Failed(_, detail) => {
                    blind(Blindness::NoData, format!("Prometheus cannot be asked: {detail}"))
                }
                ours @ Why::Blind(..) => ours,
            })?;
            let values = values(&answer)?;
            let Some((last, others)) = values.split_last() else {
                return Err(blind(Blindness::NoData, "the query has no result"));
            };
            // What was seen is the last one's; the others are compared here.
            for value in others {
                let mut vars = Vars::default();
                vars.set("value", *value);
                for (index, expect) in seen.expect.iter().enumerate() {
                    if expect.uses("latency") {
                        continue;
                    }
                    if expect.eval(&vars) == Ok(false) {
                        let index = u8::try_from(index).unwrap_or(u8::MAX);
                        let detail = format!(
                            "`{}` does not hold for one of {} series: {value}",
                            expect.text(),
                            values.len()
                        );
                        return Err(failed(Failure::Unmet(index), detail));
                    }
                }
            }
            seen.vars.set("value", *last);
            Ok(())
        })
    }
}

fn values(answer: &Answer) -> Result<Arc<[f64]>, Why> {
    let none = |detail: String| blind(Blindness::NoData, detail);
    if answer.cut {
        return Err(none(format!("the answer is longer than {BODY} bytes: ask for fewer series")));
    }
    let reply: Reply = serde_json::from_slice(&answer.body)
        .map_err(|_| none(format!("Prometheus answers {} with no result in it", answer.status)))?;
    if reply.status != "success" {
        let error: String = reply.error.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(if answer.status.is_client_error() {
            blind(Blindness::Evaluation, format!("the query is refused: {error}"))
        } else {
            none(format!("Prometheus has no result: {error}"))
        });
    }
    let data = reply.data.ok_or_else(|| none("the query has no result".to_owned()))?;
    let samples: Vec<&serde_json::Value> = match (data.kind.as_str(), &data.result) {
        ("scalar", sample) => vec![sample],
        ("vector", serde_json::Value::Array(series)) => {
            series.iter().take(SERIES).filter_map(|one| one.get("value")).collect()
        }
        (kind, _) => {
            return Err(blind(
                Blindness::Evaluation,
                format!("the query gives a {kind}: one number is wanted, or one a series"),
            ));
        }
    };
    // `NaN` is what a query over nothing divides to.
    let numbers = samples.into_iter().filter_map(|sample| sample.get(1)?.as_str()?.parse::<f64>().ok());
    Ok(numbers.filter(|number| !number.is_nan()).collect())
}
