//! `dns_update`: a name leads elsewhere (RFC 2136 with TSIG).
//!
//! One update says what must be so (the old records and the token in the TXT at `_watchkeeper.NAME`) and what will be.
//! The TXT also holds what the name was before, so that it can be taken back. All is read back: a server may say yes and
//! store nothing. It must never leave the name empty.

use futures::future::BoxFuture;
use hickory_resolver::proto::rr::rdata::TXT;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::came::Came;
use super::dns_line::{Line, Said, Set, signer};
use super::keys::Keys;
use super::mark::{Weighed, not_ours, weigh};
use super::{Act, Asked};
use crate::config::secret::Secret;
use crate::core::plan::Op;
use crate::core::time::Span;
use crate::probe::dns::{Dns, server_at};
use crate::probe::wire::host_port;
use crate::probe::{Seen, Why};

/// One string of a TXT record is no longer.
const LONGEST: usize = 255;

pub(crate) struct Update {
    server: (String, u16),
    zone: Name,
    name: Name,
    /// `_watchkeeper.NAME`.
    marked: Name,
    record: RecordType,
    ttl: u32,
    value: String,
    tsig: Secret,
    resolvers: Vec<String>,
}

/// What the server has.
struct Read {
    mark: Vec<Record>,
    token: Option<String>,
    /// What the name was before it was last changed, as it stands in the TXT.
    was: Option<String>,
    records: Vec<Record>,
}

impl Update {
    pub(crate) fn new(keys: &Keys<'_>) -> Result<Update, String> {
        let name_of = |key: &str| -> Result<Name, String> {
            let text = keys.needs(key)?;
            let mut name = Name::from_utf8(&text).map_err(|_| format!("`{key}` is no name"))?;
            name.set_fqdn(true);
            Ok(name)
        };
        let (zone, name) = (name_of("zone")?, name_of("name")?);
        if !zone.zone_of(&name) {
            return Err("`name` is not in `zone`".to_owned());
        }
        let marked = name.prepend_label("_watchkeeper").map_err(|_| "`name` is too long".to_owned())?;
        let server = keys.needs("server")?;
        let server = match (server_at(&server), host_port(&server)) {
            (Some(at), _) => (at.ip().to_string(), at.port()),
            (None, Some((host, port))) => (host.to_owned(), port),
            (None, None) => (server, 53),
        };
        let record = keys.text("type")?.unwrap_or_else(|| "A".to_owned()).to_uppercase();
        let record = record.parse().map_err(|_| format!("there is no record type `{record}`"))?;
        let ttl = keys.span("ttl")?.unwrap_or(Span::secs(30)).as_micros() / 1_000_000;
        let made = Update {
            server,
            zone,
            name,
            marked,
            record,
            ttl: u32::try_from(ttl).unwrap_or(u32::MAX),
            value: keys.needs("value")?,
            tsig: keys.secret("tsig")?.ok_or("`tsig` is missing")?,
            resolvers: keys.texts("resolvers")?.unwrap_or_default(),
        };
        made.data(&made.value)?;
        Ok(made)
    }

    fn data(&self, value: &str) -> Result<RData, String> {
        let bad = || format!("`{value}` is no value of a record of type {}", self.record);
        Ok(match self.record {
            RecordType::TXT => RData::TXT(TXT::new(vec![value.to_owned()])),
            RecordType::CNAME if !value.ends_with('.') => {
                RData::try_from_str(self.record, &format!("{value}.")).map_err(|_| bad())?
            }
            _ => RData::try_from_str(self.record, value).map_err(|_| bad())?,
        })
    }

    /// What the step wants.
    fn wanted(&self) -> Result<Vec<Record>, String> {
        Ok(vec![Record::from_rdata(self.name.clone(), self.ttl, self.data(&self.value)?)])
    }

    async fn read(&self, line: &mut Line) -> Result<Result<Read, Came>, Why> {
        let mark = line.ask(&self.marked, RecordType::TXT).await?;
        let records = line.ask(&self.name, self.record).await?;
        if mark.len() > 1 {
            let say =
                format!("{} has {} TXT records, and only our mark may be there", self.marked, mark.len());
            return Ok(Err(Came::refused(say)));
        }
        let strings = mark.first().and_then(|record| match &record.data {
            RData::TXT(txt) => Some(&txt.txt_data),
            _ => None,
        });
        let string = |at: usize| {
            let bytes = strings.and_then(|strings| strings.get(at))?;
            Some(String::from_utf8_lossy(bytes).into_owned())
        };
        Ok(Ok(Read { token: string(0), was: string(1), mark, records }))
    }

    async fn over(&self, asked: &Asked<'_>, seen: &mut Seen<'_>) -> Result<Came, Why> {
        let (op, ours) = (asked.call.op, asked.call.token);
        let signer = signer(&self.tsig)?;
        let mut line = Line::open(seen, &self.server.0, self.server.1).await?;
        let read = match self.read(&mut line).await? {
            Ok(read) => read,
            Err(came) => return Ok(came),
        };
        match weigh(read.token.as_deref(), ours) {
            Ok(Weighed::Older | Weighed::Ours) => {}
            Ok(Weighed::NotOurs(mark)) => return Ok(not_ours(mark, op)),
            Err(came) => return Ok(came),
        }
        let wanted = match self.target(asked, &read) {
            Ok(wanted) => wanted,
            Err(came) => return Ok(came),
        };
        let change = op != Op::Observe && !same(&read.records, &wanted);
        let was = if change && op == Op::Do { written(&read.records) } else { read.was.clone() };
        let mut strings = vec![ours.to_string()];
        strings.extend(was);
        if strings.iter().any(|text| text.len() > LONGEST) {
            return Ok(Came::refused(
                "what the name is now is too long to be kept, so it could not be taken back",
            ));
        }
        let mark = [Record::from_rdata(self.marked.clone(), 0, RData::TXT(TXT::new(strings)))];
        let set = |records| Set { name: &self.name, record: self.record, records };
        let marks = |records| Set { name: &self.marked, record: RecordType::TXT, records };
        let were = [marks(&read.mark), set(&read.records)];
        let will = if change { vec![marks(&mark), set(&wanted)] } else { vec![marks(&mark)] };
        match line.update(asked, &signer, &self.zone, &were, &will).await? {
            Said::Done => {}
            Said::NotSo(code) if op == Op::Observe => {
                return Ok(Came::unknown(format!("it changed while it was looked at ({code})")));
            }
            Said::NotSo(code) => {
                return Ok(Came::transient(format!("it is not as it was a moment ago ({code})")));
            }
            Said::Refused(code) if op == Op::Observe => {
                return Ok(Came::unknown(format!("it answers {code}")));
            }
            Said::Refused(code) => {
                return Ok(Came::refused(format!(
                    "it answers {code}: does it know our key, and may that change both names?"
                )));
            }
            Said::Other(detail) => return Ok(Came::unknown(detail)),
        }
        // A server may say yes and store nothing.
        let after = match self.read(&mut line).await? {
            Ok(after) => after,
            Err(came) => return Ok(Came::unknown(came.detail)),
        };
        match weigh(after.token.as_deref(), ours) {
            Ok(Weighed::Ours) => {}
            Ok(Weighed::NotOurs(mark)) => {
                return Ok(Came { mark: Some(mark), ..Came::unknown("a newer call came in between") });
            }
            _ => {
                return Ok(Came::unknown(format!(
                    "it says yes, and {} does not hold our token",
                    self.marked
                )));
            }
        }
        Ok(match (same(&after.records, &wanted), op) {
            (true, _) => Came::done(),
            (false, Op::Observe) => Came::not_done(format!("{} is {}", self.name, shown(&after.records))),
            (false, _) => {
                Came::unknown(format!("it says yes, and {} is {}", self.name, shown(&after.records)))
            }
        })
    }

    /// What is to be, or was asked about: what the step wants or, while undoing, what was before.
    fn target(&self, asked: &Asked<'_>, read: &Read) -> Result<Vec<Record>, Came> {
        if !asked.call.undoing {
            return self.wanted().map_err(Came::refused);
        }
        let nobody = |why: &str| match asked.call.op {
            Op::Observe => Came::unknown(why),
            Op::Do | Op::Undo | Op::Verify => Came::refused(why),
        };
        let was = read.was.as_deref().ok_or_else(|| nobody("nobody knows what the name was before"))?;
        let was = was.strip_prefix("was ").ok_or_else(|| nobody("what the name was cannot be read"))?;
        let (ttl, values) = was.split_once(' ').ok_or_else(|| nobody("what the name was cannot be read"))?;
        let ttl = ttl.parse().map_err(|_| nobody("what the name was cannot be read"))?;
        let records: Result<Vec<_>, _> = values
            .split('|')
            .filter(|value| !value.is_empty())
            .map(|value| self.data(value).map(|data| Record::from_rdata(self.name.clone(), ttl, data)))
            .collect();
        match records {
            Ok(records) if records.is_empty() => {
                Err(nobody("the name was empty before, and it must not become so"))
            }
            Ok(records) => Ok(records),
            Err(_) => Err(nobody("what the name was cannot be read")),
        }
    }

    /// Each named resolver must say it: what users are led by is not what the server has, but what resolvers say.
    async fn spread(&self, asked: &Asked<'_>, seen: &mut Seen<'_>) -> Result<Came, Why> {
        let mut line = Line::open(seen, &self.server.0, self.server.1).await?;
        let read = match self.read(&mut line).await? {
            Ok(read) => read,
            Err(came) => return Ok(Came::not_done(came.detail)),
        };
        let wanted = match self.target(asked, &read) {
            Ok(wanted) => values(&wanted),
            Err(came) => return Ok(Came::not_done(came.detail)),
        };
        let mut behind = Vec::new();
        for resolver in &self.resolvers {
            let Some(at) = server_at(resolver) else {
                behind.push(format!("`{resolver}` is no address of a resolver"));
                continue;
            };
            // One that is silent must not eat the time of the others.
            let share = Span::micros(asked.left().as_micros() / 2).min(Span::secs(2));
            match Dns::ask(&self.name, self.record, at, share).await {
                Ok(said) => {
                    let mut said: Vec<String> = said.iter().map(|value| plain(value)).collect();
                    said.sort();
                    if said != wanted {
                        behind.push(format!("{at} says {}", said.join(", ")));
                    }
                }
                Err(Why::Failed(_, detail) | Why::Blind(_, detail)) => behind.push(detail),
            }
        }
        Ok(if behind.is_empty() { Came::done() } else { Came::not_done(behind.join("; ")) })
    }
}

/// As it stands in the TXT: the TTL, and the values.
fn written(records: &[Record]) -> Option<String> {
    let ttl = records.first()?.ttl;
    Some(format!("was {ttl} {}", values(records).join("|")))
}

fn values(records: &[Record]) -> Vec<String> {
    let mut values: Vec<String> = records.iter().map(|record| plain(&record.data.to_string())).collect();
    values.sort();
    values
}

fn same(one: &[Record], other: &[Record]) -> bool {
    values(one) == values(other)
}

fn shown(records: &[Record]) -> String {
    if records.is_empty() { "empty".to_owned() } else { values(records).join(", ") }
}

/// Without the dot at a name's end and the quotes round a text; names are the same in either case.
fn plain(text: &str) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => quoted.to_owned(),
        None => text.strip_suffix('.').unwrap_or(text).to_lowercase(),
    }
}

impl Act for Update {
    fn act<'a>(&'a self, asked: &'a Asked<'a>) -> BoxFuture<'a, Came> {
        Box::pin(async move {
            let mut seen = asked.seen(&[]);
            let came = match asked.call.op {
                Op::Do | Op::Undo | Op::Observe => self.over(asked, &mut seen).await,
                Op::Verify => self.spread(asked, &mut seen).await,
            };
            came.unwrap_or_else(|why| Came::from_why(why, asked.gate, asked.call.op))
        })
    }
}
