//! One look at one target, as the daemon would take it.

use std::sync::{Arc, LazyLock};

use watchkeeper::config::expr::Expr;
use watchkeeper::config::probe::{Auth, Http, Kind, Probe};
use watchkeeper::core::health::{Blindness, Failure, Outcome};
use watchkeeper::core::ids::Name;
use watchkeeper::core::time::{Mono, Now, Span, Wall};
use watchkeeper::probe::{Clock, Found, Heartbeats, Kit, Ready};

static KIT: LazyLock<Arc<Kit>> =
    LazyLock::new(|| Arc::new(Kit::new(clock(), Arc::new(Heartbeats::default()))));

pub(crate) fn clock() -> Clock {
    Arc::new(|| {
        let read = |id| {
            let time = rustix::time::clock_gettime(id);
            u64::try_from(time.tv_sec).unwrap() * 1_000_000 + u64::try_from(time.tv_nsec).unwrap() / 1_000
        };
        let boot = read(rustix::time::ClockId::Boottime);
        Now { mono: Mono::micros(boot), wall: Wall::micros(read(rustix::time::ClockId::Realtime)) }
    })
}

pub(crate) fn kit() -> &'static Arc<Kit> {
    &KIT
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A probe with a time-out of so many milliseconds.
pub(crate) fn probe(kind: Kind, expect: &[&str], timeout: u64) -> Probe {
    let known = kind.variables();
    Probe {
        service: name("shop"),
        name: name("one"),
        region: Some(name("here")),
        trigger: true,
        interval: Span::secs(10),
        timeout: Span::millis(timeout),
        expect: expect.iter().map(|text| Expr::checked(text, known).unwrap()).collect(),
        kind,
    }
}

/// One look with two seconds.
pub(crate) async fn look(kind: Kind, expect: &[&str]) -> Found {
    look_for(kind, expect, 2_000).await
}

pub(crate) async fn look_for(kind: Kind, expect: &[&str], timeout: u64) -> Found {
    let found = Ready::new(probe(kind, expect, timeout)).run(kit(), true).await;
    let took = found.ended - found.began;
    assert!(took <= Span::millis(timeout + 1_000), "a look of at most {timeout} ms took {took}: {found:?}");
    found
}

#[track_caller]
pub(crate) fn ok(found: &Found) {
    assert!(matches!(found.outcome, Outcome::Ok { .. }), "{found:?}");
}

#[track_caller]
pub(crate) fn failed(found: &Found, failure: Failure) {
    assert_eq!(found.outcome, Outcome::Failed(failure), "{found:?}");
    assert!(!found.detail.is_empty(), "a failure says why");
}

#[track_caller]
pub(crate) fn blind(found: &Found, blindness: Blindness) {
    assert_eq!(found.outcome, Outcome::Blind(blindness), "{found:?}");
    assert!(!found.detail.is_empty(), "blindness says why");
}

/// As the config would make it of `url` alone.
pub(crate) fn http(url: &str) -> Http {
    Http {
        url: url.parse().unwrap(),
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: None,
        auth: Auth::default(),
        ca: None,
        redirects: false,
        body_limit: 64 * 1024,
        fresh: true,
    }
}

pub(crate) fn kind(http: Http) -> Kind {
    Kind::Http(Box::new(http))
}
