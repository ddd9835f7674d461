//! What a draft becomes, and what is refused: every flaw by a draft that has it, and all of them at once.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::decide::Mode;
use crate::plan::{
    ActionDraft, ActsAs, BodyDraft, Known, PlanDraft, PlanKind, PlanSet, Raw, Site, StepDraft, plan_set,
};
use crate::policy::SessionTerms;
use crate::severity::ladder::NotALadder;
use crate::severity::{Impact, Preset};
use crate::verdict::condition::NotACondition;
use crate::verdict::standing::ComponentPart;
use crate::verdict::{Clause, DownRule, Level, Part, Role, Side, Tier, WitnessOf};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|text| name(text)).collect()
}

fn observer(of: &str, region: &str) -> ObserverDraft {
    ObserverDraft { name: name(of), region: name(region), witness: false }
}

fn whole(services: Vec<ServiceDraft>) -> PolicyDraft {
    PolicyDraft {
        me: name("virginia"),
        mode: Mode::Auto,
        regions: vec![],
        observers: vec![observer("virginia", "east"), observer("oregon", "west"), observer("ohio", "third")],
        self_trust: self_trust::Settings::majority_of(3),
        limits: Limits::DEFAULT,
        ask: Span::secs(5),
        session: SessionTerms::DEFAULT,
        services,
    }
}

fn plan(of: &str, kind: PlanKind) -> PlanSet {
    let mut plan = PlanDraft::new(name(of), kind);
    let mut action = ActionDraft::new(name("dns"));
    action.acts_as = if kind == PlanKind::Failover { ActsAs::Routes } else { ActsAs::Other };
    plan.steps.push(StepDraft::new(name("dns"), BodyDraft::Action(action)));
    plan.unfenced = (kind == PlanKind::Failover).then(|| Raw::parse("it keeps nothing").unwrap());
    let mut site = Site::new(name("shop"), &names(&["east", "west"]));
    site.stateless = true;
    let known = Known { probes: names(&["web", "disk", "lag"]).into_iter().collect(), components: [].into() };
    plan_set(&plan, &[], &site, &known).unwrap()
}

/// Two regions, one probe, a failover and a scenario that wants it.
fn shop() -> ServiceDraft {
    let mut shop = ServiceDraft::new(name("shop"), names(&["east", "west"]));
    shop.stateless = true;
    shop.probes.push(ProbeDraft::new(name("web")));
    shop.plans.push(plan("failover", PlanKind::Failover));
    let mut down = ScenarioDraft::new(name("down"));
    (down.plan, down.mode) = (Some(name("failover")), Mode::Auto);
    shop.scenarios.push(down);
    shop
}

fn shop_with(change: impl FnOnce(&mut ServiceDraft)) -> ServiceDraft {
    let mut shop = shop();
    change(&mut shop);
    shop
}

fn built(shop: ServiceDraft) -> Arc<ServicePolicy> {
    let policy = Policy::build(whole(vec![shop])).unwrap();
    Arc::clone(&policy.services[0])
}

fn flaws(change: impl FnOnce(&mut ServiceDraft)) -> Vec<Flaw> {
    Policy::build(whole(vec![shop_with(change)])).unwrap_err()
}

fn missing(by: &str, what: What, of: &str) -> Vec<Flaw> {
    vec![Flaw::Missing { service: Some(name("shop")), by: name(by), what, name: name(of) }]
}

fn when(change: impl FnOnce(&mut WhenDraft)) -> Vec<WhenDraft> {
    let mut when = WhenDraft::default();
    change(&mut when);
    vec![when]
}

#[test]
fn names_become_places() {
    let shop = built(shop_with(|shop| {
        let mut db = ComponentDraft::new(name("db"));
        db.depends_on = names(&["disk"]);
        shop.components = vec![db, ComponentDraft::new(name("disk"))];
        let mut local = ProbeDraft::new(name("pg"));
        (local.component, local.from, local.parent) = (Some(name("db")), From::Local, Some(name("web")));
        let mut bucket = ProbeDraft::new(name("bucket"));
        (bucket.role, bucket.from) = (Role::Service, From::Named(names(&["oregon", "ohio"])));
        let mut wal = ProbeDraft::new(name("wal"));
        (wal.tier, wal.regions, wal.witness_of) =
            (Tier::Inform, Some(names(&["west"])), Some(WitnessDraft::Region(name("east"))));
        shop.probes.extend([local, bucket, wal]);
        shop.triggers = names(&["alarm"]);
    }));
    assert_eq!(shop.parts.order, [ComponentPos::at(1), ComponentPos::at(0)], "each after what it depends on");
    assert_eq!(shop.parts.own, [ProbePos::at(0), ProbePos::at(2)]);
    let ComponentPart { members, counts, .. } = &shop.parts.components[0];
    assert_eq!((&members[..], *counts), (&[ProbePos::at(1)][..], true));
    assert!(!shop.parts.components[1].counts, "it has no probe");
    let cell = |probe, region| shop.cell(probe, region).map(|cell| shop.parts.cells[cell.index()]);
    // Observers stand by name: ohio, oregon, virginia.
    let who = |list: &[usize]| list.iter().fold(Observers::NONE, |set, &i| set.and(ObserverPos::at(i)));
    assert_eq!(cell("web", Some("west")).map(|c| (c.viewers, c.wide)), Some((who(&[0, 1, 2]), true)));
    assert_eq!(cell("pg", Some("east")).map(|c| (c.viewers, c.wide)), Some((who(&[2]), false)));
    assert_eq!(cell("bucket", None).map(|c| (c.viewers, c.wide, c.region)), Some((who(&[0, 1]), true, None)));
    assert_eq!(
        (cell("bucket", Some("east")), cell("wal", Some("east")), cell("web", None)),
        (None, None, None)
    );
    assert_eq!((cell("web", Some("mars")), cell("nothing", None)), (None, None));
    assert_eq!(shop.parts.probes[3].witness_of, Some(WitnessOf::Region(RegionPos::at(0))));
    assert_eq!(*shop.probes[0].children, [ProbePos::at(1)]);
    assert_eq!(shop.probes[1].parent, Some(ProbePos::at(0)));
    assert_eq!(
        (shop.trigger("alarm"), shop.component("disk"), shop.plan("failover"), shop.scenario("up")),
        (Some(TriggerPos::at(0)), Some(ComponentPos::at(1)), Some(PlanPos::at(0)), None)
    );
    assert_eq!((shop.region_name(RegionPos::at(1)), shop.region_name(RegionPos::at(7))), ("west", "nowhere"));
    assert_eq!(shop.worst_detection(), Some(Span::secs(16)));
}

#[test]
fn what_is_not_written_is_configs_default() {
    let first = |change: &dyn Fn(&mut ScenarioDraft)| -> Clause {
        let shop = shop_with(|shop| {
            shop.plans.push(plan("restart", PlanKind::Repair));
            change(&mut shop.scenarios[0]);
        });
        built(shop).scenarios[0].when.clauses()[0].clone()
    };
    let down = Clause::service_at_least(Level::Down);
    assert_eq!(first(&|_| {}), down.clone().held_for(Span::secs(60)), "an automatic failover");
    assert_eq!(first(&|s| s.mode = Mode::Approve), down);
    assert_eq!(first(&|s| s.plan = Some(name("restart"))), down);
    assert_eq!(first(&|s| s.plan = None), down);
    let said = |held: Option<u64>| {
        first(&|s| s.when = when(|w| (w.service, w.held) = (Some(Level::Gone), held.map(Span::secs))))
    };
    assert_eq!(said(None).held, Span::secs(60));
    assert_eq!(said(Some(0)).held, Span::ZERO);
    let rung = built(shop_with(|shop| {
        shop.rungs[0].when = When::Written(when(|w| w.service = Some(Level::Trouble)));
        shop.rungs[1].when = When::Never;
    }));
    let rungs = rung.ladder.rungs();
    assert_eq!(rungs[0].when.as_ref().map(|w| w.clauses()[0].held), Some(Span::ZERO));
    assert_eq!(rungs[1].when, None);
    assert_eq!(rung.clauses, 1 + 1 + 2 + 1, "one, none, `l2`, the two of `l1`, and the scenario's");
}

#[test]
fn regions_and_observers_stand_by_name_and_undeclared_regions_have_defaults() {
    let mut draft = whole(vec![shop()]);
    draft.regions = vec![RegionDraft { name: name("west"), lost_at: 80 }];
    draft.observers[2].witness = true;
    let policy = Policy::build(draft).unwrap();
    let regions: Vec<_> = policy.regions.iter().map(|r| (r.name.as_str(), r.lost_at)).collect();
    assert_eq!(regions, [("east", 50), ("west", 80)]);
    assert_eq!((policy.observer_name(policy.me), policy.everybody().count()), ("virginia", 3));
    assert_eq!(policy.observer(&name("oregon")), Some(ObserverPos::at(1)));
    assert_eq!(
        (policy.observer(&name("nobody")), policy.observer_name(ObserverPos::at(9))),
        (None, "somebody")
    );
    assert!(!policy.am_witness());
    assert!(policy.service(&name("shop")).is_some() && policy.service(&name("till")).is_none());
}

#[test]
fn a_plan_requires_all_gate_probes_and_loses_by_all_loss_probes_unless_it_names_them() {
    let of = |change: &dyn Fn(&mut PlanDraft)| {
        let mut draft = PlanDraft::new(name("restart"), PlanKind::Repair);
        let action = ActionDraft::new(name("kick"));
        draft.steps.push(StepDraft::new(name("kick"), BodyDraft::Action(action)));
        change(&mut draft);
        let site = Site::new(name("shop"), &names(&["east", "west"]));
        let known =
            Known { probes: names(&["web", "disk", "lag"]).into_iter().collect(), components: [].into() };
        let set = plan_set(&draft, &[], &site, &known).unwrap();
        let shop = built(shop_with(|shop| {
            let (mut disk, mut lag) = (ProbeDraft::new(name("disk")), ProbeDraft::new(name("lag")));
            disk.tier = Tier::Gate;
            (lag.tier, lag.loss) = (Tier::Inform, true);
            shop.probes.extend([disk, lag]);
            shop.plans.push(set);
        }));
        let plan = &shop.plans[shop.plan("restart").unwrap().index()];
        let index = |list: &[ProbePos]| list.iter().map(|p| p.index()).collect::<Vec<_>>();
        (index(&plan.requires), index(&plan.loss), plan.loses)
    };
    assert_eq!(of(&|_| {}), (vec![1], vec![2], false));
    assert_eq!(of(&|p| p.requires = Some(names(&["web"]))), (vec![0], vec![2], false));
    assert_eq!(of(&|p| p.loss_from = Some(names(&["web", "lag"]))), (vec![1], vec![0, 2], true));
    // What is asked of a standby is what a region lacks that is to become one.
    assert_eq!(of(&|p| p.kind = PlanKind::Rejoin), (vec![], vec![2], false));
    let named = |p: &mut PlanDraft| (p.kind, p.requires) = (PlanKind::Rejoin, Some(names(&["disk"])));
    assert_eq!(of(&named), (vec![1], vec![2], false));
}

#[test]
fn two_of_one_name() {
    let twice = |what, of: &str| vec![Flaw::Twice(what, name(of))];
    assert_eq!(flaws(|s| s.probes.push(ProbeDraft::new(name("web")))), twice(What::Part, "web"));
    assert_eq!(flaws(|s| s.components.push(ComponentDraft::new(name("web")))), twice(What::Part, "web"));
    assert_eq!(flaws(|s| s.triggers = names(&["web"])), twice(What::Part, "web"));
    assert_eq!(flaws(|s| s.scenarios.push(ScenarioDraft::new(name("down")))), twice(What::Scenario, "down"));
    assert_eq!(flaws(|s| s.plans.push(plan("failover", PlanKind::Failover))), twice(What::Plan, "failover"));
    assert_eq!(flaws(|s| s.regions.push(name("west"))), twice(What::Region, "west"));
    assert_eq!(Policy::build(whole(vec![shop(), shop()])).unwrap_err(), twice(What::Service, "shop"));
    let mut draft = whole(vec![shop()]);
    draft.observers.push(observer("ohio", "east"));
    draft.regions =
        vec![RegionDraft { name: name("x"), lost_at: 1 }, RegionDraft { name: name("x"), lost_at: 2 }];
    assert_eq!(
        Policy::build(draft).unwrap_err(),
        [Flaw::Twice(What::Observer, name("ohio")), Flaw::Twice(What::Region, name("x"))]
    );
}

#[test]
fn whatever_is_named_must_exist() {
    let scenario = |change: &dyn Fn(&mut ScenarioDraft)| flaws(|s| change(&mut s.scenarios[0]));
    let probe = |change: &dyn Fn(&mut ProbeDraft)| flaws(|s| change(&mut s.probes[0]));
    assert_eq!(probe(&|p| p.component = Some(name("db"))), missing("web", What::Component, "db"));
    assert_eq!(probe(&|p| p.parent = Some(name("ping"))), missing("web", What::Probe, "ping"));
    assert_eq!(probe(&|p| p.regions = Some(names(&["mars"]))), missing("web", What::Region, "mars"));
    assert_eq!(
        probe(&|p| p.witness_of = Some(WitnessDraft::Region(name("mars")))),
        missing("web", What::Region, "mars")
    );
    // Once for each region in which it runs, since that is how often it was looked for.
    assert_eq!(
        probe(&|p| p.from = From::Named(names(&["texas"])))[..1],
        missing("web", What::Observer, "texas")
    );
    assert_eq!(scenario(&|s| s.plan = Some(name("fly"))), missing("down", What::Plan, "fly"));
    assert_eq!(scenario(&|s| s.severity = Some(name("l9"))), missing("down", What::Rung, "l9"));
    assert_eq!(scenario(&|s| s.over = names(&["up"])), missing("down", What::Scenario, "up"));
    let cond = |change: &dyn Fn(&mut WhenDraft)| scenario(&|s| s.when = when(change));
    assert_eq!(cond(&|w| w.down = names(&["db"])), missing("down", What::Part, "db"));
    assert_eq!(cond(&|w| w.slow = names(&["db"])), missing("down", What::Part, "db"));
    assert_eq!(cond(&|w| w.up = names(&["db"])), missing("down", What::Part, "db"));
    assert_eq!(cond(&|w| w.raised = names(&["bell"])), missing("down", What::Trigger, "bell"));
    assert_eq!(cond(&|w| w.tried = names(&["fly"])), missing("down", What::Plan, "fly"));
    let on = |s: &mut ServiceDraft| {
        let mut db = ComponentDraft::new(name("db"));
        db.depends_on = names(&["disk"]);
        s.components.push(db);
    };
    assert_eq!(flaws(on), missing("db", What::Component, "disk"));
    assert_eq!(
        flaws(|s| s.depends_on = names(&["till"])),
        [Flaw::Missing { service: None, by: name("shop"), what: What::Service, name: name("till") }]
    );
}

#[test]
fn a_plan_that_names_a_probe_of_another_policy() {
    let mut draft = PlanDraft::new(name("restart"), PlanKind::Repair);
    draft.steps.push(StepDraft::new(name("kick"), BodyDraft::Action(ActionDraft::new(name("kick")))));
    draft.requires = Some(names(&["gone"]));
    let site = Site::new(name("shop"), &names(&["east", "west"]));
    let known = Known { probes: names(&["gone"]).into_iter().collect(), components: [].into() };
    let set = plan_set(&draft, &[], &site, &known).unwrap();
    assert_eq!(flaws(|s| s.plans.push(set)), missing("restart", What::Probe, "gone"));
}

#[test]
fn the_daemon_itself() {
    let of = |change: &dyn Fn(&mut PolicyDraft)| {
        let mut draft = whole(vec![shop()]);
        change(&mut draft);
        Policy::build(draft).unwrap_err()
    };
    assert_eq!(of(&|d| d.me = name("texas")), [Flaw::WhoAmI(name("texas"))]);
    assert_eq!(of(&|d| d.observers.clear()), [Flaw::Observers(0), Flaw::WhoAmI(name("virginia"))]);
    let many = |n: usize| (0..n).map(|i| observer(&alloc::format!("o{i}"), "east")).collect::<Vec<_>>();
    let with = |n: usize| {
        let mut draft = whole(vec![]);
        (draft.observers, draft.me) = (many(n), name("o0"));
        Policy::build(draft).map(|policy| policy.everybody().count())
    };
    assert_eq!(with(32), Ok(32));
    assert_eq!(with(33), Err(vec![Flaw::Observers(33)]));
    for share in [0, 101] {
        let lost_at =
            |d: &mut PolicyDraft| d.regions = vec![RegionDraft { name: name("east"), lost_at: share }];
        assert_eq!(of(&lost_at), [Flaw::LostAt(name("east"), share)]);
    }
}

#[test]
fn circles_and_what_cannot_be_seen_or_counted() {
    assert_eq!(
        flaws(|s| {
            s.regions.clear();
            s.plans.clear();
            s.scenarios.clear();
        }),
        [Flaw::NoRegion(name("shop"))]
    );
    let many = (0..1_001).map(|i| name(&alloc::format!("t{i}"))).collect::<Vec<_>>();
    let too_many = |what, most| vec![Flaw::TooMany { service: name("shop"), what, most }];
    assert_eq!(flaws(|s| s.triggers = many.clone()), too_many(What::Trigger, 1_000));
    assert_eq!(flaws(|s| s.regions.extend(many[..40].iter().cloned())), too_many(What::Region, 32));
    let circle =
        |what, list: &[&str]| vec![Flaw::Circle { service: Some(name("shop")), what, names: names(list) }];
    let components = |s: &mut ServiceDraft| {
        for (of, on) in [("a", "b"), ("b", "c"), ("c", "b")] {
            let mut component = ComponentDraft::new(name(of));
            component.depends_on = names(&[on]);
            s.components.push(component);
        }
    };
    assert_eq!(flaws(components), circle(What::Component, &["b", "c", "b"]));
    assert_eq!(flaws(|s| s.probes[0].parent = Some(name("web"))), circle(What::Probe, &["web", "web"]));
    let mut till = ServiceDraft::new(name("till"), names(&["east"]));
    till.depends_on = names(&["shop"]);
    let both = vec![shop_with(|s| s.depends_on = names(&["till"])), till];
    assert_eq!(
        Policy::build(whole(both)).unwrap_err(),
        [Flaw::Circle { service: None, what: What::Service, names: names(&["shop", "till", "shop"]) }]
    );
    let local = |s: &mut ServiceDraft| (s.probes[0].role, s.probes[0].from) = (Role::Service, From::Local);
    assert_eq!(flaws(local), [Flaw::LocalNowhere(name("shop"), name("web"))]);
    let rule = |asked, there| vec![Flaw::DownRule { service: name("shop"), component: None, asked, there }];
    assert_eq!(flaws(|s| s.down_when = DownRule::AtLeast(2)), rule(2, 1));
    assert_eq!(flaws(|s| s.down_when = DownRule::AtLeast(0)), rule(0, 1));
    let of = |s: &mut ServiceDraft| {
        let mut db = ComponentDraft::new(name("db"));
        db.down_when = DownRule::AtLeast(1);
        s.components.push(db);
    };
    let component = Some(name("db"));
    assert_eq!(flaws(of), [Flaw::DownRule { service: name("shop"), component, asked: 1, there: 0 }]);
}

#[test]
fn ladders_and_conditions_that_are_none() {
    assert_eq!(flaws(|s| s.rungs.clear()), [Flaw::Ladder(name("shop"), NotALadder::Rungs(0))]);
    let twice = flaws(|s| s.rungs.extend(RungDraft::preset(Preset::Level)));
    assert_eq!(twice, [Flaw::Ladder(name("shop"), NotALadder::Twice(name("l4")))]);
    let none = |of: &str, why| vec![Flaw::Condition { service: name("shop"), of: name(of), why }];
    assert_eq!(flaws(|s| s.scenarios[0].when = when(|_| {})), none("down", NotACondition::AsksNothing(0)));
    assert_eq!(flaws(|s| s.rungs[0].when = When::Written(vec![])), none("l4", NotACondition::Empty));
    let few = |w: &mut WhenDraft| (w.down, w.at_least) = (names(&["web"]), Some(2));
    assert_eq!(flaws(|s| s.scenarios[0].when = when(few)), none("down", NotACondition::AtLeast(0)));
    let never = |role: Role, side: Side| {
        flaws(|s| {
            s.probes[0].role = role;
            s.scenarios[0].when = when(|w| (w.down, w.side) = (names(&["web"]), side));
        })
    };
    let flaw = [Flaw::NeverThere { service: name("shop"), of: name("down"), probe: name("web") }];
    assert_eq!(never(Role::Active, Side::Standby), flaw);
    assert_eq!(never(Role::Standby, Side::Active), flaw);
    for (role, side) in
        [(Role::Active, Side::Active), (Role::Standby, Side::Standby), (Role::Each, Side::Standby)]
    {
        let fits = shop_with(|s| {
            s.probes[0].role = role;
            s.scenarios[0].when = when(|w| (w.down, w.side) = (names(&["web"]), side));
        });
        assert_eq!(built(fits).scenarios[0].when.clauses()[0].down, [Part::Probe(ProbePos::at(0))]);
    }
}

#[test]
fn all_that_is_wrong_is_reported_at_once_and_in_words() {
    let mut draft = whole(vec![shop_with(|s| {
        s.depends_on = names(&["till"]);
        s.probes.push(ProbeDraft::new(name("web")));
        s.probes[0].component = Some(name("db"));
        s.triggers = (0..1_001).map(|i| name(&alloc::format!("t{i}"))).collect();
        s.down_when = DownRule::AtLeast(7);
        s.rungs.clear();
        s.scenarios[0].over = names(&["up"]);
        s.scenarios[0].when = when(|_| {});
        let mut bucket = ProbeDraft::new(name("bucket"));
        (bucket.role, bucket.from) = (Role::Service, From::Local);
        bucket.parent = Some(name("bucket"));
        s.probes.push(bucket);
        let mut wal = ProbeDraft::new(name("wal"));
        wal.role = Role::Standby;
        s.probes.push(wal);
        let mut other = ScenarioDraft::new(name("other"));
        other.when = when(|w| w.down = names(&["wal"]));
        s.scenarios.push(other);
        s.rejoin = s.plans.first().map(|plan| plan.name.clone());
    })]);
    draft.me = name("texas");
    draft.observers.clear();
    draft.regions = vec![RegionDraft { name: name("east"), lost_at: 0 }];
    draft.services.push(ServiceDraft::new(name("till2"), vec![]));
    let flaws = Policy::build(draft).unwrap_err();
    let kind = |flaw: &Flaw| match flaw {
        Flaw::Twice(..) => 0,
        Flaw::Missing { .. } => 1,
        Flaw::WhoAmI(_) => 2,
        Flaw::Observers(_) => 3,
        Flaw::LostAt(..) => 4,
        Flaw::NoRegion(_) => 5,
        Flaw::TooMany { .. } => 6,
        Flaw::Circle { .. } => 7,
        Flaw::LocalNowhere(..) => 8,
        Flaw::Ladder(..) => 9,
        Flaw::Condition { .. } => 10,
        Flaw::NeverThere { .. } => 11,
        Flaw::DownRule { .. } => 12,
        Flaw::WrongKind { .. } => 13,
    };
    for wanted in 0..14 {
        assert!(flaws.iter().any(|flaw| kind(flaw) == wanted), "no flaw of kind {wanted}: {flaws:#?}");
    }
    for flaw in &flaws {
        let words = flaw.to_string();
        assert!(words.len() > 10 && !words.contains("Pos("), "{words}");
    }
    assert_eq!(Flaw::NoRegion(name("shop")).to_string(), "service `shop` has no region: name at least one");
}

fn text() -> impl Strategy<Value = Name> {
    prop::sample::select(vec!["a", "b", "c", "d", "east", "west", "l1"]).prop_map(name)
}

fn list() -> impl Strategy<Value = Vec<Name>> {
    prop::collection::vec(text(), 0..3)
}

fn any_when() -> impl Strategy<Value = WhenDraft> {
    let level = prop::sample::select(vec![Level::Trouble, Level::Down, Level::Gone]);
    (prop::option::of(level), list(), list(), prop::option::of(0_u8..3), list(), list(), any::<[bool; 2]>())
        .prop_map(|(service, down, up, at_least, raised, tried, [standby, region_lost])| WhenDraft {
            service,
            down,
            up,
            at_least,
            raised,
            tried,
            side: if standby { Side::Standby } else { Side::Active },
            region_lost,
            ..WhenDraft::default()
        })
}

fn any_service() -> impl Strategy<Value = ServiceDraft> {
    let role = prop::sample::select(vec![Role::Each, Role::Active, Role::Standby, Role::Service]);
    let tier = prop::sample::select(vec![Tier::Trigger, Tier::Gate, Tier::Inform]);
    let from = prop_oneof![Just(From::All), Just(From::Local), list().prop_map(From::Named)];
    let probe = (
        text(),
        prop::option::of(text()),
        role,
        tier,
        from,
        prop::option::of(text()),
        prop::option::of(list()),
    )
        .prop_map(|(name, component, role, tier, from, parent, regions)| ProbeDraft {
            component,
            role,
            tier,
            from,
            parent,
            regions,
            ..ProbeDraft::new(name)
        });
    let component = (text(), list())
        .prop_map(|(name, depends_on)| ComponentDraft { depends_on, ..ComponentDraft::new(name) });
    let scenario = (text(), prop::collection::vec(any_when(), 0..3), prop::option::of(text()), list())
        .prop_map(|(name, when, plan, over)| ScenarioDraft {
            when,
            plan,
            over,
            mode: Mode::Auto,
            ..ScenarioDraft::new(name)
        });
    let rung =
        (text(), prop::option::of(prop::collection::vec(any_when(), 0..2))).prop_map(|(name, when)| {
            RungDraft {
                title: name.to_string(),
                name,
                when: when.map_or(When::Never, When::Written),
                objectives: Objectives::default(),
                impact: Impact::None,
            }
        });
    (
        (text(), list(), list(), list()),
        prop::collection::vec(probe, 0..4),
        prop::collection::vec(component, 0..3),
        prop::collection::vec(scenario, 0..3),
        prop::option::of(prop::collection::vec(rung, 0..3)),
        0_u8..3,
    )
        .prop_map(
            |((name, regions, depends_on, triggers), probes, components, scenarios, rungs, rule)| {
                let mut service = ServiceDraft::new(name, regions);
                service.rungs = rungs.unwrap_or(service.rungs);
                service.down_when = [DownRule::Any, DownRule::All, DownRule::AtLeast(2)][usize::from(rule)];
                ServiceDraft { depends_on, triggers, probes, components, scenarios, ..service }
            },
        )
}

proptest! {
    /// Whatever is drafted is a policy or has flaws; and what becomes a policy holds together.
    #[test]
    fn whatever_is_drafted_is_a_policy_or_has_flaws(services in prop::collection::vec(any_service(), 0..3), observers in list(), me in text()) {
        let mut draft = whole(services);
        draft.observers = observers.iter().map(|of| observer(of.as_str(), "east")).collect();
        draft.me = me;
        match Policy::build(draft) {
            Err(flaws) => prop_assert!(!flaws.is_empty() && flaws.iter().all(|flaw| !flaw.to_string().is_empty())),
            Ok(policy) => {
                prop_assert!(policy.observers.get(policy.me.index()).is_some());
                for service in &policy.services {
                    prop_assert_eq!(service.parts.order.len(), service.components.len());
                    for (i, cell) in service.parts.cells.iter().enumerate() {
                        let probe = service.probes[cell.probe.index()].name.as_str();
                        let region = cell.region.map(|at| service.region_name(at));
                        prop_assert_eq!(service.cell(probe, region), Some(CellPos::at(i)));
                    }
                    let conditions = service.ladder.rungs().iter().filter_map(|rung| rung.when.as_ref());
                    let conditions = conditions.chain(service.scenarios.iter().map(|scenario| &scenario.when));
                    prop_assert_eq!(service.clauses, conditions.map(|when| when.clauses().len()).sum::<usize>());
                }
            }
        }
    }
}
