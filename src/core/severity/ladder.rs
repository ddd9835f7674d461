//! A ladder's rungs, lowest first, with the objectives they promise, and the three presets of CONFIG §6.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::ids::{Name, RungPos};
use crate::time::Span;
use crate::verdict::{Clause, Condition, Level};

/// How it looks to pagers and status pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the config's own words, in order")]
pub enum Impact {
    None,
    Minor,
    Major,
    Critical,
}

/// The RTO and RPO in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objectives {
    /// Users are served again so soon after the first failed sample.
    pub rto: Option<Span>,
    /// At most so much is lost.
    pub rpo: Option<Span>,
}

impl Objectives {
    /// Both.
    #[must_use]
    pub const fn both(rto: Span, rpo: Span) -> Objectives {
        Objectives { rto: Some(rto), rpo: Some(rpo) }
    }

    /// Where this says nothing, `other` does.
    #[must_use]
    pub fn or(self, other: Objectives) -> Objectives {
        Objectives { rto: self.rto.or(other.rto), rpo: self.rpo.or(other.rpo) }
    }

    /// The stricter of both.
    #[must_use]
    pub fn strictest(self, other: Objectives) -> Objectives {
        let least = |a: Option<Span>, b: Option<Span>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Objectives { rto: least(self.rto, other.rto), rpo: least(self.rpo, other.rpo) }
    }
}

/// One severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Its name in the config.
    pub name: Name,
    /// As the plan's owners say it.
    pub title: String,
    /// An incident is at least so severe while this holds; none: only a scenario names it.
    pub when: Option<Condition>,
    /// What is promised.
    pub objectives: Objectives,
    /// How it looks to pagers and status pages.
    pub impact: Impact,
}

/// The rungs, lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    rungs: Vec<Rung>,
}

/// Why a ladder is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotALadder {
    /// It has no rung, or more than 32.
    Rungs(usize),
    /// Two rungs of one name.
    Twice(Name),
}

/// A ladder that needs no rungs of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Category 1 to 3, by how long and how much.
    Category,
    /// L4 to L1.
    Level,
    /// P4 to P1.
    Priority,
}

impl Ladder {
    /// The most rungs.
    pub const MOST: usize = 32;

    /// The only way to a ladder.
    pub fn new(rungs: Vec<Rung>) -> Result<Ladder, NotALadder> {
        if rungs.is_empty() || rungs.len() > Self::MOST {
            return Err(NotALadder::Rungs(rungs.len()));
        }
        for (i, rung) in rungs.iter().enumerate() {
            if rungs[..i].iter().any(|other| other.name == rung.name) {
                return Err(NotALadder::Twice(rung.name.clone()));
            }
        }
        Ok(Ladder { rungs })
    }

    /// No ladder: stands in a policy that is refused because of it.
    pub(crate) const fn placeholder() -> Ladder {
        Ladder { rungs: Vec::new() }
    }

    /// The rungs, lowest first.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// One of them.
    #[must_use]
    pub fn rung(&self, at: RungPos) -> Option<&Rung> {
        self.rungs.get(at.index())
    }

    /// By its name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<RungPos> {
        self.rungs.iter().position(|rung| rung.name.as_str() == name).map(RungPos::at)
    }
}

impl Preset {
    /// The preset of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Preset> {
        match name {
            "category" => Some(Preset::Category),
            "level" => Some(Preset::Level),
            "priority" => Some(Preset::Priority),
            _ => None,
        }
    }

    /// Its rungs, with the conditions and numbers of CONFIG §6.
    #[must_use]
    pub fn rungs(self) -> Vec<Rung> {
        let at = Clause::service_at_least;
        let (m, h) = (Span::mins, Span::hours);
        let aged = |age| Clause { open_for: Some(age), ..Clause::default() };
        let lost = Clause { region_lost: true, ..Clause::default() };
        let rows: Vec<(&str, Impact, Objectives, Vec<Clause>)> = match self {
            Preset::Category => vec![
                ("category_1", Impact::Minor, Objectives::both(m(15), m(5)), vec![at(Level::Trouble)]),
                (
                    "category_2",
                    Impact::Major,
                    Objectives::both(m(15), m(5)),
                    vec![at(Level::Degraded).held_for(m(5)), at(Level::Down)],
                ),
                (
                    "category_3",
                    Impact::Critical,
                    Objectives::both(m(15), m(5)),
                    vec![at(Level::Gone).held_for(m(2)), aged(m(30))],
                ),
            ],
            Preset::Level => vec![
                ("l4", Impact::None, Objectives::both(h(8), h(4)), vec![at(Level::Trouble)]),
                ("l3", Impact::Minor, Objectives::both(h(4), h(1)), vec![at(Level::Degraded)]),
                ("l2", Impact::Major, Objectives::both(h(2), m(30)), vec![at(Level::Down)]),
                ("l1", Impact::Critical, Objectives::both(h(1), m(15)), vec![at(Level::Gone), lost]),
            ],
            Preset::Priority => vec![
                ("p4", Impact::None, Objectives::default(), vec![at(Level::Trouble)]),
                ("p3", Impact::Minor, Objectives::both(h(24), h(24)), vec![]),
                ("p2", Impact::Major, Objectives::both(h(4), h(1)), vec![at(Level::Degraded)]),
                ("p1", Impact::Critical, Objectives::both(h(1), m(15)), vec![at(Level::Down)]),
            ],
        };
        rows.into_iter()
            .filter_map(|(name, impact, objectives, clauses)| {
                // Names and clauses are written above and are well-formed: a test builds each preset.
                let name = Name::new(name).ok()?;
                let when = Condition::any(clauses).ok();
                Some(Rung { title: String::from(name.as_str()), name, when, objectives, impact })
            })
            .collect()
    }
}

impl core::fmt::Display for NotALadder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            NotALadder::Rungs(n) => write!(f, "a ladder has 1 to {} rungs, not {n}", Ladder::MOST),
            NotALadder::Twice(name) => write!(f, "two rungs are called `{name}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_whole_ladders() {
        for (preset, count, unconditional) in
            [(Preset::Category, 3, 0), (Preset::Level, 4, 0), (Preset::Priority, 4, 1)]
        {
            let ladder = Ladder::new(preset.rungs()).unwrap();
            assert_eq!(ladder.rungs().len(), count, "{preset:?}");
            assert_eq!(
                ladder.rungs().iter().filter(|r| r.when.is_none()).count(),
                unconditional,
                "{preset:?}"
            );
        }
        assert_eq!(Preset::named("level"), Some(Preset::Level));
        assert_eq!(Preset::named("l1"), None);
    }

    #[test]
    fn a_ladder_without_rungs_or_with_a_rung_twice_cannot_be_built() {
        assert_eq!(Ladder::new(vec![]), Err(NotALadder::Rungs(0)));
        let twice = [Preset::Level.rungs(), Preset::Level.rungs()].concat();
        assert!(matches!(Ladder::new(twice), Err(NotALadder::Twice(_))));
    }

    #[test]
    fn objectives_fall_back_and_tighten() {
        let a = Objectives { rto: Some(Span::hours(1)), rpo: None };
        let b = Objectives::both(Span::mins(15), Span::mins(5));
        assert_eq!(a.or(b), Objectives::both(Span::hours(1), Span::mins(5)));
        assert_eq!(a.strictest(b), b);
    }
}
