//! Words for what an order was answered, and for sets of gates. They are for people, and stay what they are: scripts read
//! them too.

use crate::core::decide::Gate;
use crate::core::order::{Refused, Reply};
use crate::core::plan::saga::Why;
use crate::core::policy::Policy;

/// The words of a set of gates.
#[must_use]
pub fn gates(set: u32) -> Vec<&'static str> {
    Gate::ALL.iter().filter(|gate| set & gate.bit() != 0).map(|gate| gate.word()).collect()
}

/// What an order was answered: a word for machines, and a sentence.
#[must_use]
pub fn reply(reply: &Reply, policy: &Policy) -> (&'static str, String) {
    match reply {
        Reply::Done => ("done", "done".to_owned()),
        Reply::SoAlready => ("so_already", "nothing had to be changed: it is so already".to_owned()),
        Reply::Started(run) => ("started", format!("run {} is started", run.0)),
        Reply::Queued => ("queued", "it is written down, and waits for its turn".to_owned()),
        Reply::InDoubt => (
            "in_doubt",
            "it was sent, and the coordinator has not answered: it may be done; look before you say it again"
                .to_owned(),
        ),
        Reply::Refused(why) => ("refused", refused(why, policy).1),
    }
}

/// Why an order is refused: a word for machines, and a sentence.
#[must_use]
pub fn refused(why: &Refused, policy: &Policy) -> (&'static str, String) {
    (word(why), sentence(why, policy))
}

const fn word(why: &Refused) -> &'static str {
    match why {
        Refused::NoCoordinator => "no_coordinator",
        Refused::HeldBy(_) => "held_by",
        Refused::NoHolder => "no_holder",
        Refused::Busy => "busy",
        Refused::Leaving => "leaving",
        Refused::NoSuchService => "no_such_service",
        Refused::WhichService => "which_service",
        Refused::NoSuchRegion(_) => "no_such_region",
        Refused::NoSuchPlan => "no_such_plan",
        Refused::WhichPlan => "which_plan",
        Refused::NoSuchTrigger(_) => "no_such_trigger",
        Refused::NoSuchRun => "no_such_run",
        Refused::NothingAsked => "nothing_asked",
        Refused::NoRecord => "no_record",
        Refused::Running(_) => "running",
        Refused::AlreadyThere => "already_there",
        Refused::NoWayHome => "no_way_home",
        Refused::NotQuarantined => "not_quarantined",
        Refused::Gates(_) => "gates",
        Refused::Mismatch | Refused::Run(Why::Mismatch) => "mismatch",
        Refused::Run(Why::NoSuchStep) => "no_such_step",
        Refused::Run(_) => "run",
        Refused::Ended(_) => "ended",
        Refused::Overtaken => "overtaken",
    }
}

fn sentence(why: &Refused, policy: &Policy) -> String {
    match why {
        Refused::NoCoordinator => "no coordinator is in reach, so nothing can be made durable".to_owned(),
        Refused::HeldBy(Some(who)) => format!("{} holds the claim: say it there", policy.observer_name(*who)),
        Refused::HeldBy(None) => "another observer holds the claim: say it there".to_owned(),
        Refused::NoHolder => "nobody holds the claim yet: say it again in a minute".to_owned(),
        Refused::Busy => "other orders to this service are still being carried out: say it again".to_owned(),
        Refused::Leaving => "the daemon is shutting down".to_owned(),
        Refused::NoSuchService => "there is no such service".to_owned(),
        Refused::WhichService => "it must be said to which service".to_owned(),
        Refused::NoSuchRegion(region) => format!("the service has no region `{region}`"),
        Refused::NoSuchPlan => "the service has no such plan".to_owned(),
        Refused::WhichPlan => "it must be said which plan".to_owned(),
        Refused::NoSuchTrigger(trigger) => format!("the service has no trigger `{trigger}`"),
        Refused::NoSuchRun => "no such run is under way".to_owned(),
        Refused::NothingAsked => "nothing is announced or requested".to_owned(),
        Refused::NoRecord => {
            "the service has no record yet: say `watchkeeper adopt SERVICE REGION` first".to_owned()
        }
        Refused::Running(run) => format!("run {} is under way: abort it, or wait", run.0),
        Refused::AlreadyThere => "it is active there already".to_owned(),
        Refused::NoWayHome => "there is no way home: nothing unplanned has moved it".to_owned(),
        Refused::NotQuarantined => "that region is not quarantined".to_owned(),
        Refused::Gates(set) => format!("these gates are in the way: {}", gates(*set).join(", ")),
        Refused::Mismatch => {
            "what was accepted is not what would be done: look at the preview again".to_owned()
        }
        Refused::Run(why) => format!("the run, or the step, cannot be told that now ({why})"),
        Refused::Ended(outcome) => format!("it ended before it was carried out ({outcome})"),
        Refused::Overtaken => {
            "what the coordinator holds now does not allow it any more: look, and say it again".to_owned()
        }
    }
}
