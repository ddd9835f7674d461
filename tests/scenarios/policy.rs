//! The declarations at the head of a script: observers, limits, services. Each line is read anew at a reload, so a
//! script can change its own policy by changing a line.

use std::sync::Arc;

use watchkeeper_core::decide::{Limits, Mode};
use watchkeeper_core::health::self_trust;
use watchkeeper_core::ids::{Name, PolicyHash};
use watchkeeper_core::policy::{ObserverDraft, Policy, PolicyDraft, RegionDraft, SessionTerms};
use watchkeeper_core::time::Span;

use crate::service;
use crate::words::{Read, Words};

pub(crate) const MODES: &[(&str, Mode)] =
    &[("observe", Mode::Observe), ("approve", Mode::Approve), ("auto", Mode::Auto)];

/// Lines of which a policy has one.
const ONCE: &[&str] = &["me", "references", "mode", "ask", "limits"];

/// The policy that these lines declare, as one of its observers lives by it.
pub(crate) fn policy(lines: &[Words], me: Option<&str>) -> Read<Arc<Policy>> {
    let mut draft = PolicyDraft {
        me: Name::new("nobody").map_err(|why| why.to_string())?,
        mode: Mode::Auto,
        regions: Vec::new(),
        observers: Vec::new(),
        self_trust: self_trust::Settings::majority_of(3),
        limits: Limits::DEFAULT,
        ask: Span::secs(5),
        session: SessionTerms::DEFAULT,
        services: Vec::new(),
    };
    let services = lines.iter().position(|line| line.peek() == Some("service")).unwrap_or(lines.len());
    for line in &lines[..services] {
        let mut words = line.clone();
        top(&mut words, &mut draft).and_then(|()| words.end()).map_err(|why| at(line, &why))?;
    }
    let mut left = &lines[services..];
    while let Some((head, rest)) = left.split_first() {
        let body = rest.iter().position(|line| line.peek() == Some("service")).unwrap_or(rest.len());
        let mut service = service::service(head, &rest[..body])?;
        service.hash = hash(&left[..=body]);
        draft.services.push(service);
        left = &rest[body..];
    }
    if let Some(me) = me {
        draft.me = Name::new(me).map_err(|why| why.to_string())?;
    }
    let flawed = |flaws: Vec<_>| {
        let flaws: Vec<String> =
            flaws.iter().map(|flaw: &watchkeeper_core::policy::Flaw| flaw.to_string()).collect();
        format!("the policy is refused: {}", flaws.join("; "))
    };
    Policy::build(draft).map(Arc::new).map_err(flawed)
}

pub(crate) fn at(line: &Words, why: &str) -> String {
    format!("line {}: {why}\n    {}", line.line, line.text)
}

fn top(words: &mut Words, draft: &mut PolicyDraft) -> Read<()> {
    match words.word("a declaration")?.as_str() {
        "me" => draft.me = words.name("observer")?,
        "observer" => {
            let name = words.name("observer")?;
            words.must("in")?;
            let region = words.name("region")?;
            draft.observers.push(ObserverDraft { name, region, witness: words.take("witness") });
        }
        "region" => {
            let name = words.name("region")?;
            words.must("lost_at")?;
            draft.regions.push(RegionDraft { name, lost_at: words.number("lost_at")? });
        }
        "references" => {
            let points = words.number("references")?;
            draft.self_trust = self_trust::Settings::majority_of(points);
        }
        "mode" => draft.mode = words.one_of("mode", MODES)?,
        "ask" => draft.ask = words.span("ask")?,
        "limits" => {
            while !words.is_empty() {
                match words.word("a limit")?.as_str() {
                    "failovers" => draft.limits.failovers = words.number("failovers")?,
                    "within" => draft.limits.within = words.span("within")?,
                    "parallel_runs" => draft.limits.parallel_runs = words.number("parallel_runs")?,
                    other => return Err(format!("`{other}` is no limit")),
                }
            }
        }
        other => return Err(format!("`{other}` declares nothing")),
    }
    Ok(())
}

/// What the edge would make of the lines that decide about a service: two configs that differ have two hashes.
fn hash(lines: &[Words]) -> PolicyHash {
    let bytes = lines.iter().flat_map(|line| line.text.bytes().chain(Some(b'\n')));
    PolicyHash(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B)
    }))
}

/// A reload's change: `with LINE` puts a line in place of the one of the same kind and name, or after its service;
/// `without KIND NAME` takes it out with all that belongs to it.
pub(crate) fn changed(lines: &[Words], words: &mut Words) -> Read<Vec<Words>> {
    let without = match words.word("with or without")?.as_str() {
        "with" => false,
        "without" => true,
        other => return Err(format!("`{other}`: a reload is `with` a line or `without` one")),
    };
    let line = Words::of(words.line, &words.rest());
    let key = |line: &Words| {
        let mut words = line.text.split_whitespace().map(str::to_owned);
        let first = words.next().unwrap_or_default();
        let name = if ONCE.contains(&first.as_str()) { None } else { words.next() };
        (first, name.unwrap_or_default())
    };
    let wanted = key(&line);
    let found = lines.iter().position(|other| key(other) == wanted);
    let mut lines = lines.to_vec();
    match (found, without) {
        (Some(at), false) => lines[at] = line,
        (None, false) => {
            let top = ONCE.iter().chain(&["observer", "region"]).any(|word| *word == wanted.0);
            let service = lines.iter().rposition(|line| line.peek() == Some("service"));
            lines.insert(if top { 0 } else { service.map_or(lines.len(), |at| at + 1) }, line);
        }
        (Some(at), true) => {
            let belongs = |other: &Words| match (wanted.0.as_str(), other.peek()) {
                ("service", Some(word)) => word != "service",
                (_, Some(word)) => service::DETAILS.contains(&word),
                (_, None) => false,
            };
            let after = lines[at + 1..].iter().take_while(|line| belongs(line)).count();
            lines.drain(at..=at + after);
        }
        (None, true) => return Err(format!("there is no `{} {}` to leave out", wanted.0, wanted.1)),
    }
    Ok(lines)
}
