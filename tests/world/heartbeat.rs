//! `heartbeat`: pushes into the registry, on a clock of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use watchkeeper::config::probe::{Heartbeat, Kind};
use watchkeeper::config::secret::Secret;
use watchkeeper::core::health::{Blindness, Failure};
use watchkeeper::core::time::{Mono, Now, Span, Wall};
use watchkeeper::probe::{Clock, Heartbeats, Kit, Ready};

use super::look::{blind, failed, ok, probe};

#[tokio::test]
async fn silence_says_nothing_until_one_interval_has_passed() {
    let time = Arc::new(AtomicU64::new(1_000_000));
    let read = Arc::clone(&time);
    let clock: Clock =
        Arc::new(move || Now { mono: Mono::micros(read.load(Ordering::Relaxed)), wall: Wall::micros(0) });
    let after = |secs: u64| time.fetch_add(secs * 1_000_000, Ordering::Relaxed);
    let kit = Kit::new(clock, Arc::new(Heartbeats::default()));
    let wiring = probe(Kind::Heartbeat(Heartbeat { token: Secret::Env("X".to_owned()) }), &[], 1_000);
    let (service, name, region) = (wiring.service.clone(), wiring.name.clone(), wiring.region.clone());
    let ready = Ready::new(wiring);
    blind(&ready.run(&kit, false).await, Blindness::NoData);
    assert!(!kit.heartbeats().push(&service, &name, region.as_ref(), kit.now().mono), "nobody listens yet");
    kit.heartbeats().watch(&service, &name, region.as_ref(), kit.now().mono);
    after(9);
    blind(&ready.run(&kit, false).await, Blindness::NoData);
    after(2);
    failed(&ready.run(&kit, false).await, Failure::Silent);
    assert!(kit.heartbeats().push(&service, &name, region.as_ref(), kit.now().mono));
    after(10);
    let found = ready.run(&kit, false).await;
    ok(&found);
    assert_eq!(found.reading, Some(Span::secs(10)));
    after(1);
    failed(&ready.run(&kit, false).await, Failure::Silent);
    kit.heartbeats().watch(&service, &name, region.as_ref(), kit.now().mono);
    failed(&ready.run(&kit, false).await, Failure::Silent);
    kit.heartbeats().forget(&service, &name, region.as_ref());
    blind(&ready.run(&kit, false).await, Blindness::NoData);
}
