//! Runs worlds and says what came of them: counts, speed, floors, and every violation with its seed.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use watchkeeper_core::agree::{ClaimInput, ClaimState};
use watchkeeper_core::decide::Gate;
use watchkeeper_core::event::AnyCell;
use watchkeeper_core::plan::saga::{Cell, RunInput, RunState};
use watchkeeper_core::state::Visits;

use crate::aimed::AIMED;
use crate::check::{Checks, Tally};
use crate::directed::ACTS;
use crate::fault::KINDS;
use crate::plan::{plan, rare};
use crate::rng::Rng;
use crate::shape::{self, Shape};
use crate::world::{LENGTH, World};

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) seeds: Option<u64>,
    pub(crate) from: Option<u64>,
    pub(crate) one: Option<u64>,
    pub(crate) shape: Option<u64>,
    pub(crate) twice: u64,
    pub(crate) trace: bool,
    /// It is told up to this second.
    pub(crate) until: Option<u64>,
    /// The floors of coverage are required.
    pub(crate) floors: bool,
    pub(crate) mutants: bool,
    /// Only the seeds at which mutants were caught before.
    pub(crate) kept: bool,
    /// Only mutants that are called so.
    pub(crate) only: Option<String>,
    /// One process of several.
    pub(crate) part: Option<(usize, usize)>,
    pub(crate) trust: bool,
    /// Which worlds come to a cell of the tables that is called so.
    pub(crate) cell: Option<String>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted {
            seeds: None,
            from: None,
            one: None,
            shape: None,
            twice: 500,
            trace: false,
            until: None,
            floors: false,
            mutants: false,
            kept: false,
            only: None,
            part: None,
            trust: false,
            cell: None,
        }
    }
}

/// What came of many worlds.
#[derive(Default)]
struct Sum {
    worlds: u64,
    faulty: u64,
    events: u64,
    tally: Tally,
    with_runs: u64,
    with: [u64; 4],
    bit: Vec<u64>,
    aimed: [u64; ACTS.len()],
    gates: u64,
    visits: Visits,
    resumed: [u64; 4],
    broken: Vec<(u64, Vec<String>)>,
}

pub(crate) fn run(wanted: &Wanted) -> ExitCode {
    let shapes = shape::all();
    if wanted.mutants {
        return crate::mutants::run(&shapes, wanted);
    }
    if let (true, Some(seed)) = (wanted.trust, wanted.one) {
        crate::trust::tell(seed, wanted.shape.unwrap_or(3) as usize);
        return ExitCode::SUCCESS;
    }
    if wanted.trust {
        return crate::trust::run(wanted.from.unwrap_or(0), wanted.seeds.unwrap_or(200_000));
    }
    if let Some(cell) = &wanted.cell {
        return come_to(&shapes, wanted, cell);
    }
    if let Some(seed) = wanted.one {
        // That world as a mutant has it, if one is named.
        crate::mutants::switch(wanted.only.as_deref());
        let mut world = born(&shapes, wanted.shape, seed, wanted.trace);
        world.ends = wanted.until.map_or(LENGTH, |until| until * 1_000_000);
        world.run();
        if wanted.trace {
            for line in world.rest() {
                println!("{line}");
            }
        }
        let (checks, story) = (world.checks, world.trace.unwrap_or_default());
        story.iter().for_each(|line| println!("{line}"));
        println!("seed {seed}: {:?}", checks.tally);
        return verdict(&[(seed, checks.out.broken)]);
    }
    println!("sim: {} planted violations are reported", crate::planted::all_are_reported());
    let (seeds, from) = (wanted.seeds.unwrap_or(3_000), wanted.from.unwrap_or_else(base));
    let began = clock();
    let kept: Vec<u64> = include_str!("failing.txt")
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    let mut sum = Sum { bit: vec![0; KINDS.len()], ..Sum::default() };
    let floors = wanted.floors || seeds >= 20_000;
    for seed in kept.iter().copied().chain(from..from + seeds) {
        let mut world = born(&shapes, wanted.shape, seed, false);
        world.run();
        sum.visits.add(&world.visited());
        sum.add(seed, world.checks);
    }
    let taken = began.elapsed().max(Duration::from_millis(1));
    sum.tell(from, taken);
    for seed in from..from + wanted.twice.min(seeds) {
        let (one, other) = (live(&shapes, wanted.shape, seed, true), live(&shapes, wanted.shape, seed, true));
        assert!(one.1 == other.1, "seed {seed} told two stories");
    }
    println!("sim: {} worlds told the same story twice, byte for byte", wanted.twice.min(seeds));
    println!("{} passed, {} failed", sum.worlds - sum.broken.len() as u64, sum.broken.len());
    let low = sum.floors();
    if floors && low > 0 {
        println!("sim: {low} floors of coverage are not reached");
        verdict(&sum.broken);
        return ExitCode::FAILURE;
    }
    verdict(&sum.broken)
}

/// Which worlds come to a cell, and how many of them.
fn come_to(shapes: &[Shape], wanted: &Wanted, called: &str) -> ExitCode {
    let cells: Vec<AnyCell> = AnyCell::all().filter(|cell| cell.to_string().contains(called)).collect();
    let (seeds, from) = (wanted.seeds.unwrap_or(3_000), wanted.from.unwrap_or(0));
    let mut come: Vec<Vec<u64>> = vec![Vec::new(); cells.len()];
    for seed in from..from + seeds {
        let mut world = born(shapes, wanted.shape, seed, false);
        world.run();
        let visits = world.visited();
        for (_, seeds) in cells.iter().zip(&mut come).filter(|(cell, _)| visits.has(**cell)) {
            seeds.push(seed);
        }
    }
    for (cell, come) in cells.iter().zip(come) {
        let first: Vec<String> = come.iter().take(12).map(ToString::to_string).collect();
        println!("{cell}: in {} of {seeds} worlds: seeds {}", come.len(), first.join(" "));
    }
    ExitCode::SUCCESS
}

/// Another base each day: rare bugs are found by looking elsewhere each time.
fn base() -> u64 {
    let day = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() / 86_400);
    day * 1_000_000
}

#[expect(clippy::disallowed_methods, reason = "schedules a second are measured, by a clock")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

/// One world, with its story if that is wanted.
pub(crate) fn live(shapes: &[Shape], only: Option<u64>, seed: u64, trace: bool) -> (Checks, Vec<String>) {
    let mut world = born(shapes, only, seed, trace);
    world.run();
    (world.checks, world.trace.unwrap_or_default())
}

fn born(shapes: &[Shape], only: Option<u64>, seed: u64, trace: bool) -> World<'_> {
    if seed >= AIMED {
        return crate::aimed::world(seed, trace);
    }
    let mut rng = Rng::new(seed);
    let any = rng.pick(&shapes[..shape::DRAWN]);
    let shape = only.and_then(|at| shapes.get(at as usize)).unwrap_or(any);
    let (mut faults, mut aimed) = plan(&mut rng, shape);
    let rare = rare(seed, shape, &mut faults, &mut aimed);
    let mut world = World::new(shape, rng.next(), faults, aimed, trace, true);
    world.echoes = rare.echoes;
    world.scripted(rare.script);
    world
}

/// Why no world can come to a cell, if that is so; the saga's own tests come to all of a run's.
fn elsewhere(cell: AnyCell) -> Option<&'static str> {
    match cell {
        AnyCell::Saga(Cell::Run(state, input)) => run_elsewhere(state, input),
        AnyCell::Claim(ClaimState::Frozen, ClaimInput::Deadline) => Some(
            "what could be late again is not frozen any more: it thaws as soon as it has the right to act",
        ),
        AnyCell::Claim(ClaimState::Holding | ClaimState::Frozen, ClaimInput::Granted) => {
            Some("one transaction at a time: what takes a claim is answered before anything is read")
        }
        AnyCell::Claim(ClaimState::Idle | ClaimState::Frozen, ClaimInput::Read) => Some(
            "an answer restores nobody's runs but those of who restores or holds: to a claim that is lost or frozen no \
             read is told",
        ),
        AnyCell::Claim(ClaimState::Idle, ClaimInput::GaveUp) => {
            Some("with a claim whatever it had on its way is dropped, and nobody waits for that answer")
        }
        _ => None,
    }
}

fn run_elsewhere(state: RunState, input: RunInput) -> Option<&'static str> {
    match (state, input) {
        (
            RunState::Ended,
            RunInput::VerdictUp
            | RunInput::Changed
            | RunInput::ClaimLost
            | RunInput::Pause
            | RunInput::Reload
            | RunInput::Supersede,
        ) => Some("a run that has ended is carried no more: nothing but a person who names it can mean it"),
        (RunState::Ended, RunInput::Veto | RunInput::ApproveMatching | RunInput::ApproveMismatch) => {
            Some("a veto and a yes name no run: they mean what is asked, or what is under way")
        }
        (RunState::Ended, RunInput::RetryUndo | RunInput::SkipUndo) => {
            Some("of a run that is carried no more nobody knows whether it was being taken back")
        }
        (RunState::Starting, RunInput::VerdictUp | RunInput::Changed | RunInput::Supersede) => Some(
            "while a start is on its way no wish is looked at: what it compares says whether it still holds",
        ),
        (RunState::Draining | RunState::Undoing | RunState::Ending, RunInput::Supersede) => {
            Some("a run that is stopping already is waited for, and is not told to stop again")
        }
        _ => None,
    }
}

/// How often each rule was broken, and at which seeds first.
fn rules(broken: &[(u64, Vec<String>)]) {
    let mut rules: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (seed, told) in broken {
        let of = |line: &String| line.split(" at event ").next().unwrap_or_default().to_string();
        let mut each: Vec<String> = told.iter().map(of).collect();
        each.sort();
        each.dedup();
        for rule in each {
            rules.entry(rule).or_default().push(*seed);
        }
    }
    for (rule, seeds) in rules {
        let first: Vec<String> = seeds.iter().take(8).map(ToString::to_string).collect();
        println!("sim: {rule} in {} worlds: seeds {}", seeds.len(), first.join(" "));
    }
}

fn verdict(broken: &[(u64, Vec<String>)]) -> ExitCode {
    rules(broken);
    for (seed, broken) in broken.iter().take(20) {
        for what in broken.iter().take(2) {
            let what: String = what.chars().take(400).collect();
            println!("seed {seed}: {what}");
        }
    }
    if broken.iter().all(|(_, broken)| broken.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Sum {
    fn add(&mut self, seed: u64, checks: Checks) {
        let tally = checks.tally;
        self.worlds += 1;
        self.faulty += u64::from(!checks.calm());
        self.events += checks.out.events;
        self.with_runs += u64::from(tally.runs > 0 && !checks.calm());
        for (with, n) in self.with.iter_mut().zip([tally.takeovers, tally.undone, tally.held, tally.refused])
        {
            *with += u64::from(n > 0);
        }
        for (sum, one) in self.bit.iter_mut().zip(&checks.bit) {
            *sum += u64::from(*one > 0);
        }
        for (sum, one) in self.aimed.iter_mut().zip(checks.aimed) {
            *sum += u64::from(one > 0);
        }
        self.gates |= checks.gates;
        for (sum, one) in self.resumed.iter_mut().zip(checks.resumed) {
            *sum += one;
        }
        let all = &mut self.tally;
        all.runs += tally.runs;
        all.automatic += tally.automatic;
        all.refused += tally.refused;
        all.blocked += tally.blocked;
        all.takeovers += tally.takeovers;
        all.undone += tally.undone;
        all.held += tally.held;
        all.ended += tally.ended;
        all.pages += tally.pages;
        all.isolations += tally.isolations;
        all.asks += tally.asks;
        all.calls += tally.calls;
        all.replies += tally.replies;
        if !checks.out.broken.is_empty() {
            self.broken.push((seed, checks.out.broken));
        }
    }

    /// How many floors are not reached; each is printed.
    fn floors(&self) -> usize {
        let mut low = 0;
        let mut floor = |what: &str, is: bool, how: String| {
            low += usize::from(!is);
            println!("sim: floor {}: {what}: {how}", if is { "reached" } else { "MISSED" });
        };
        let missed = self.visits.missed().filter(|cell| elsewhere(*cell).is_none());
        let missed: Vec<String> = missed.map(|cell| cell.to_string()).collect();
        floor("every cell of the tables", missed.is_empty(), format!("never: {}", missed.join(", ")));
        let gates: Vec<&str> = Gate::ALL
            .iter()
            .filter(|gate| self.gates & u64::from(gate.bit()) == 0)
            .map(|gate| gate.word())
            .collect();
        floor("every gate refuses", gates.is_empty(), format!("never: {}", gates.join(", ")));
        let tame = KINDS.iter().zip(&self.bit).filter(|(_, n)| **n == 0).map(|(kind, _)| *kind);
        let tame: Vec<&str> =
            tame.chain(ACTS.iter().zip(self.aimed).filter(|(_, n)| *n == 0).map(|(act, _)| *act)).collect();
        floor("every fault bites", tame.is_empty(), format!("never: {}", tame.join(", ")));
        let words = ["start", "intent", "outcome", "end"];
        let never: Vec<&str> =
            words.iter().zip(self.resumed).filter(|(_, n)| *n == 0).map(|(word, _)| *word).collect();
        floor("runs are resumed after every durable write", never.is_empty(), format!("{:?}", self.resumed));
        let half = self.with_runs * 2 >= self.faulty;
        floor("runs in half of the faulty worlds", half, format!("{} of {}", self.with_runs, self.faulty));
        let [takeovers, undone, held, _] = self.with;
        for (what, n) in [("takeovers", takeovers), ("undone", undone), ("held", held)] {
            floor(
                &format!("{what} in one of a hundred worlds"),
                n * 100 >= self.worlds,
                format!("{n} of {}", self.worlds),
            );
        }
        low
    }

    fn tell(&self, from: u64, taken: Duration) {
        let all = &self.tally;
        println!(
            "sim: {} seeds from {from}, worlds of {} s: {} events, {} runs ({} by themselves, {} ended), {} calls, {} refused transactions, {} refusals, {} takeovers, {} undone, {} held, {} asks, {} isolations, {} pages, {} orders answered",
            self.worlds,
            LENGTH / 1_000_000,
            self.events,
            all.runs,
            all.automatic,
            all.ended,
            all.calls,
            all.refused,
            all.blocked,
            all.takeovers,
            all.undone,
            all.held,
            all.asks,
            all.isolations,
            all.pages,
            all.replies,
        );
        println!(
            "sim: {:.0} schedules a second, {} violations",
            self.worlds as f64 / taken.as_secs_f64(),
            self.broken.len()
        );
        let [takeovers, undone, held, refused] = self.with;
        println!(
            "sim: of {} faulty worlds {} had runs; takeovers in {takeovers}, undone in {undone}, held in {held}, refused transactions in {refused}",
            self.faulty, self.with_runs
        );
        let list = |words: &[&str], n: &[u64]| {
            let each: Vec<String> = words.iter().zip(n).map(|(word, n)| format!("{word} {n}")).collect();
            each.join(", ")
        };
        println!("sim: faults bit in so many worlds: {}", list(KINDS, &self.bit));
        println!("sim: aimed faults hit in so many worlds: {}", list(&ACTS, &self.aimed));
        let never: Vec<&str> = Gate::ALL
            .iter()
            .filter(|gate| self.gates & u64::from(gate.bit()) == 0)
            .map(|gate| gate.word())
            .collect();
        println!("sim: gates that blocked nothing: {}", never.join(", "));
    }
}
