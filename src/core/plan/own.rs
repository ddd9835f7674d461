//! The core's own step kinds: those that change only what the coordinator holds.
//!
//! Whatever sends something to the outside is no kind of the core's and must never stand here.

use super::step::ActsAs;
use crate::ids::Name;
use crate::time::Span;
use alloc::vec::Vec;

/// What `lapse` relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LapseBy {
    /// A Redis primary without replicas refuses writes.
    RedisMinReplicas,
    /// The database stops with its region's daemon.
    BoundToDaemon,
    /// The gate closes when it hears nothing any more.
    Gate,
}

/// What a traffic gate answers that hears nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLost {
    /// What it answered last.
    Hold,
    /// That no traffic may come.
    Close,
}

/// One point of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<T> {
    /// What is to be ticked.
    pub text: T,
    /// Ticked when this is up; by a person if none.
    pub probe: Option<Name>,
}

/// The core's own kinds; `T` is [`Raw`](super::text::Raw) in a draft and [`Text`](super::text::Text) in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own<T> {
    /// Lets time pass, and until a probe is up.
    Wait {
        /// At least so long.
        lasts: Option<Span>,
        /// And until this is up.
        until: Option<Name>,
    },
    /// Waits until the old side must have stopped itself.
    Lapse {
        /// From the last pulse of the old side.
        lasts: Span,
        /// Why it must have.
        by: LapseBy,
    },
    /// Waits for persons to agree.
    Approve {
        /// What they are asked.
        text: T,
        /// What they must be.
        role: Name,
        /// How many.
        count: u32,
    },
    /// Waits until every item is ticked.
    Checklist {
        /// What is to be ticked.
        items: Vec<Item<T>>,
        /// What those must be who tick.
        role: Name,
    },
    /// Opens the traffic gate where this acts and closes the others.
    TrafficGate {
        /// How long both are open.
        drain: Span,
        /// What a cut-off gate answers.
        on_lost: OnLost,
        /// How long its answer may be kept.
        ttl: Span,
    },
    /// Stops all automatic action on the service.
    Pause {
        /// Why.
        text: T,
        /// Until resumed, if none.
        lasts: Option<Span>,
    },
}

impl<T> Own<T> {
    /// What it does to the service.
    #[must_use]
    pub const fn acts_as(&self) -> ActsAs {
        match self {
            Own::Lapse { .. } => ActsAs::Fences,
            Own::TrafficGate { .. } => ActsAs::Routes,
            Own::Wait { .. } | Own::Approve { .. } | Own::Checklist { .. } | Own::Pause { .. } => {
                ActsAs::Other
            }
        }
    }

    /// Whether it changes anything.
    #[must_use]
    pub const fn changing(&self) -> bool {
        match self {
            Own::TrafficGate { .. } | Own::Pause { .. } => true,
            Own::Wait { .. } | Own::Lapse { .. } | Own::Approve { .. } | Own::Checklist { .. } => false,
        }
    }

    pub(super) fn each_text<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a T)) {
        match self {
            Own::Approve { text, .. } | Own::Pause { text, .. } => see("text", text),
            Own::Checklist { items, .. } => items.iter().for_each(|item| see("items", &item.text)),
            Own::Wait { .. } | Own::Lapse { .. } | Own::TrafficGate { .. } => {}
        }
    }

    /// The same with other texts; `change` is told the key of each.
    pub(super) fn map<U>(&self, change: &mut dyn FnMut(&str, &T) -> U) -> Own<U> {
        match self {
            Own::Wait { lasts, until } => Own::Wait { lasts: *lasts, until: until.clone() },
            Own::Lapse { lasts, by } => Own::Lapse { lasts: *lasts, by: *by },
            Own::Approve { text, role, count } => {
                Own::Approve { text: change("text", text), role: role.clone(), count: *count }
            }
            Own::Checklist { items, role } => Own::Checklist {
                items: items
                    .iter()
                    .map(|item| Item { text: change("items", &item.text), probe: item.probe.clone() })
                    .collect(),
                role: role.clone(),
            },
            Own::TrafficGate { drain, on_lost, ttl } => {
                Own::TrafficGate { drain: *drain, on_lost: *on_lost, ttl: *ttl }
            }
            Own::Pause { text, lasts } => Own::Pause { text: change("text", text), lasts: *lasts },
        }
    }

    /// The probes that it looks at.
    pub(super) fn probes(&self) -> Vec<Name> {
        match self {
            Own::Wait { until, .. } => until.iter().cloned().collect(),
            Own::Checklist { items, .. } => items.iter().filter_map(|item| item.probe.clone()).collect(),
            Own::Lapse { .. } | Own::Approve { .. } | Own::TrafficGate { .. } | Own::Pause { .. } => {
                Vec::new()
            }
        }
    }
}
