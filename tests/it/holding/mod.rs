//! The sketches as the measure of the vocabulary: each builds without a flaw, and for each scenario and rung there are
//! inputs under which it holds and under which it just does not.
//!
//! Inputs are found by one driver from what each clause asks for; no scenario is written down here, and none may be
//! left out. Everything goes through `engine::start` and `engine::step`, as each of the observers, wherever the
//! service is active.

mod brief;
mod near;
mod play;
mod scene;
mod target;
mod words;
mod world;

use watchkeeper::core::decide::By;
use watchkeeper::core::policy::PolicyDraft;
use watchkeeper::core::view;

use crate::sketch::{ALL, Sketch};
use brief::Brief;
use near::Case;
use play::play;
use scene::Active;
use target::{Alone, Target, What, built, rungs, scenarios};
use words::{Told, Wants, lines};
use world::World;

#[test]
fn every_sketch_builds_and_nothing_of_it_is_lost() {
    let rows = ALL.map(|name| {
        let sketch = Sketch::read(name, 0);
        let policy = built(&sketch.policy);
        let services = &policy.services;
        let plans = || services.iter().flat_map(|service| &service.plans);
        let steps: usize =
            sketch.plans.iter().flat_map(|(_, plans)| plans).map(|plan| plan.steps.len()).sum();
        let cases: usize = plans().map(|plan| plan.set.plans().count()).sum();
        let of = |count: fn(&watchkeeper::core::policy::ServicePolicy) -> usize| -> usize {
            services.iter().map(|service| count(service)).sum()
        };
        (
            name,
            services.len(),
            of(|service| service.components.len()),
            of(|service| service.probes.len()),
            of(|service| service.triggers.len()),
            of(|service| service.scenarios.len()),
            plans().count(),
            steps,
            cases,
        )
    });
    // services, components, probes, triggers, scenarios, plans, steps, cases
    let expected = [
        ("async-toolformer", 2, 5, 14, 1, 11, 13, 31, 26),
        ("healing-guard", 1, 5, 17, 2, 12, 8, 30, 16),
        ("multi-region", 1, 9, 23, 1, 9, 6, 30, 12),
        ("samokoder", 1, 4, 9, 2, 5, 6, 36, 12),
        ("sentiment-analyzer-pro", 3, 4, 14, 2, 10, 11, 28, 21),
        ("every-key.toml", 2, 3, 17, 2, 5, 6, 32, 12),
        ("minimal.toml", 1, 0, 1, 0, 1, 1, 2, 2),
    ];
    assert_eq!(rows, expected);
}

/// Shows of one target that it holds, and of each of its clauses that it does not without each thing that it asks for.
fn shown(whose: &str, draft: &PolicyDraft, target: &Target, nth: usize) -> Vec<Told> {
    let policy = built(draft);
    let subject = target.subject;
    let active = Active::of(&policy, subject, nth);
    let mut told = Vec::new();
    for Alone { policy: alone, what, clause } in &target.clauses {
        let words = words::clause(&alone.services[subject], clause);
        let at = format!("{whose}: {words}");
        let brief = match Brief::of(alone, &active, subject, clause) {
            Ok(brief) => brief,
            Err(why) => {
                told.push(Told { clause: words, undercut: false, wants: Err(why) });
                continue;
            }
        };
        let case = Case { policy: alone, active: &active, subject, clause, brief: &brief };
        // Everybody says so, in the whole policy.
        let all = case.all();
        let played = play(&policy, &active, &all, subject, target.what, clause);
        assert!(played.in_time, "{at}: it should hold: {}", played.world.why(subject));
        let scenario = matches!(target.what, What::Scenario(_));
        let undercut = scenario && target.clauses.len() > 1 && played.early == Some(true);
        plan_of(&at, &played.world, target);
        // A bare majority says so, and no other clause could.
        let bare = case.bare();
        let played = play(alone, &active, &bare, subject, *what, clause);
        assert!(played.in_time, "{at}: a bare quorum is enough: {}", played.world.why(subject));
        let mut wants = Wants::default();
        if let Some(early) = played.early {
            assert!(!early, "{at}: it holds a millisecond too early");
            wants.one("a millisecond");
        }
        for near in case.near() {
            let played = play(alone, &active, &near.scene, subject, *what, clause);
            let held = played.early == Some(true) || played.in_time || played.later;
            assert!(!held, "{at}: it holds without {}: {}", near.wants, played.world.why(subject));
            wants.one(near.wants);
        }
        assert!(wants.count() > 0, "{at}: nothing was found that it would not hold without");
        told.push(Told { clause: words, undercut, wants: Ok(wants) });
    }
    let some = told.iter().any(|told| told.wants.is_ok());
    assert!(some || matches!(target.what, What::Rung(_)), "{whose}: a scenario that can never hold");
    told
}

/// A scenario that holds says which plan is for it, and the plan has a case for the situation.
fn plan_of(at: &str, world: &World<'_>, target: &Target) {
    let What::Scenario(scenario) = target.what else { return };
    let service = &world.service(target.subject).policy;
    let why = world.why(target.subject);
    let says = format!("scenario {} holds", target.name);
    let told = why.lines().find(|line| line.contains(&says));
    let told = told.unwrap_or_else(|| panic!("{at}: why says nothing of it: {why}"));
    let Some(plan) = service.scenarios[scenario.index()].plan else {
        assert!(told.contains("people are told"), "{told}");
        return;
    };
    let policy = &service.plans[plan.index()];
    assert!(told.contains(&format!("its plan {} ", policy.name)), "{at}: {told}");
    let (wish, _) = view::would(&world.state, world.id(target.subject), plan, By::Order, world.clocks())
        .expect("a service that is known");
    let case = wish.case.unwrap_or_else(|| panic!("{at}: plan {} would act nowhere", policy.name));
    assert!(policy.set.plan(case).is_some(), "{at}: plan {} has no {case:?}", policy.name);
}

/// Every target of every sketch, as each observer and wherever the service may be active. One line a target, as the
/// last observer where the service is first active; the others must show the same of as many clauses.
fn table(targets: fn(&PolicyDraft, &watchkeeper::core::policy::Policy) -> Vec<Target>) -> String {
    let (mut table, mut count, mut total, mut played) = (String::new(), 0, 0, 0);
    for name in ALL {
        let observers = Sketch::read(name, 0).policy.observers.len();
        for me in (0..observers).rev() {
            let draft = Sketch::read(name, me).policy;
            let policy = built(&draft);
            for target in targets(&draft, &policy) {
                let service = &policy.services[target.subject];
                let whose = format!("{}/{}/{}", name.trim_end_matches(".toml"), service.name, target.name);
                for nth in 0..service.regions.len() {
                    let told = shown(&format!("{whose} as {}", draft.me), &draft, &target, nth);
                    let wants: usize = told.iter().map(Told::count).sum();
                    played += wants;
                    if (me, nth) == (observers - 1, 0) {
                        table += &lines(&whose, &told);
                        count += 1;
                        total += wants;
                    }
                }
            }
        }
    }
    format!("{table}\n{count} shown, {total} near misses; {played} over all observers and active regions\n")
}

#[test]
fn every_scenario_holds_and_just_does_not() {
    insta::assert_snapshot!(table(scenarios));
}

#[test]
fn every_rung_holds_and_just_does_not() {
    insta::assert_snapshot!(table(rungs));
}
