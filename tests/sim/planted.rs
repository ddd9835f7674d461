//! A planted violation of each invariant, to show that its check reports it. Run before every ordinary run.

use watchkeeper_core::event::{Decided, Event};
use watchkeeper_core::ids::ServiceId;

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::shape::{REFERENCES, Shape};
use crate::truth::Truth;

const S: u64 = 1_000_000;

/// One story that must not be, and the name under which it must be reported.
type Planted = (&'static str, fn(&mut Ledger, &mut Truth, &Shape));

const ALL: [Planted; 7] = [
    ("S14 broken (truth): a failover", |ledger, truth, shape| {
        ledger.started(100 * S, 0, (0, 1), 3, 90 * S, truth, shape);
    }),
    ("S14 broken (truth): nothing was wrong", |ledger, truth, shape| {
        ledger.event(5 * S, 0, Some(ServiceId::at(0)), &Event::Decided(Decided::Blocked(wish(), 1)));
        ledger.close(10 * S, truth, shape);
    }),
    ("S7 broken (truth)", |ledger, truth, shape| {
        begin(ledger, truth, shape, Fault::RegionDies(1), 10 * S);
        ledger.started(100 * S, 0, (0, 1), 3, 60 * S, truth, shape);
    }),
    ("S6 broken (letter)", |ledger, truth, shape| {
        begin(ledger, truth, shape, Fault::WebFails(0, 0), 10 * S);
        ledger.started(100 * S, 0, (0, 1), 1, 90 * S, truth, shape);
    }),
    ("S10 broken (truth)", |ledger, truth, shape| {
        begin(ledger, truth, shape, Fault::WebFails(0, 0), 10 * S);
        ledger.started(100 * S, 0, (0, 1), 3, 90 * S, truth, shape);
        ledger.started(200 * S, 0, (1, 0), 3, 190 * S, truth, shape);
    }),
    ("L1 broken (truth)", |ledger, truth, shape| {
        begin(ledger, truth, shape, Fault::RegionDies(0), 10 * S);
        ledger.watch(131 * S, truth, shape);
    }),
    ("L6 broken (truth)", |ledger, truth, shape| {
        begin(ledger, truth, shape, Fault::WebFails(0, 0), 10 * S);
        ledger.watch(191 * S, truth, shape);
    }),
];

fn wish() -> watchkeeper_core::event::Wish {
    use watchkeeper_core::ids::{PlanPos, ScenarioPos};
    watchkeeper_core::event::Wish { scenario: ScenarioPos::at(0), plan: PlanPos::at(0), case: None }
}

fn begin(ledger: &mut Ledger, truth: &mut Truth, shape: &Shape, fault: Fault, now: u64) {
    fault.set(truth, true);
    ledger.fault(fault, true, now, truth, shape);
}

/// Each planted violation is reported under its name, and the same world without it is not.
pub(crate) fn all_are_reported() -> usize {
    let shape = Shape::new(3, 1, 2);
    let truth = || Truth::well(shape.observers, shape.services, shape.regions, REFERENCES);
    let mut sound = Ledger::new(&shape, &truth());
    sound.close(600 * S, &truth(), &shape);
    assert!(sound.broken.is_empty(), "nothing was planted, and {:?} is reported", sound.broken);
    for (name, plant) in ALL {
        let mut truth = truth();
        let mut ledger = Ledger::new(&shape, &truth);
        plant(&mut ledger, &mut truth, &shape);
        let found = ledger.broken.iter().any(|what| what.starts_with(name));
        assert!(found, "`{name}` was planted, and {:?} is reported", ledger.broken);
    }
    ALL.len()
}
