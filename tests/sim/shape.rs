//! The worlds that a seed can choose from: how many observers, where they stand, which services. Built once; a world
//! takes its policies from here and changes nothing in them.

use std::sync::Arc;

use watchkeeper_core::decide::{Limits, Mode};
use watchkeeper_core::health::self_trust;
use watchkeeper_core::ids::Name;
use watchkeeper_core::plan::PlanHash;
use watchkeeper_core::policy::{ObserverDraft, PlanPolicy, Policy, PolicyDraft, SessionTerms};
use watchkeeper_core::time::Span;

use crate::plans;
use crate::recipe::{self, Recipe};

/// Reference points of every observer.
pub(crate) const REFERENCES: usize = 3;

/// How many observers in which places, and which services.
pub(crate) struct Shape {
    pub(crate) observers: usize,
    pub(crate) services: usize,
    pub(crate) regions: usize,
    /// By service.
    pub(crate) recipes: Vec<Recipe>,
    /// Automatic failovers over all services, and in how long.
    pub(crate) limits: Limits,
    /// By observer.
    pub(crate) policies: Vec<Arc<Policy>>,
    /// By service, then plan: the hash of each of its cases, worked out from what they say.
    pub(crate) hashes: Vec<Vec<Vec<PlanHash>>>,
    /// The same with another hash: a daemon whose config was changed.
    pub(crate) others: Vec<Arc<Policy>>,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn region(at: usize) -> String {
    format!("r{at}")
}

/// Which region that is.
pub(crate) fn place(region: &str) -> Option<usize> {
    region.strip_prefix('r')?.parse().ok()
}

/// Seeds draw from so many; what comes after is for measuring, by `--shape`.
pub(crate) const DRAWN: usize = 17;

/// All shapes. The first are as an owner would write them; the later ones have every odd rule in them.
pub(crate) fn all() -> Vec<Shape> {
    let plain = Recipe::plain();
    let fenced = Recipe::fenced();
    let lists: Vec<(usize, usize, Vec<Recipe>)> = vec![
        (3, 2, vec![plain]),
        (3, 2, vec![fenced]),
        (3, 2, vec![Recipe { approve: true, ..fenced }]),
        (3, 2, vec![Recipe { repair: true, ..fenced }]),
        (3, 2, vec![Recipe { lapse_only: true, repair: true, short: true, ..fenced }]),
        (3, 2, vec![Recipe { gate: true, ..fenced }]),
        (3, 2, vec![plain, Recipe { depends: true, ..fenced }]),
        (3, 3, vec![fenced, Recipe { depends: true, ..plain }, Recipe::stateless()]),
        (3, 2, vec![Recipe { veto: true, short: true, rejoin: true, ..fenced }]),
        (3, 2, vec![Recipe { undo: true, short: true, phased: Some(false), ..fenced }]),
        (1, 2, vec![Recipe { short: true, phased: Some(true), ..plain }]),
        (3, 2, vec![Recipe { odd: true, repair: true, short: true, ..fenced }]),
        (5, 2, vec![fenced]),
        (5, 3, vec![Recipe { repair: true, rejoin: true, short: true, ..fenced }, Recipe::stateless()]),
        (7, 2, vec![fenced, plain]),
        (3, 2, vec![Recipe { veto: true, repair: true, short: true, phased: Some(true), ..plain }]),
        (3, 2, vec![Recipe { approve: true, undo: true, rejoin: true, short: true, ..plain }]),
        // As the first two, with seven observers: what more observers cost, and nothing else.
        (7, 2, vec![plain]),
        (7, 2, vec![fenced]),
    ];
    lists.into_iter().map(|(observers, regions, recipes)| Shape::new(observers, regions, recipes)).collect()
}

impl Shape {
    pub(crate) fn new(observers: usize, regions: usize, recipes: Vec<Recipe>) -> Shape {
        let limits = if recipes.len() > 2 {
            Limits { failovers: 2, within: Span::mins(8), parallel_runs: 2 }
        } else {
            Limits::DEFAULT
        };
        let services = |hash: u128| recipes.iter().enumerate().map(move |(at, recipe)| (at, recipe, hash));
        let build = |me: usize, hash: u128| {
            let draft = PolicyDraft {
                me: name(&format!("o{me}")),
                mode: Mode::Auto,
                regions: Vec::new(),
                observers: (0..observers).map(|o| observer(o, observers, regions)).collect(),
                self_trust: self_trust::Settings::majority_of(REFERENCES as u8),
                limits,
                ask: Span::secs(5),
                session: SessionTerms::DEFAULT,
                services: services(hash)
                    .map(|(at, recipe, hash)| recipe::service(at, recipe, regions, hash, observers))
                    .collect(),
            };
            Arc::new(Policy::build(draft).expect("a policy"))
        };
        let policies: Vec<Arc<Policy>> = (0..observers).map(|me| build(me, 1)).collect();
        let cases = |plan: &PlanPolicy| plan.set.plans().map(|plan| plans::hash(plan)).collect();
        let hashes = policies[0].services.iter().map(|service| service.plans.iter().map(cases).collect());
        Shape {
            observers,
            services: recipes.len(),
            regions,
            limits,
            hashes: hashes.collect(),
            policies,
            others: (0..observers).map(|me| build(me, 2)).collect(),
            recipes,
        }
    }

    /// So many observers may be faulty.
    pub(crate) fn tolerated(&self) -> usize {
        (self.observers - 1) / 2
    }

    pub(crate) fn majority(&self) -> usize {
        self.observers / 2 + 1
    }

    /// In which region an observer stands, if in one.
    pub(crate) fn stands_in(&self, observer: usize) -> Option<usize> {
        (self.observers > 1 && observer < self.regions).then_some(observer)
    }
}

/// The first observers stand in the regions, the others in places of their own; a lone one, too.
fn observer(at: usize, all: usize, regions: usize) -> ObserverDraft {
    let place = if all > 1 && at < regions { region(at) } else { format!("place{at}") };
    ObserverDraft { name: name(&format!("o{at}")), region: name(&place), witness: at >= 4 }
}
