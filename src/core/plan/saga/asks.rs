//! What a run asks of people: an `approve` step that waits for its yes, a checklist for its ticks. Plain data for whoever
//! shows it; nothing here decides whether that is enough.

use crate::ids::Name;
use crate::plan::StepName;
use crate::plan::journal::By;
use crate::plan::own::Own;
use crate::plan::text::Text;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What one step asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asks {
    /// Which step.
    pub step: StepName,
    /// What those must be who answer.
    pub role: Name,
    /// What they are asked; none: to tick what follows.
    pub text: Option<String>,
    /// So many must say yes …
    pub count: u32,
    /// … and so many have.
    pub given: u32,
    /// What is to be ticked.
    pub items: Vec<Point>,
}

/// A point of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What it says.
    pub text: String,
    /// Ticked when this is up; by a person if none.
    pub probe: Option<Name>,
    /// It is ticked.
    pub ticked: bool,
}

impl Asks {
    pub(super) fn of(step: &StepName, own: &Own<Text>, approved: &[By], ticked: &[usize]) -> Option<Asks> {
        let asks = |role: &Name| Asks {
            step: step.clone(),
            role: role.clone(),
            text: None,
            count: 0,
            given: 0,
            items: Vec::new(),
        };
        match own {
            Own::Approve { text, role, count } => Some(Asks {
                text: Some(text.to_string()),
                count: *count,
                given: u32::try_from(approved.len()).unwrap_or(u32::MAX),
                ..asks(role)
            }),
            Own::Checklist { items, role } => {
                let point = |(at, item): (usize, &crate::plan::own::Item<Text>)| Point {
                    text: item.text.to_string(),
                    probe: item.probe.clone(),
                    ticked: ticked.contains(&at),
                };
                Some(Asks { items: items.iter().enumerate().map(point).collect(), ..asks(role) })
            }
            Own::Wait { .. } | Own::Lapse { .. } | Own::TrafficGate { .. } | Own::Pause { .. } => None,
        }
    }
}
