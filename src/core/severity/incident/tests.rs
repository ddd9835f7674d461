//! Every cell of the incident's table, and that severity is monotone.

use proptest::prelude::*;

use super::*;

const STABLE: Span = Span::mins(5);

fn at(secs: u64) -> Mono {
    Mono::after_boot(Span::secs(secs))
}

fn trouble(secs: u64) -> Holding {
    Holding { first_failed: Some(at(secs)), ..Holding::default() }
}

fn holds(secs: u64, rung: usize) -> Holding {
    Holding { first_failed: Some(at(secs)), holds: true, rung: Some(RungPos::at(rung)) }
}

const QUIET: Holding = Holding { first_failed: None, holds: false, rung: None };

#[test]
fn a_blip_that_passes_is_counted_and_opens_nothing() {
    let mut i = Incident::default();
    assert_eq!(i.advance(trouble(10), STABLE, at(10)), Turn::Blipped);
    assert_eq!(i.advance(trouble(10), STABLE, at(11)), Turn::Same);
    assert_eq!(i.advance(QUIET, STABLE, at(12)), Turn::Passed);
    assert_eq!((i.stage(), i.number(), i.blips()), (Stage::None, 0, 1));
}

#[test]
fn the_whole_story() {
    let mut i = Incident::after(41);
    i.advance(trouble(10), STABLE, at(10));
    assert_eq!(i.advance(holds(12, 0), STABLE, at(13)), Turn::Opened);
    assert_eq!(
        (i.number(), i.first_failed()),
        (42, Some(at(10))),
        "the clock runs from the first failed sample"
    );
    assert_eq!(i.advance(holds(10, 2), STABLE, at(20)), Turn::Raised);
    assert_eq!(i.advance(holds(10, 1), STABLE, at(21)), Turn::Same, "never lowered");
    assert_eq!(i.advance(QUIET, STABLE, at(30)), Turn::Recovering);
    assert_eq!(i.wake(STABLE), Some(at(330)));
    assert_eq!(i.advance(holds(40, 0), STABLE, at(41)), Turn::Flapped);
    assert_eq!((i.number(), i.flaps(), i.rung()), (42, 1, Some(RungPos::at(2))));
    assert_eq!(i.advance(QUIET, STABLE, at(50)), Turn::Recovering);
    assert_eq!(i.advance(QUIET, STABLE, at(349)), Turn::Same);
    assert_eq!(i.advance(QUIET, STABLE, at(350)), Turn::Closed);
    assert_eq!((i.stage(), i.rung(), i.first_failed()), (Stage::None, None, None));
    assert_eq!(i.advance(holds(400, 0), STABLE, at(400)), Turn::Opened);
    assert_eq!((i.number(), i.flaps()), (43, 0));
}

#[test]
fn trouble_that_matches_nothing_outlives_the_incident_as_a_blip() {
    let mut i = Incident::default();
    i.advance(holds(1, 0), STABLE, at(2));
    i.advance(trouble(1), STABLE, at(3));
    assert_eq!(i.advance(trouble(200), STABLE, at(303)), Turn::Closed);
    assert_eq!((i.stage(), i.first_failed()), (Stage::Blip, Some(at(200))));
}

#[test]
fn a_number_is_learned_only_between_stories() {
    let mut i = Incident::default();
    i.learn_number(7);
    i.advance(holds(1, 0), STABLE, at(1));
    i.learn_number(100);
    assert_eq!(i.number(), 8);
}

fn holding() -> impl Strategy<Value = Holding> {
    (any::<bool>(), any::<bool>(), prop::option::of(0_usize..4)).prop_map(|(trouble, holds, rung)| Holding {
        first_failed: (trouble || holds).then_some(at(5)),
        holds,
        rung: rung.filter(|_| holds).map(RungPos::at),
    })
}

proptest! {
    /// While one incident lasts its severity never falls, its number stays, and its clock never moves on.
    #[test]
    fn severity_is_monotone(steps in prop::collection::vec((holding(), 1_u64..400), 0..80)) {
        let mut incident = Incident::default();
        let mut now = 10;
        let mut before = incident;
        for (holding, later) in steps {
            now += later;
            let turn = incident.advance(holding, STABLE, at(now));
            if before.is_open() && incident.is_open() {
                prop_assert!(incident.rung() >= before.rung());
                prop_assert_eq!(incident.number(), before.number());
                prop_assert!(incident.first_failed() <= before.first_failed());
            }
            prop_assert_eq!(turn == Turn::Closed, before.is_open() && !incident.is_open());
            prop_assert_eq!(turn == Turn::Opened, !before.is_open() && incident.is_open());
            before = incident;
        }
    }

    /// Looking twice at the same is looking once.
    #[test]
    fn looking_again_changes_nothing(steps in prop::collection::vec((holding(), 1_u64..400), 1..40)) {
        let mut incident = Incident::default();
        let mut now = 10;
        for (holding, later) in steps {
            now += later;
            incident.advance(holding, STABLE, at(now));
            let before = incident;
            let turn = incident.advance(holding, STABLE, at(now));
            prop_assert!(turn == Turn::Same || turn == Turn::Blipped || turn == Turn::Passed, "{turn:?}");
            if turn == Turn::Same {
                prop_assert_eq!(incident, before);
            }
        }
    }
}
