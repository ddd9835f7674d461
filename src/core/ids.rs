//! Names, and the small numbers that stand for them inside one core.
//!
//! Names cross the edge (config, votes, records); numbers never do. A region's id and its position in a service are
//! two types, since confusing them moves production to the wrong place. Ids of services, probes and regions are
//! given once for each name and never reused, so that a late sample can not land on another probe.

use alloc::sync::Arc;
use core::fmt;
use core::hash::{Hash, Hasher};

/// A name as the config language has it: `[a-z0-9][a-z0-9_-]*`, at most 100 characters.
#[derive(Clone, Eq, PartialOrd, Ord)]
pub struct Name(Arc<str>);

/// Why a text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAName {
    /// Nothing at all.
    Empty,
    /// More than 100 characters.
    TooLong,
    /// A character that a name cannot have, or not in the first place.
    Char(char),
}

impl Name {
    /// The longest name.
    pub const LONGEST: usize = 100;

    /// Checks a text once, at the door.
    pub fn new(text: &str) -> Result<Name, NotAName> {
        if text.len() > Self::LONGEST {
            return Err(NotAName::TooLong);
        }
        let first = text.chars().next().ok_or(NotAName::Empty)?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !plain(first) {
            return Err(NotAName::Char(first));
        }
        match text.chars().find(|&c| !(plain(c) || c == '_' || c == '-')) {
            Some(c) => Err(NotAName::Char(c)),
            None => Ok(Name(Arc::from(text))),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Name {
    /// Names that stand in one list mostly differ in their last character, and most that are the same are one text.
    #[inline]
    fn eq(&self, other: &Name) -> bool {
        let (one, two) = (self.0.as_bytes(), other.0.as_bytes());
        Arc::ptr_eq(&self.0, &other.0) || (one.last() == two.last() && one == two)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAName::Empty => f.write_str("a name has at least one character"),
            NotAName::TooLong => write!(f, "a name has at most {} characters", Name::LONGEST),
            NotAName::Char(c) => {
                write!(
                    f,
                    "`{c}` cannot stand there: a name is lower-case letters, digits, `_` and `-`, and starts with a letter or digit"
                )
            }
        }
    }
}

/// What the edge made of a policy or a plan. The core only compares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyHash(pub u128);

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($repr:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($repr);

        impl $name {
            /// The number of the `index`-th of its kind; past the limit of the type it is the last one, which no table holds.
            #[must_use]
            pub const fn at(index: usize) -> $name {
                $name(if index < <$repr>::MAX as usize { index as $repr } else { <$repr>::MAX })
            }

            /// Where it stands in its table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

numbers! {
    /// A service, for as long as this core lives.
    ServiceId(u32);
    /// One probe of one service in one region (or in none), as this core runs it.
    ProbeId(u32);
    /// A region, over all services.
    RegionId(u16);
    /// Where a region stands in one service's own list.
    RegionPos(u8);
    /// Where an observer stands in the policy's list.
    ObserverPos(u8);
    /// A probe's place in its service's policy.
    ProbePos(u16);
    /// A component's place in its service's policy.
    ComponentPos(u16);
    /// A trigger's place in its service's policy.
    TriggerPos(u16);
    /// A scenario's place in its service's policy.
    ScenarioPos(u16);
    /// A plan's place in its service's policy.
    PlanPos(u16);
    /// A step's place in its plan.
    StepPos(u16);
    /// A rung's place in its ladder, lowest first.
    RungPos(u8);
    /// One probe in one region (or in none), as a vote speaks of it: its place in its service's list of those.
    CellPos(u16);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_at_the_door() {
        assert_eq!(Name::new("us-east-1").unwrap().as_str(), "us-east-1");
        assert_eq!(Name::new("l1").unwrap(), Name::new("l1").unwrap());
        assert_eq!(Name::new(""), Err(NotAName::Empty));
        assert_eq!(Name::new("-a"), Err(NotAName::Char('-')));
        assert_eq!(Name::new("Shop"), Err(NotAName::Char('S')));
        assert_eq!(Name::new("a.b"), Err(NotAName::Char('.')));
        assert_eq!(Name::new(&"x".repeat(101)), Err(NotAName::TooLong));
    }

    #[test]
    fn a_number_past_its_type_names_nothing_that_exists() {
        assert_eq!(RegionPos::at(3).index(), 3);
        assert_eq!(RegionPos::at(70_000), RegionPos::at(255));
    }
}
