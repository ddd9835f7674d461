//! What a service of a world is like: its probes, scenarios and plans. Only drafts; whatever is wrong with one is found
//! when the policy is built.

use watchkeeper_core::decide::Mode;
use watchkeeper_core::ids::{Name, PolicyHash};
use watchkeeper_core::plan::{Known, Site};
use watchkeeper_core::policy::{
    ComponentDraft, FailbackDraft, From, ProbeDraft, ScenarioDraft, ServiceDraft, WhenDraft, WitnessDraft,
};
use watchkeeper_core::severity::Objectives;
use watchkeeper_core::time::Span;
use watchkeeper_core::verdict::{Level, Role, Side, Tier};

use crate::plans;
use crate::shape::{name, region};

/// What a service is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// It keeps nothing.
    pub(crate) stateless: bool,
    /// Its failover names fences: stop the old side, else wait until it must have stopped itself.
    pub(crate) fenced: bool,
    /// Only the second of them.
    pub(crate) lapse_only: bool,
    /// People must agree.
    pub(crate) approve: bool,
    /// A front that fails is restarted in place first.
    pub(crate) repair: bool,
    /// Users are led by the traffic gate.
    pub(crate) gate: bool,
    /// It moves after the first service.
    pub(crate) depends: bool,
    /// A failover is announced first.
    pub(crate) veto: bool,
    /// A region that lost the role must be re-synced.
    pub(crate) rejoin: bool,
    /// A step that fails has what was done undone.
    pub(crate) undo: bool,
    /// Nearly everything stands in the way of its failover: a fence that only cuts, a step that needs the old side, an
    /// input that nobody gives; and one scenario only watches.
    pub(crate) odd: bool,
    /// Its failover has phases, each with a deadline: quick ones, or ones that outlast a call.
    pub(crate) phased: Option<bool>,
    /// Cooldown and quarantine are short, so that much happens in ten minutes.
    pub(crate) short: bool,
    /// Its scenarios only watch.
    pub(crate) observe: bool,
    /// It could go home soon, and nobody has asked for that.
    pub(crate) homing: bool,
    /// Its only fence closes the users' way, and no more.
    pub(crate) cut: bool,
    /// Before the promotion there is a second step that needs the first.
    pub(crate) chain: bool,
}

impl Recipe {
    /// It keeps data, and says why it may go on unfenced.
    pub(crate) fn plain() -> Recipe {
        Recipe::default()
    }

    pub(crate) fn fenced() -> Recipe {
        Recipe { fenced: true, ..Recipe::default() }
    }

    pub(crate) fn stateless() -> Recipe {
        Recipe { stateless: true, ..Recipe::default() }
    }

    /// What is between two automatic failovers at least.
    pub(crate) fn cooldown(&self) -> Span {
        if self.short { Span::mins(2) } else { Span::hours(1) }
    }
}

/// A service may lose so much by a failover that nobody approved.
pub(crate) const RPO: Span = Span::mins(3);
/// A database stops with its region's daemon when that has heard nothing for so long.
pub(crate) const LAPSE: u64 = 25_000_000;

/// Every probe of a service, in the order in which the world looks at what they see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The front: what users ask.
    Web,
    /// The database takes writes.
    Db,
    /// The standby could take over.
    Ready,
    /// How far the standby is behind.
    Lag,
    /// The standby still hears the primary.
    Hears,
}

pub(crate) const PROBES: [(&str, Kind); 5] = [
    ("db", Kind::Db),
    ("hears", Kind::Hears),
    ("lag", Kind::Lag),
    ("ready", Kind::Ready),
    ("web", Kind::Web),
];

/// What a probe of that name looks at.
pub(crate) fn kind(probe: &str) -> Kind {
    PROBES.iter().find(|(called, _)| *called == probe).expect("a probe").1
}

pub(crate) fn service(
    at: usize,
    recipe: &Recipe,
    regions: usize,
    hash: u128,
    observers: usize,
) -> ServiceDraft {
    let this = name(&format!("s{at}"));
    let regions: Vec<Name> = (0..regions).map(|r| name(&region(r))).collect();
    let mut draft = ServiceDraft::new(this.clone(), regions.clone());
    draft.hash = PolicyHash(hash);
    draft.stateless = recipe.stateless;
    draft.objectives = Objectives::both(Span::mins(15), RPO);
    draft.components = vec![ComponentDraft::new(name("front"))];
    draft.cooldown = recipe.cooldown();
    if recipe.short {
        (draft.quarantine, draft.stable) = (Span::mins(1), Span::mins(1));
        draft.failback = FailbackDraft { mode: Mode::Auto, after: Span::mins(2), plan: None };
    }
    if recipe.homing {
        (draft.quarantine, draft.stable) = (Span::mins(1), Span::mins(1));
        draft.failback = FailbackDraft { mode: Mode::Observe, after: Span::mins(2), plan: None };
    }
    if recipe.depends {
        draft.depends_on = vec![name("s0")];
    }
    let mut probes = vec![Kind::Web];
    if !recipe.stateless {
        draft.components.insert(0, ComponentDraft::new(name("data")));
        probes = vec![Kind::Db, Kind::Hears, Kind::Lag, Kind::Ready, Kind::Web];
    }
    let local = if observers > 1 { From::Local } else { From::All };
    let called = |kind: Kind| PROBES.iter().find(|(_, other)| *other == kind).expect("a probe").0;
    for &kind in &probes {
        let mut probe = ProbeDraft::new(name(called(kind)));
        match kind {
            Kind::Web => probe.component = Some(name("front")),
            Kind::Db => {
                probe.component = Some(name("data"));
                probe.role = Role::Active;
                probe.from = local.clone();
                probe.drift = true;
            }
            Kind::Ready | Kind::Lag | Kind::Hears => {
                probe.tier = if kind == Kind::Hears { Tier::Inform } else { Tier::Gate };
                probe.role = Role::Standby;
                probe.from = local.clone();
                probe.loss = kind == Kind::Lag;
                probe.witness_of = (kind == Kind::Hears).then_some(WitnessDraft::Active);
            }
        }
        draft.probes.push(probe);
    }
    draft.triggers = vec![name("signal")];
    let mut site = Site::new(this, &regions);
    site.stateless = recipe.stateless;
    let known = Known {
        probes: draft.probes.iter().map(|probe| probe.name.clone()).collect(),
        components: draft.components.iter().map(|component| component.name.clone()).collect(),
    };
    draft.plans = plans::all(recipe, &site, &known);
    if recipe.rejoin {
        draft.rejoin = Some(name("rejoin"));
    }
    draft.scenarios = scenarios(recipe);
    draft
}

fn scenarios(recipe: &Recipe) -> Vec<ScenarioDraft> {
    let mut all = Vec::new();
    for (called, level, held) in [("down", Level::Down, 60), ("gone", Level::Gone, 30)] {
        let mut scenario = ScenarioDraft::new(name(called));
        scenario.plan = Some(name("failover"));
        scenario.mode = match (recipe.approve, recipe.odd && level == Level::Gone) {
            (_, true) => Mode::Observe,
            _ if recipe.observe => Mode::Observe,
            (true, false) => Mode::Approve,
            (false, false) => Mode::Auto,
        };
        scenario.when =
            vec![WhenDraft { service: Some(level), held: Some(Span::secs(held)), ..WhenDraft::default() }];
        // The rung's own would allow far more.
        scenario.objectives = Objectives::both(Span::mins(15), RPO);
        scenario.veto = if recipe.veto { Span::secs(10) } else { Span::ZERO };
        scenario.approval_within = Span::secs(90);
        all.push(scenario);
    }
    if recipe.repair {
        let mut scenario = ScenarioDraft::new(name("sick"));
        scenario.plan = Some(name("restart"));
        scenario.mode = Mode::Auto;
        scenario.when = vec![WhenDraft { down: vec![name("web")], ..WhenDraft::default() }];
        // So long that a failover may overtake it.
        scenario.veto = if recipe.veto { Span::secs(75) } else { Span::ZERO };
        all.push(scenario);
    }
    let mut scenario = ScenarioDraft::new(name("told"));
    scenario.plan = Some(name("look"));
    scenario.mode = Mode::Auto;
    scenario.when =
        vec![WhenDraft { raised: vec![name("signal")], side: Side::Active, ..WhenDraft::default() }];
    all.push(scenario);
    all
}
