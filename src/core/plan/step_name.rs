//! What a step of a compiled plan is called: its own name, or `child.step` if it came from a child plan.
//!
//! It must never be a number: names cross the edge (journal, page, API), positions do not.

use crate::ids::{Name, NotAName};
use core::fmt;

/// A step's name within its plan. Ordered by what stands first, then by the step inside it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepName {
    first: Name,
    inner: Option<Name>,
}

impl StepName {
    /// A step that the plan itself names.
    #[must_use]
    pub const fn own(name: Name) -> StepName {
        StepName { first: name, inner: None }
    }

    /// A step of the child plan that the step `child` stands for.
    #[must_use]
    pub const fn of_child(child: Name, step: Name) -> StepName {
        StepName { first: child, inner: Some(step) }
    }

    /// Reads `step` or `child.step` back, as a journal holds it.
    pub fn parse(text: &str) -> Result<StepName, NotAName> {
        match text.split_once('.') {
            None => Name::new(text).map(StepName::own),
            Some((child, step)) => Ok(StepName::of_child(Name::new(child)?, Name::new(step)?)),
        }
    }

    /// The step that stood for the child plan, if it came from one.
    #[must_use]
    pub const fn child(&self) -> Option<&Name> {
        match self.inner {
            Some(_) => Some(&self.first),
            None => None,
        }
    }

    /// This name as a step of `child` says it: a step inside a child names its siblings without the child.
    pub(super) fn within(&self, child: Option<&Name>) -> StepName {
        match (child, &self.inner) {
            (Some(child), None) => StepName::of_child(child.clone(), self.first.clone()),
            (Some(_) | None, _) => self.clone(),
        }
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner {
            None => write!(f, "{}", self.first),
            Some(step) => write!(f, "{}.{step}", self.first),
        }
    }
}

impl fmt::Debug for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        for text in ["dns", "check.rows"] {
            assert_eq!(StepName::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(StepName::parse("check.rows").unwrap().child().unwrap().as_str(), "check");
        assert!(StepName::parse("a.b.c").is_err());
        assert!(StepName::parse("").is_err());
        assert!(StepName::parse("a.").is_err());
    }
}
