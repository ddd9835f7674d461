//! Probes: where they run, who sees them and how they are debounced, for the core; and their wiring in each region.

use super::Around;
use super::daemon::small;
use super::fill::Scene;
use super::probe_kind::{self, Own};
use crate::config::expr::Expr;
use crate::config::place::{At, Format};
use crate::config::probe as wire;
use crate::config::problem::{Code, Problem};
use crate::config::raw::probe as raw;
use crate::config::read::Key;
use crate::config::values::{Dur, Plain};
use crate::config::whole::{Read, words};
use crate::config::wiring::{Heartbeat, Wiring};
use crate::core::health::{Fall, NotDebounce, Settings};
use crate::core::ids::Name;
use crate::core::plan::SiteRegion;
use crate::core::policy::{From, ProbeDraft, WitnessDraft};
use crate::core::time::Span;
use crate::core::verdict::{Role, Tier};

/// One probe, as the core sees it.
pub(super) fn draft(around: &Around<'_>, read: &Read<'_, (raw::Probe, Own)>) -> ProbeDraft {
    let (raw, own) = &read.raw;
    if let (Own::Backup, Some((_, at))) = (own, raw.kind.both()) {
        let word = read.node.get("kind").and_then(|node| node.text()).unwrap_or("backup");
        around.add(Problem::not_built(at, &format!("probes of kind `{word}`")));
    }
    if let (Some(true), Some(at), false) = (raw.loss.get().copied(), raw.loss.at(), own.reads_loss())
        && !matches!(own, Own::Unknown)
    {
        let problem =
            Problem::error(Code::Value, at, "this probe reads no lag and no age that could be lost");
        around.add(problem.help("remove `loss`, or set it at a probe that reads one (`check = \"lag\"`)"));
    }
    ProbeDraft {
        name: read.name.clone(),
        component: raw.component.get().map(|word| word.0.clone()),
        tier: match raw.tier.or(raw::Tier::Trigger) {
            raw::Tier::Trigger => Tier::Trigger,
            raw::Tier::Gate => Tier::Gate,
            raw::Tier::Inform => Tier::Inform,
        },
        role: match raw.role.or(raw::Role::Each) {
            raw::Role::Each => Role::Each,
            raw::Role::Active => Role::Active,
            raw::Role::Standby => Role::Standby,
            raw::Role::Service => Role::Service,
        },
        regions: raw.regions.at().map(|_| words(&raw.regions)),
        from: match raw.from.get() {
            None | Some(raw::From::All) => From::All,
            Some(raw::From::Local) => From::Local,
            Some(raw::From::Named(list)) => {
                if list.is_empty() {
                    let problem = Problem::error(Code::Value, raw.from.at(), "nobody sees this probe");
                    around.add(problem.help("write \"all\", \"local\", or name at least one observer"));
                }
                From::Named(list.iter().filter_map(Key::get).map(|word| word.0.clone()).collect())
            }
        },
        debounce: debounce(around, raw),
        parent: raw.parent.get().map(|word| word.0.clone()),
        witness_of: raw.witness_of.get().map(|word| match word.0.as_str() {
            "active" => WitnessDraft::Active,
            _ => WitnessDraft::Region(word.0.clone()),
        }),
        loss: raw.loss.get().copied().unwrap_or(own.reads_lag()),
        drift: own.says_writable(),
    }
}

fn debounce(around: &Around<'_>, raw: &raw::Probe) -> Settings {
    let usual = Settings::DEFAULT;
    let window = raw.window.get();
    if let (Some(at), Some(_)) = (raw.fall.at().filter(|at| at.file > 0), raw.window.at()) {
        let problem = Problem::error(Code::Twice, at, "a `window` stands instead of `fall`");
        around.add(problem.help("keep one of them"));
    }
    let span = |key: &Key<Dur>, usual: Span| key.get().map_or(usual, |dur| dur.0);
    // What could not be read is judged as if it were not written.
    let fall = match window.filter(|window| window.fails.get().is_some() && window.of.get().is_some()) {
        Some(window) => {
            let fails = small(around, &window.fails, u8::MAX);
            let of = small(around, &window.of, u8::MAX);
            let (Some(fails), Some(of)) = (fails, of) else { return usual };
            Fall::Window { fails, of }
        }
        None => Fall::Streak(small(around, &raw.fall, u16::MAX).unwrap_or(3)),
    };
    let made = Settings::new(
        span(&raw.interval, usual.interval()),
        span(&raw.timeout, usual.timeout()),
        span(&raw.fast_interval, usual.fast_interval()),
        span(&raw.down_interval, usual.down_interval()),
        fall,
        small(around, &raw.rise, u16::MAX).unwrap_or(2),
        raw.slow_after.get().map(|dur| dur.0),
    );
    made.unwrap_or_else(|wrong| {
        for why in wrong {
            let compared = matches!(why, NotDebounce::TimeoutNotBelowInterval { .. });
            if compared && (raw.interval.bad() || raw.timeout.bad()) {
                continue;
            }
            let own = |at: Option<At>| at.filter(|at| at.file > 0);
            let (at, help) = match why {
                NotDebounce::TimeoutNotBelowInterval { .. } => (
                    own(raw.timeout.at()).or(raw.interval.at()),
                    "write a shorter `timeout` or a longer `interval`",
                ),
                NotDebounce::NoInterval => (
                    own(raw.interval.at()).or(own(raw.fast_interval.at())).or(raw.down_interval.at()),
                    "write such as \"10s\"",
                ),
                NotDebounce::FallOfNone => (raw.window.at().or(raw.fall.at()), "write at least 1"),
                NotDebounce::RiseOfNone => (raw.rise.at(), "write at least 1"),
                NotDebounce::Window { .. } => (raw.window.at(), "write such as { fails = 3, of = 5 }"),
            };
            around.add(Problem::error(Code::Value, at, why.to_string()).help(help));
        }
        usual
    })
}

/// What it looks at, in each region where it runs; only what this observer sees is kept.
pub(super) fn wire(
    around: &Around<'_>,
    service: &Name,
    regions: &[SiteRegion],
    read: &Read<'_, (raw::Probe, Own)>,
    draft: &ProbeDraft,
    wiring: &mut Wiring,
) {
    let (raw, own) = &read.raw;
    let expect = expect(around, &raw.expect, probe_kind::variables(own));
    let each: Vec<Option<&SiteRegion>> = match draft.role {
        Role::Service => vec![None],
        Role::Each | Role::Active | Role::Standby => regions
            .iter()
            .filter(|region| draft.regions.as_ref().is_none_or(|wanted| wanted.contains(&region.name)))
            .map(Some)
            .collect(),
    };
    if each.is_empty() {
        // Its regions are wrong; what is wrong with it besides is said all the same.
        own.wiring(&Scene { around, service: Some(service), region: None, lenient: true });
    }
    for region in each {
        let scene = Scene { around, service: Some(service), region, lenient: false };
        let Some(kind) = own.wiring(&scene) else { continue };
        let name = region.map(|region| region.name.clone());
        if !seen(around, &draft.from, name.as_ref()) {
            continue;
        }
        if let wire::Kind::Heartbeat(heartbeat) = &kind {
            wiring.heartbeats.push(Heartbeat {
                service: service.clone(),
                probe: read.name.clone(),
                region: name.clone(),
                token: heartbeat.token.clone(),
            });
        }
        wiring.probes.push(wire::Probe {
            service: service.clone(),
            name: read.name.clone(),
            region: name,
            trigger: draft.tier == Tier::Trigger,
            interval: draft.debounce.interval(),
            timeout: draft.debounce.timeout(),
            expect: expect.clone(),
            kind,
        });
    }
}

/// Whether this observer can see a probe that runs there.
fn seen(around: &Around<'_>, from: &From, region: Option<&Name>) -> bool {
    match from {
        From::All => true,
        From::Local => around.here.as_ref().is_some_and(|here| Some(&here.name) == region),
        From::Named(list) => list.contains(&around.me),
    }
}

/// Expressions, compiled; what is wrong with one is pointed at within it.
pub(super) fn expect(
    around: &Around<'_>,
    key: &Key<Vec<Key<Plain>>>,
    known: &'static [&'static str],
) -> Vec<Expr> {
    let each = key.get().into_iter().flatten().filter_map(Key::both);
    each.filter_map(|(text, at)| expression(around, &text.0, at, known, EXPECTS)).collect()
}

pub(super) const EXPECTS: &str = "an expectation is CEL, such as \"status == 200\"";

/// One expression.
pub(super) fn expression(
    around: &Around<'_>,
    text: &str,
    at: At,
    known: &'static [&'static str],
    help: &str,
) -> Option<Expr> {
    let key = (known, text.to_owned());
    if let Some(compiled) = around.compiled.borrow().get(&key) {
        return Some(compiled.clone());
    }
    let made = if known.is_empty() { Expr::new(text) } else { Expr::checked(text, known) };
    match made {
        Ok(expr) => {
            around.compiled.borrow_mut().insert(key, expr.clone());
            Some(expr)
        }
        Err(bad) => {
            let place = within(around, text, at, bad.at);
            let problem = Problem::error(Code::Expression, place, bad.message);
            around.add(problem.help(help));
            None
        }
    }
}

/// The place of a byte within a text, where the text stands in its file as it is.
fn within(around: &Around<'_>, text: &str, at: At, byte: usize) -> At {
    let Some(file) = around.whole.reader.files.of(at).filter(|file| file.format == Format::Toml) else {
        return at;
    };
    let Some(written) = file.text.get(at.start as usize..at.end as usize) else { return at };
    let Some(begins) = written.find(text).filter(|_| !text.is_empty()) else { return at };
    let start = at.start as usize + begins + byte.min(text.len());
    let rest = text.get(byte.min(text.len())..).unwrap_or("");
    let length = rest.chars().next().map_or(1, char::len_utf8);
    At::new(at.file, start..start + length)
}
