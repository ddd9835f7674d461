//! Counting by example, and against a naive count that sorts and filters everything anew.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

const CELL: CellPos = CellPos::at(0);
const OURS: PolicyHash = PolicyHash(0);
const THEIRS: PolicyHash = PolicyHash(1);
const NOW: Mono = Mono::after_boot(Span::hours(1));

fn who(i: usize) -> ObserverPos {
    ObserverPos::at(i)
}

fn ago(secs: u64) -> Mono {
    NOW.before(Span::secs(secs))
}

fn seen_by(viewers: Observers) -> Cell {
    Cell { probe: ProbePos::at(0), region: None, viewers, wide: true }
}

fn of(n: usize) -> Cell {
    seen_by(Observers::first(n))
}

fn says(say: Say, held: u64) -> Spoken {
    Spoken { cell: CELL, say, held: Span::secs(held), reading: None, fresh: false }
}

/// `n` observers of whom the first ones have said this, so many seconds ago.
fn told(n: usize, said: &[(Say, u64)]) -> Votes {
    let mut votes = Votes::new(n, 1);
    for (i, &(say, held)) in said.iter().enumerate() {
        assert!(votes.tell(who(i), 1, OURS, 0, &[says(say, held)], NOW));
    }
    votes
}

fn verdict(n: usize, said: &[(Say, u64)]) -> Verdict {
    told(n, said).verdict(CELL, &of(n), Counted::all())
}

fn is(say: Say, secs: u64) -> Verdict {
    Verdict { say, since: ago(secs) }
}

#[test]
fn answers_of_before_a_restore_answer_nothing() {
    let mut votes = Votes::new(3, 1);
    votes.live_by(OURS, who(0));
    votes.tell(who(1), 9, OURS, 4, &[says(Say::Down, 5)], NOW);
    assert_eq!((votes.answered(4).count(), votes.newest_answered()), (1, 4));
    let before = votes.changes();
    votes.begin_anew();
    assert_eq!((votes.answered(4).count(), votes.newest_answered()), (0, 0));
    assert_ne!(votes.changes(), before, "our own vote is another one now");
    assert!(votes.tell(who(1), 1, OURS, 1, &[says(Say::Down, 5)], NOW), "revisions begin anew");
}

#[test]
fn a_majority_of_those_configured_and_never_of_those_who_came() {
    use Say::{Down, Up};
    for n in 1..=Observers::MOST {
        let needed = n / 2 + 1;
        let downs = vec![(Down, 5); needed];
        assert_eq!(verdict(n, &downs), is(Down, 5), "{needed} of {n}");
        assert_eq!(verdict(n, &downs[1..]), Verdict::UNKNOWN, "{} of {n}", needed - 1);
        let mut all: Vec<_> = downs[1..].to_vec();
        all.resize(n, (Up, 9));
        assert_ne!(verdict(n, &all).say, Down, "{} downs of {n}, and the others present", needed - 1);
    }
}

#[test]
fn even_numbers_need_more_than_half() {
    use Say::{Down, Up};
    assert_eq!(verdict(2, &[(Down, 3), (Up, 9)]), Verdict::UNKNOWN);
    assert_eq!(verdict(2, &[(Down, 3), (Down, 9)]), is(Down, 3));
    assert_eq!(verdict(4, &[(Down, 1), (Down, 2), (Up, 3), (Up, 4)]), Verdict::UNKNOWN);
    assert_eq!(verdict(4, &[(Down, 1), (Down, 2), (Down, 3), (Up, 4)]), is(Down, 1));
}

#[test]
fn a_lone_observer_is_its_own_majority() {
    assert_eq!(verdict(1, &[(Say::Down, 7)]), is(Say::Down, 7));
    assert_eq!(verdict(1, &[]), Verdict::UNKNOWN);
}

#[test]
fn nobody_sees_it_nobody_knows() {
    let votes = told(3, &[(Say::Down, 7); 3]);
    assert_eq!(votes.verdict(CELL, &seen_by(Observers::NONE), Counted::all()), Verdict::UNKNOWN);
    assert!(!votes.lives(CELL, &seen_by(Observers::NONE), Counted::all(), Mono::BOOT));
}

#[test]
fn since_is_when_a_majority_had_each_come_to_hold() {
    use Say::{Down, Slow, Up};
    assert_eq!(verdict(3, &[(Down, 90), (Down, 60), (Down, 5)]), is(Down, 60));
    assert_eq!(verdict(5, &[(Down, 90), (Up, 99), (Down, 8), (Down, 60)]), is(Down, 8));
    assert_eq!(verdict(3, &[(Slow, 90), (Down, 60), (Up, 99)]), is(Slow, 60), "slow or down");
    assert_eq!(verdict(3, &[(Slow, 90), (Up, 60), (Up, 5)]), is(Up, 60), "it answers, slowly or not");
}

#[test]
fn who_abstains_is_neither_for_nor_against() {
    use Say::{Down, Slow, Unknown, Up};
    assert_eq!(verdict(3, &[(Down, 9), (Unknown, 0), (Unknown, 0)]), Verdict::UNKNOWN);
    assert_eq!(verdict(3, &[(Down, 9), (Down, 4), (Unknown, 0)]), is(Down, 4));
    assert_eq!(verdict(3, &[(Down, 9), (Slow, 4), (Unknown, 0)]), is(Slow, 4));
    assert_eq!(verdict(3, &[(Up, 9), (Down, 4), (Unknown, 0)]), Verdict::UNKNOWN);
}

#[test]
fn what_others_than_its_viewers_say_is_no_vote() {
    let votes = told(3, &[(Say::Down, 9); 3]);
    let two = seen_by(Observers::NONE.and(who(1)).and(who(2)));
    assert_eq!(votes.verdict(CELL, &two, Counted::all()), is(Say::Down, 9));
    let local = told(3, &[(Say::Down, 9), (Say::Up, 9), (Say::Up, 9)]);
    assert_eq!(local.verdict(CELL, &seen_by(Observers::first(1)), Counted::all()), is(Say::Down, 9));
}

#[test]
fn only_newer_revisions_are_taken() {
    let mut votes = Votes::new(1, 1);
    assert!(votes.tell(who(0), 7, OURS, 0, &[says(Say::Down, 9)], NOW));
    assert!(!votes.tell(who(0), 7, OURS, 0, &[says(Say::Up, 9)], NOW), "the same");
    assert!(!votes.tell(who(0), 6, OURS, 0, &[says(Say::Up, 9)], NOW), "an older one");
    assert!(!votes.withdraw(who(0), 7), "an older end of the session");
    assert_eq!(votes.of(who(0), CELL), is(Say::Down, 9));
    assert!(votes.tell(who(0), 8, OURS, 0, &[], NOW), "what it does not speak of any more …");
    assert_eq!(votes.of(who(0), CELL).say, Say::Unknown, "… is unknown");
    assert!(!votes.tell(who(1), 1, OURS, 0, &[], NOW), "there is no such observer");
}

#[test]
fn a_vote_is_gone_with_its_session() {
    let mut votes = told(3, &[(Say::Down, 9); 3]);
    assert!(votes.withdraw(who(0), 2) && votes.withdraw(who(1), 2));
    assert_eq!(votes.verdict(CELL, &of(3), Counted::all()), Verdict::UNKNOWN, "the quorum did not shrink");
    assert_eq!((votes.present().count(), votes.agreeing().count()), (1, 1));
    assert_eq!(votes.of(who(0), CELL), Verdict::UNKNOWN);
    assert!(!votes.withdraw(who(7), 2), "nobody");
    assert!(votes.tell(who(0), 3, OURS, 0, &[says(Say::Down, 1)], NOW), "and comes back");
    assert_eq!(votes.verdict(CELL, &of(3), Counted::all()), is(Say::Down, 1));
}

#[test]
fn a_vote_older_than_its_withdrawal_stays_gone() {
    let mut votes = Votes::new(1, 1);
    votes.withdraw(who(0), 9);
    assert!(!votes.tell(who(0), 8, OURS, 0, &[says(Say::Down, 9)], NOW), "told in the other order");
    assert_eq!(votes.present(), Observers::NONE);
}

#[test]
fn another_policy_s_vote_answers_no_ask() {
    let mut votes = Votes::new(3, 1);
    for (i, (policy, answers)) in [(OURS, 4), (THEIRS, 4), (OURS, 3)].into_iter().enumerate() {
        votes.tell(who(i), 1, policy, answers, &[Spoken { fresh: true, ..says(Say::Down, 9) }], NOW);
    }
    assert_eq!(votes.answered(4), Observers::NONE.and(who(0)));
    assert_eq!(votes.answered(3), Observers::NONE.and(who(2)));
    assert_eq!(votes.answered(0), Observers::NONE, "ask 0 was never asked");
    assert_eq!((votes.answers(who(1)), votes.answers(who(9))), (4, 0));
    votes.live_by(THEIRS, who(0));
    assert_eq!(votes.answered(3), Observers::NONE, "made under the policy before");
    assert_eq!(
        votes.answered(4),
        Observers::first(2),
        "we share our own, and who was ahead of us is not asked again"
    );
}

#[test]
fn for_acting_only_what_was_looked_at_again_counts() {
    let mut votes = Votes::new(3, 1);
    for (i, fresh) in [true, true, false].into_iter().enumerate() {
        votes.tell(who(i), 1, OURS, 1, &[Spoken { fresh, ..says(Say::Down, 60 + i as u64) }], NOW);
    }
    let answers = |set| votes.verdict(CELL, &of(3), Counted::answers(set));
    assert_eq!(answers(votes.answered(1)), is(Say::Down, 60));
    assert_eq!(answers(Observers::first(1)), Verdict::UNKNOWN, "one answer is no majority of three");
    assert_eq!(answers(Observers::NONE.and(who(1)).and(who(2))), Verdict::UNKNOWN, "one did not look again");
}

#[test]
fn our_own_voice_counts_like_any_other() {
    let mut votes = Votes::new(3, 2);
    let myself = Myself { say: Say::Down, since: ago(30), fresh: true, reading: Some((Span::secs(2), NOW)) };
    votes.say_myself(who(1), CELL, myself);
    assert_eq!(votes.of(who(1), CELL), is(Say::Down, 30));
    assert_eq!(votes.of(who(1), CellPos::at(1)), Verdict::UNKNOWN);
    assert_eq!((votes.present(), votes.agreeing()), (Observers::NONE.and(who(1)), votes.present()));
    assert_eq!(votes.answered(3), Observers::NONE);
    votes.answer_myself(who(1), 3);
    assert_eq!(votes.answered(3), Observers::NONE.and(who(1)));
    assert_eq!(votes.reading(CELL, &of(3), Counted::all(), None), Some((Span::secs(2), NOW)));
}

#[test]
fn nobody_speaks_for_another_by_a_cell_that_is_not_there() {
    let mut votes = Votes::new(2, 1);
    votes.tell(who(1), 1, OURS, 0, &[says(Say::Up, 5)], NOW);
    let myself = Myself { say: Say::Down, since: NOW, fresh: false, reading: None };
    votes.say_myself(who(0), CellPos::at(1), myself);
    votes.tell(who(0), 1, OURS, 0, &[Spoken { cell: CellPos::at(1), ..says(Say::Down, 9) }], NOW);
    assert_eq!(votes.of(who(1), CELL), is(Say::Up, 5));
    assert_eq!(votes.of(who(0), CellPos::at(1)), Verdict::UNKNOWN);
}

#[test]
fn a_witness_needs_a_majority_with_evidence_newer_than_the_first_failure() {
    let lives = |rows: &[(Say, Option<(u64, u64)>)], after: u64| {
        let mut votes = Votes::new(3, 1);
        for (i, &(say, reading)) in rows.iter().enumerate() {
            let reading =
                reading.map(|(value, age)| Reading { value: Span::secs(value), age: Span::secs(age) });
            votes.tell(who(i), 1, OURS, 0, &[Spoken { reading, ..says(say, 99) }], NOW);
        }
        votes.lives(CELL, &of(3), Counted::all(), ago(after))
    };
    use Say::{Down, Slow, Unknown, Up};
    let one = Some((1, 2));
    assert!(lives(&[(Up, one), (Slow, one)], 4), "it lived 3 s ago, the first sample failed 4 s ago");
    assert!(!lives(&[(Up, one), (Up, one)], 3), "not newer");
    assert!(!lives(&[(Up, one), (Up, one)], 2), "older");
    assert!(!lives(&[(Up, one)], 60), "one of three");
    assert!(!lives(&[(Up, one), (Up, None)], 60), "who has no evidence says nothing");
    assert!(!lives(&[(Up, one), (Down, one), (Unknown, one)], 60));
}

#[test]
fn a_witness_who_did_not_look_again_does_not_count_for_acting() {
    let mut votes = Votes::new(1, 1);
    let reading = Some(Reading { value: Span::ZERO, age: Span::ZERO });
    votes.tell(who(0), 1, OURS, 1, &[Spoken { reading, ..says(Say::Up, 9) }], NOW);
    assert!(votes.lives(CELL, &of(1), Counted::all(), ago(5)));
    assert!(!votes.lives(CELL, &of(1), Counted::answers(Observers::first(1)), ago(5)));
}

#[test]
fn the_newest_reading_says_what_would_be_lost() {
    let mut votes = Votes::new(3, 1);
    let read = |value, age, fresh| Spoken {
        reading: Some(Reading { value: Span::millis(value), age: Span::secs(age) }),
        fresh,
        ..says(Say::Up, 9)
    };
    assert_eq!(votes.reading(CELL, &of(3), Counted::all(), None), None);
    votes.tell(who(0), 1, OURS, 1, &[read(900, 30, true)], NOW);
    votes.tell(who(1), 1, OURS, 1, &[read(250, 10, false)], NOW);
    votes.tell(who(2), 1, OURS, 1, &[says(Say::Up, 9)], NOW);
    let reading = |counted| votes.reading(CELL, &of(3), counted, None);
    assert_eq!(reading(Counted::all()), Some((Span::millis(250), ago(10))));
    assert_eq!(reading(Counted::answers(Observers::first(3))), Some((Span::millis(900), ago(30))));
    assert_eq!(reading(Counted::answers(Observers::NONE)), None);
    votes.tell(who(0), 2, OURS, 1, &[read(700, 10, true)], NOW);
    assert_eq!(
        votes.reading(CELL, &of(3), Counted::all(), None),
        Some((Span::millis(700), ago(10))),
        "of two that are as new, what would lose more"
    );
    let finer = Reading { value: Span::micros(1), age: Span::ZERO };
    votes.tell(who(2), 2, OURS, 1, &[Spoken { reading: Some(finer), ..says(Say::Up, 9) }], NOW);
    assert_eq!(
        votes.reading(CELL, &of(3), Counted::all(), None).map(|(value, _)| value),
        Some(Span::millis(1)),
        "never less than was read"
    );
}

#[test]
fn votes_follow_names_to_another_list() {
    let mut votes = Votes::new(3, 2);
    let both = |first, second| [says(first, 9), Spoken { cell: CellPos::at(1), ..says(second, 4) }];
    votes.tell(who(0), 5, OURS, 2, &both(Say::Down, Say::Up), NOW);
    votes.tell(who(2), 6, THEIRS, 2, &both(Say::Slow, Say::Down), NOW);
    // A new observer stands first, the second one is gone; a new cell stands first, the cells changed places.
    let carried = votes
        .carried(&[None, Some(who(2)), Some(who(0))], &[None, Some(CellPos::at(1)), Some(CellPos::at(0))]);
    assert_eq!(carried.of(who(2), CellPos::at(1)), is(Say::Up, 4));
    assert_eq!(carried.of(who(2), CellPos::at(2)), is(Say::Down, 9));
    assert_eq!(carried.of(who(1), CellPos::at(1)), is(Say::Down, 4));
    assert_eq!(carried.of(who(1), CellPos::at(0)), Verdict { say: Say::Unknown, since: Mono::BOOT });
    assert_eq!(carried.of(who(0), CellPos::at(1)), Verdict::UNKNOWN, "the new one has said nothing");
    assert_eq!(carried.present(), Observers::NONE.and(who(1)).and(who(2)));
    assert_eq!(carried.answered(2), Observers::NONE.and(who(2)));
    let mut again = carried;
    assert!(!again.tell(who(1), 6, OURS, 0, &[], NOW), "revisions are known too");
    assert!(again.tell(who(0), 1, OURS, 0, &[], NOW));
}

#[test]
fn more_than_thirty_two_observers_cannot_be() {
    let mut votes = Votes::new(40, 1);
    assert!(!votes.tell(who(32), 1, OURS, 0, &[says(Say::Down, 9)], NOW));
    assert!(votes.tell(who(31), 1, OURS, 0, &[says(Say::Down, 9)], NOW));
    assert_eq!(Observers::first(40).count(), Observers::MOST);
    assert_eq!(Observers::NONE.and(who(32)), Observers::NONE);
    assert!(!Observers::first(32).has(who(32)));
    assert_eq!(Observers::first(3).without(who(40)), Observers::first(3));
    assert_eq!(Observers::first(3).without(who(1)).each().collect::<Vec<_>>(), [who(0), who(2)]);
    let wide = votes.carried(&[Some(who(31)); 40], &[Some(CELL)]);
    assert_eq!(wide.present().count(), Observers::MOST);
}

/// One thing that may reach the votes.
#[derive(Clone, Debug)]
enum Told {
    Vote { revision: u64, policy: PolicyHash, answers: u32, says: Vec<Spoken> },
    Gone { revision: u64 },
}

const CELLS: usize = 2;

fn spoken() -> impl Strategy<Value = Spoken> {
    let say = prop::sample::select(vec![Say::Unknown, Say::Up, Say::Slow, Say::Down]);
    let reading = prop::option::of((0_u64..5_000, 0_u64..5));
    (0..CELLS, say, 0_u64..9, reading, any::<bool>()).prop_map(|(cell, say, held, reading, fresh)| Spoken {
        cell: CellPos::at(cell),
        say,
        held: Span::secs(held),
        reading: reading.map(|(value, age)| Reading { value: Span::millis(value), age: Span::secs(age) }),
        fresh,
    })
}

fn told_by_all() -> impl Strategy<Value = Vec<(usize, Told)>> {
    let one = prop_oneof![
        4 => (1_u64..6, prop::sample::select(vec![OURS, THEIRS]), 0_u32..3, prop::collection::vec(spoken(), 0..4)).prop_map(
            |(revision, policy, answers, says)| Told::Vote { revision, policy, answers, says }
        ),
        1 => (1_u64..6).prop_map(|revision| Told::Gone { revision }),
    ];
    // One thing a revision: that is what a revision means.
    prop::collection::vec((0_usize..5, one), 0..16).prop_map(|all| {
        let mut known: Vec<(usize, u64)> = vec![];
        all.into_iter()
            .filter(|(seat, told)| {
                let key = (*seat, revision(told));
                let new = !known.contains(&key);
                known.push(key);
                new
            })
            .collect()
    })
}

fn revision(told: &Told) -> u64 {
    match told {
        Told::Vote { revision, .. } | Told::Gone { revision } => *revision,
    }
}

fn tell(votes: &mut Votes, seat: usize, told: &Told) -> bool {
    match told {
        Told::Vote { revision, policy, answers, says } => {
            votes.tell(who(seat), *revision, *policy, *answers, says, NOW)
        }
        Told::Gone { revision } => votes.withdraw(who(seat), *revision),
    }
}

/// The newest vote of an observer by looking at all that was told: what the fold must come to.
fn newest(all: &[(usize, Told)], seat: usize) -> Option<(bool, u32, &[Spoken])> {
    let last = all.iter().filter(|(s, _)| *s == seat).max_by_key(|(_, told)| revision(told))?;
    match &last.1 {
        Told::Vote { policy, answers, says, .. } => Some((*policy == OURS, *answers, says)),
        Told::Gone { .. } => None,
    }
}

fn last_word(says: &[Spoken], cell: usize) -> Option<Spoken> {
    says.iter().rev().find(|spoken| spoken.cell.index() == cell).copied()
}

/// The verdict by sorting and counting everything anew.
fn naive(all: &[(usize, Told)], cell: usize, viewers: Observers, counted: Counted) -> Verdict {
    let voices: Vec<Spoken> = (0..5)
        .filter(|&seat| viewers.has(who(seat)) && counted.who.has(who(seat)))
        .filter_map(|seat| last_word(newest(all, seat)?.2, cell))
        .filter(|spoken| spoken.fresh || !counted.fresh_only)
        .collect();
    let needed = viewers.count() / 2 + 1;
    let held_by_a_majority = |fits: &dyn Fn(Say) -> bool| -> Option<Mono> {
        let mut held: Vec<Span> = voices.iter().filter(|s| fits(s.say)).map(|s| s.held).collect();
        held.sort();
        held.reverse();
        held.get(needed - 1).map(|&held| NOW.before(held))
    };
    if let Some(since) = held_by_a_majority(&|say| say == Say::Down) {
        Verdict { say: Say::Down, since }
    } else if let Some(since) = held_by_a_majority(&|say| say == Say::Slow || say == Say::Down) {
        Verdict { say: Say::Slow, since }
    } else if let Some(since) = held_by_a_majority(&|say| say == Say::Up || say == Say::Slow) {
        Verdict { say: Say::Up, since }
    } else {
        Verdict::UNKNOWN
    }
}

fn naive_lives(
    all: &[(usize, Told)],
    cell: usize,
    viewers: Observers,
    counted: Counted,
    after: Mono,
) -> bool {
    let alive = (0..5)
        .filter(|&seat| viewers.has(who(seat)) && counted.who.has(who(seat)))
        .filter_map(|seat| last_word(newest(all, seat)?.2, cell))
        .filter(|spoken| spoken.fresh || !counted.fresh_only)
        .filter(|spoken| matches!(spoken.say, Say::Up | Say::Slow))
        .filter(|spoken| spoken.reading.is_some_and(|r| NOW.before(r.age).before(r.value) > after))
        .count();
    viewers.count() > 0 && alive > viewers.count() / 2
}

fn some() -> impl Strategy<Value = Observers> {
    (0_u8..32)
        .prop_map(|set| (0..5).filter(|i| set >> i & 1 == 1).fold(Observers::NONE, |set, i| set.and(who(i))))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever was told in whatever order, and told again: the verdict is that of a naive count of the newest votes.
    #[test]
    fn the_count_is_right_in_any_order(
        all in told_by_all(),
        (turned, again) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        (viewers, counts) in (some(), some()),
        fresh_only in any::<bool>(),
        after in 0_u64..9,
    ) {
        let mut order: Vec<&(usize, Told)> = all.iter().collect();
        if !order.is_empty() {
            let by = turned.index(order.len());
            order.rotate_left(by);
            let twice = order[again.index(order.len())];
            order.push(twice);
        }
        let mut votes = Votes::new(5, CELLS);
        for (seat, told) in &order {
            tell(&mut votes, *seat, told);
        }
        let before = alloc::format!("{votes:?}");
        for (seat, told) in &order {
            prop_assert!(!tell(&mut votes, *seat, told), "nothing is taken twice");
        }
        prop_assert_eq!(before, alloc::format!("{votes:?}"), "and nothing changes by it");
        let counted = Counted { who: counts, fresh_only, wide_only: false };
        for cell in 0..CELLS {
            let at = CellPos::at(cell);
            prop_assert_eq!(
                votes.verdict(at, &seen_by(viewers), counted),
                naive(&all, cell, viewers, counted)
            );
            let after = ago(after);
            prop_assert_eq!(
                votes.lives(at, &seen_by(viewers), counted, after),
                naive_lives(&all, cell, viewers, counted, after)
            );
        }
        for ask in 0..3 {
            let answered = (0..5).filter(|&seat| {
                newest(&all, seat).is_some_and(|(agrees, answers, _)| agrees && answers == ask && ask > 0)
            });
            prop_assert_eq!(votes.answered(ask), answered.fold(Observers::NONE, |set, i| set.and(who(i))));
        }
    }

    /// Fewer voices never say more: who is missing, abstains or did not look again only makes the verdict unknown, or
    /// what a majority still says.
    #[test]
    fn nobody_missing_makes_it_worse(all in told_by_all(), viewers in some(), gone in 0_usize..5) {
        let mut votes = Votes::new(5, CELLS);
        for (seat, told) in &all {
            tell(&mut votes, *seat, told);
        }
        let before = votes.verdict(CELL, &seen_by(viewers), Counted::all());
        votes.withdraw(who(gone), 100);
        let after = votes.verdict(CELL, &seen_by(viewers), Counted::all());
        prop_assert!(after.say == Say::Unknown || after.say <= before.say, "{before:?} -> {after:?}");
        if after.say == before.say {
            prop_assert!(after.since >= before.since || after == Verdict::UNKNOWN);
        }
    }

    /// Carried there and back, a list of votes is what it was.
    #[test]
    fn carried_to_the_same_list_nothing_changes(all in told_by_all()) {
        let mut votes = Votes::new(5, CELLS);
        for (seat, told) in &all {
            tell(&mut votes, *seat, told);
        }
        let who: Vec<_> = (0..5).map(|i| Some(who(i))).collect();
        let what: Vec<_> = (0..CELLS).map(|i| Some(CellPos::at(i))).collect();
        let mut carried = votes.carried(&who, &what);
        // Only that it is to be written anew.
        carried.changes = votes.changes;
        prop_assert_eq!(alloc::format!("{carried:?}"), alloc::format!("{votes:?}"));
    }
}

#[test]
fn an_answer_that_came_late_may_have_been_written_right_after_the_ask() {
    let mut votes = Votes::new(3, 1);
    votes.live_by(OURS, who(2));
    let reading = Some(Reading { value: Span::secs(1), age: Span::secs(2) });
    votes.tell(who(0), 1, OURS, 1, &[Spoken { reading, fresh: true, ..says(Say::Up, 9) }], NOW);
    let read = |asked| votes.reading(CELL, &of(3), Counted::answers(Observers::NONE.and(who(0))), asked);
    assert_eq!(read(None), Some((Span::secs(1), NOW.before(Span::secs(2)))));
    let asked = NOW.before(Span::secs(40));
    let at_worst = asked.before(Span::secs(2)).before(Span::millis(1));
    assert_eq!(read(Some(asked)), Some((Span::secs(1), at_worst)), "40 s on its way");
}
