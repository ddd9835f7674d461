//! All cases of one plan, and the door through which plans enter the core.
//!
//! The hash of a case is made at the edge over its preview; here it is only kept and compared.

use super::check::check;
use super::compile::compile;
use super::draft::PlanDraft;
use super::flaw::{CaseName, Fault, Flaw};
use super::runnable::Plan;
use super::site::{Case, Known, Site};
use super::step::PlanKind;
use super::text::Raw;
use super::{MOST_FLAWS, MOST_REGIONS};
use crate::ids::{Name, RegionPos};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A hash over a plan's preview; the core only compares it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanHash(pub [u8; 32]);

/// One plan of a service, compiled for each case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSet {
    /// What it is called.
    pub name: Name,
    /// What people call it, without a case.
    pub title: Raw,
    /// One sentence for 3 a.m., without a case.
    pub text: Option<Raw>,
    /// What it is for.
    pub kind: PlanKind,
    regions: usize,
    /// By (from, to), or by region; none where both are the same.
    cases: Vec<Option<(Arc<Plan>, Option<PlanHash>)>>,
}

/// Compiles and checks a plan for every case; the flaws of all cases come at once, each once.
pub fn plan_set(
    draft: &PlanDraft,
    drafts: &[PlanDraft],
    site: &Site,
    known: &Known,
) -> Result<PlanSet, Vec<Flaw>> {
    let regions = site.regions.len();
    let mut all = Gathered { flaws: Vec::new(), cases: 0 };
    let mut alone = |key: &str, fault: Fault| {
        let key = (!key.is_empty()).then(|| Arc::from(key));
        all.flaws.push(Flaw { plan: draft.name.clone(), step: None, key, fault, cases: Vec::new() });
    };
    if drafts.iter().filter(|other| other.name == draft.name).count() > 1 {
        alone("", Fault::Twice { what: "plans", name: draft.name.clone() });
    }
    if regions > MOST_REGIONS {
        alone("", Fault::TooMany { what: "regions", most: MOST_REGIONS });
        return Err(all.flaws);
    }
    let least = if draft.kind == PlanKind::Failover { 2 } else { 1 };
    if regions < least {
        alone("kind", Fault::TooFewRegions { regions });
    }
    let mut cases = Vec::new();
    for case in cases_of(draft.kind, regions) {
        let made =
            case.map(|case| check(compile(draft, drafts, site, case), known).map_err(|flaws| (case, flaws)));
        cases.push(match made {
            None => None,
            Some(Ok(plan)) => {
                all.cases += 1;
                Some((plan, None))
            }
            Some(Err((case, flaws))) => {
                all.gather(site, case, flaws);
                None
            }
        });
    }
    if all.flaws.is_empty() {
        let title = draft.title.clone().unwrap_or_else(|| Raw::plain(draft.name.as_str()));
        Ok(PlanSet {
            name: draft.name.clone(),
            title,
            text: draft.text.clone(),
            kind: draft.kind,
            regions,
            cases,
        })
    } else {
        Err(all.finish())
    }
}

fn cases_of(kind: PlanKind, regions: usize) -> impl Iterator<Item = Option<Case>> {
    let moves = kind == PlanKind::Failover;
    (0..if moves { regions * regions } else { regions }).map(move |i| {
        let pair = (RegionPos::at(i / regions), RegionPos::at(i % regions));
        match pair {
            (from, to) if moves => (from != to).then_some(Case::Move { from, to }),
            (_, at) => Some(Case::At(at)),
        }
    })
}

/// The flaws of all cases so far.
struct Gathered {
    flaws: Vec<Flaw>,
    cases: usize,
}

impl Gathered {
    fn gather(&mut self, site: &Site, case: Case, flaws: Vec<Flaw>) {
        self.cases += 1;
        let name = |pos| site.region(pos).map(|region| region.name.clone());
        let Some(at) = name(case.acts_in()) else { return };
        let case = CaseName { from: case.from().and_then(name), at };
        for flaw in flaws {
            let same = |known: &&mut Flaw| {
                (&known.plan, &known.step, &known.key, &known.fault)
                    == (&flaw.plan, &flaw.step, &flaw.key, &flaw.fault)
            };
            let full = self.flaws.len() >= MOST_FLAWS;
            match self.flaws.iter_mut().find(same) {
                Some(known) => known.cases.push(case.clone()),
                None if full => {}
                None => self.flaws.push(Flaw { cases: alloc::vec![case.clone()], ..flaw }),
            }
        }
    }

    /// A flaw of every case needs none named.
    fn finish(mut self) -> Vec<Flaw> {
        for flaw in &mut self.flaws {
            if flaw.cases.len() == self.cases {
                flaw.cases.clear();
            }
        }
        self.flaws
    }
}

impl PlanSet {
    fn at_case(&self, case: Case) -> Option<&(Arc<Plan>, Option<PlanHash>)> {
        let moves = self.kind == PlanKind::Failover;
        let place = match case {
            Case::Move { from, to } if moves && to.index() < self.regions => {
                from.index() * self.regions + to.index()
            }
            Case::At(at) if !moves => at.index(),
            Case::Move { .. } | Case::At(_) => return None,
        };
        self.cases.get(place)?.as_ref()
    }

    /// The plan for one case.
    #[must_use]
    pub fn plan(&self, case: Case) -> Option<&Arc<Plan>> {
        self.at_case(case).map(|(plan, _)| plan)
    }

    /// The failover from one region to another.
    #[must_use]
    pub fn case(&self, from: RegionPos, to: RegionPos) -> Option<&Arc<Plan>> {
        self.plan(Case::Move { from, to })
    }

    /// A plan of another kind, as it acts in one region.
    #[must_use]
    pub fn at(&self, region: RegionPos) -> Option<&Arc<Plan>> {
        self.plan(Case::At(region))
    }

    /// Every case.
    pub fn plans(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.cases.iter().flatten().map(|(plan, _)| plan)
    }

    /// The same with the hash of each case, as the edge makes it.
    #[must_use]
    pub fn hashed(mut self, mut hash: impl FnMut(&Plan) -> PlanHash) -> PlanSet {
        for (plan, kept) in self.cases.iter_mut().flatten() {
            *kept = Some(hash(plan));
        }
        self
    }

    /// The hash of one case, if the edge has given it.
    #[must_use]
    pub fn hash(&self, case: Case) -> Option<PlanHash> {
        self.at_case(case).and_then(|(_, hash)| *hash)
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
