//! `dns`: what named resolvers answer, and whether enough of them agree.
//!
//! Here the resolvers are the target: one that is silent or refuses has failed. Nothing is cached, and the system's
//! own resolvers are never asked.

use std::net::{IpAddr, SocketAddr};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};

use super::{Look, Phase, Seen, Why, blind, duration, failed, wire};
use crate::config::probe::Dns as Wiring;
use crate::core::health::{Blindness, Failure};
use crate::core::time::Span;

/// So many records of one answer are compared.
const MOST: usize = 256;

pub(crate) struct Dns {
    wiring: Wiring,
}

impl Dns {
    pub(crate) fn new(wiring: Wiring) -> Dns {
        Dns { wiring }
    }

    /// One resolver's answer, sorted: what it says, or why it says nothing.
    pub(crate) async fn ask(
        name: &Name,
        record: RecordType,
        server: SocketAddr,
        left: Span,
    ) -> Result<Vec<String>, Why> {
        let said = |what: String| format!("{server} {what}");
        let resolver =
            resolver(server, left).map_err(|error| blind(Blindness::Exhausted, error.to_string()))?;
        match resolver.lookup(name.clone(), record).await {
            Ok(found) => {
                let records = found.answers().iter().filter(|answer| answer.record_type() == record);
                let mut answers: Vec<_> =
                    records.take(MOST).map(|answer| plain(&answer.data.to_string())).collect();
                answers.sort();
                answers.dedup();
                Ok(answers)
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::NoError | ResponseCode::NXDomain => Ok(Vec::new()),
                code => Err(failed(Failure::BadAnswer, said(format!("answers {code}")))),
            },
            Err(NetError::Dns(DnsError::ResponseCode(code))) => {
                Err(failed(Failure::BadAnswer, said(format!("answers {code}"))))
            }
            Err(NetError::Io(error)) => Err(wire::ours(&error).unwrap_or_else(|| match error.kind() {
                std::io::ErrorKind::ConnectionRefused => {
                    failed(Failure::Refused, said("refuses the connection".to_owned()))
                }
                std::io::ErrorKind::NetworkUnreachable => {
                    blind(Blindness::NoRoute, format!("this machine has no route to {server}"))
                }
                _ => failed(Failure::Closed, said(error.to_string())),
            })),
            Err(NetError::Timeout | NetError::NoConnections) => {
                // Our own want of a route or a descriptor is not told apart by the library.
                let why = wire::in_the_way(server).await;
                Err(why.unwrap_or_else(|| failed(Failure::TimedOut, said("does not answer".to_owned()))))
            }
            Err(error) => Err(failed(Failure::BadAnswer, said(error.to_string()))),
        }
    }
}

impl Look for Dns {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let ours = |what: String| blind(Blindness::Evaluation, what);
            let text = if self.wiring.name.ends_with('.') {
                self.wiring.name.clone()
            } else {
                format!("{}.", self.wiring.name)
            };
            let name =
                Name::from_utf8(&text).map_err(|_| ours(format!("`{}` is no name", self.wiring.name)))?;
            let record: RecordType = self
                .wiring
                .record
                .parse()
                .map_err(|_| ours(format!("`{}` is no record type", self.wiring.record)))?;
            let mut servers = Vec::with_capacity(self.wiring.resolvers.len());
            for server in &self.wiring.resolvers {
                servers.push(
                    server_at(server)
                        .ok_or_else(|| ours(format!("`{server}` is no address of a resolver")))?,
                );
            }
            // A little earlier than the look itself, so that those who answered are still counted.
            let left = Span::micros(seen.left().as_micros() * 9 / 10);
            seen.begin(Phase::Answer);
            let mut asked: FuturesUnordered<_> = servers
                .iter()
                .map(|&server| {
                    let name = &name;
                    async move {
                        match tokio::time::timeout(duration(left), Dns::ask(name, record, server, left)).await
                        {
                            Ok(said) => said,
                            Err(_) => Err(failed(Failure::TimedOut, format!("{server} does not answer"))),
                        }
                    }
                })
                .collect();
            let (mut answers, mut wrong): (Vec<Vec<String>>, Vec<Why>) = (Vec::new(), Vec::new());
            while let Some(said) = asked.next().await {
                match said {
                    Ok(answer) => answers.push(answer),
                    Err(why) => wrong.push(why),
                }
            }
            drop(asked);
            seen.end();
            let agreed = answers.iter().max_by_key(|answer| (count(&answers, answer), answer.len()));
            let count = agreed.map_or(0, |answer| count(&answers, answer));
            if let Some(answer) = agreed {
                seen.vars.set("answer", answer.clone());
            }
            match agreed {
                Some(answer) if count >= self.wiring.agree => {
                    if answer.is_empty() && !seen.wants("answer") {
                        return Err(failed(
                            Failure::NoAddress,
                            format!("{count} resolvers agree that there is no such record"),
                        ));
                    }
                    Ok(())
                }
                // Not enough, and those that are missing are missing for reasons of ours.
                _ if answers.len() + wrong.iter().filter(|why| matches!(why, Why::Failed(..))).count()
                    < self.wiring.agree
                    || (count + wrong.iter().filter(|why| matches!(why, Why::Blind(..))).count()
                        >= self.wiring.agree) =>
                {
                    Err(wrong
                        .into_iter()
                        .find(|why| matches!(why, Why::Blind(..)))
                        .unwrap_or_else(|| ours("no resolver is named".to_owned())))
                }
                _ if count == 0 => {
                    Err(wrong.into_iter().next().unwrap_or_else(|| ours("no resolver is named".to_owned())))
                }
                _ => Err(failed(
                    Failure::Unmet(0),
                    format!(
                        "only {count} of {} resolvers agree, and {} must",
                        servers.len(),
                        self.wiring.agree
                    ),
                )),
            }
        })
    }
}

fn count(answers: &[Vec<String>], answer: &[String]) -> usize {
    answers.iter().filter(|other| *other == answer).count()
}

/// Without the dot at a name's end and the quotes round a text, as people write it.
fn plain(text: &str) -> String {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned()
}

pub(crate) fn server_at(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53)))
}

fn resolver(server: SocketAddr, left: Span) -> Result<TokioResolver, NetError> {
    let connection = |mut config: ConnectionConfig| {
        config.port = server.port();
        config
    };
    let server = NameServerConfig::new(
        server.ip(),
        true,
        vec![connection(ConnectionConfig::udp()), connection(ConnectionConfig::tcp())],
    );
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut options = ResolverOpts::default();
    // Once again, should a datagram be lost; both within the time of the look.
    options.timeout = duration(Span::micros(left.as_micros() / 2));
    options.attempts = 1;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.ndots = 0;
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options).build()
}
