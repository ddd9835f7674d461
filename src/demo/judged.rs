//! Whether what was told is what had to be shown. It must be able to say no: of a timeline in which something is missing,
//! late, lost beyond what was stated, or done when nothing should be.

use super::Break;
use super::told::{Moment, Told, wants};

/// The steps that a failover of the toy must have done.
const STEPS: [&str; 4] = ["switch_off", "take_over", "route", super::told::SERVED];

impl Told {
    /// What it had to show, and has not.
    pub(super) fn judge(&self, breaks: Break) -> Option<String> {
        let why = match breaks {
            Break::Service | Break::Nothing => {
                self.moved().or_else(|| self.promised()).or_else(|| self.came_back())
            }
            Break::Observer => self.accused().or_else(|| self.served_all_the_time()),
            Break::Both => self.refused(),
        };
        why.or_else(|| self.missing(&[("that it is well again", self.measured.recovered, None)]))
    }

    /// The first that was not seen, with the latest at which it should have been.
    fn missing(&self, wanted: &[(&str, Option<f64>, Option<f64>)]) -> Option<String> {
        let (what, _, worst) = wanted.iter().find(|(_, took, _)| took.is_none())?;
        let within = worst.map_or(String::new(), |worst| {
            format!(", and {worst:.1} s after the fault is the latest by the daemon's own view")
        });
        Some(format!("{what} was not seen in time{within}"))
    }

    /// Seen, decided, and carried out to the end.
    fn moved(&self) -> Option<String> {
        let (measured, worst) = (self.measured, self.worst);
        let missing = self.missing(&[
            ("the first failed sample", measured.first_failed, Some(worst.first_failed)),
            ("three strikes", measured.down, Some(worst.down)),
            ("a decision", measured.decided, Some(worst.decided)),
            ("that no gate is in the way", measured.would_start, Some(worst.would_start)),
            ("the start of a run", measured.started, Some(worst.would_start)),
        ]);
        if missing.is_some() {
            return missing;
        }
        let run = self.run.as_ref()?;
        for wanted in STEPS {
            match run.steps.iter().find(|step| step.step == wanted) {
                Some(step) if step.heard == "done" => {}
                Some(step) => {
                    return Some(format!("step {wanted} is {}, and not done", or_open(&step.heard)));
                }
                None => return Some(format!("step {wanted} was never begun")),
            }
        }
        match run.outcome.as_deref() {
            Some("done") => None,
            Some(other) => Some(format!("run {} ended: {other}", run.run)),
            None => Some(format!("run {} has not ended in time", run.run)),
        }
    }

    /// Time and loss are within what is promised and stated, and users saw a fault and its end.
    fn promised(&self) -> Option<String> {
        let (rto, rpo, users) = (self.rto, self.rpo, self.users);
        match (rto.measured, rto.objective) {
            (Some(took), Some(most)) if took > most => {
                return Some(format!("the RTO was {took:.1} s, and {most:.1} s is promised"));
            }
            (Some(_), Some(_)) => {}
            (None, _) | (_, None) => return Some("there is no RTO, or none is promised".to_owned()),
        }
        let (Some(stated), Some(most)) = (rpo.stated, rpo.objective) else {
            return Some("what would be lost was not stated, or no RPO is promised".to_owned());
        };
        if stated > most {
            return Some(format!(
                "it moved though it stated a loss of {stated:.1} s, and {most:.1} s is promised"
            ));
        }
        if rpo.lost_seconds > stated {
            let lost = rpo.lost_seconds;
            return Some(format!("{lost:.2} s of writes were lost, and at most {stated:.2} s were stated"));
        }
        if users.refused == 0 || users.down <= 0.0 {
            return Some("users did not notice that their region was stopped".to_owned());
        }
        (users.elsewhere == 0).then(|| "no user was served in the other region".to_owned())
    }

    /// The region that lost the role came back, is quarantined, and takes no user.
    fn came_back(&self) -> Option<String> {
        if self.users.by_returned > 0 {
            let count = self.users.by_returned;
            return Some(format!("the region that lost the role served users again {count} times"));
        }
        let what = "that the region that lost the role is quarantined when it is back";
        self.quarantined.is_empty().then(|| format!("{what} was not seen"))
    }

    /// Who sees nothing accuses nobody.
    fn accused(&self) -> Option<String> {
        if let Some(moment) = self.timeline.iter().find(|moment| accuses(moment)) {
            let (at, text) = (moment.at, &moment.text);
            return Some(format!("the observer could see nothing, and yet says at {at:.1} s: {text}"));
        }
        self.missing(&[("that the observer isolates itself", self.measured.isolated, None)])
    }

    fn served_all_the_time(&self) -> Option<String> {
        let users = self.users;
        if users.refused > 0 || self.rpo.lost > 0 {
            let (refused, lost) = (users.refused, self.rpo.lost);
            return Some(format!(
                "nothing was wrong with the service, and yet {refused} writes were refused and {lost} lost"
            ));
        }
        (users.acknowledged == 0).then(|| "no user was served at all".to_owned())
    }

    /// It was seen and wished, and a gate refused it, and people were paged.
    fn refused(&self) -> Option<String> {
        let (measured, worst) = (self.measured, self.worst);
        if let Some(run) = &self.run {
            return Some(format!("run {} was started, though there is nowhere to go", run.run));
        }
        let missing = self.missing(&[
            ("the first failed sample", measured.first_failed, Some(worst.first_failed)),
            ("three strikes", measured.down, Some(worst.down)),
            ("a decision", measured.decided, Some(worst.decided)),
        ]);
        if missing.is_some() {
            return missing;
        }
        let pages = self.timeline.iter().filter(|moment| moment.kind == "paged");
        let mut refusals = pages.filter(|page| page.body["about"] == "refused");
        let by = |page: &Moment, gate: &str| {
            page.body["gates"].as_array().is_some_and(|all| all.iter().any(|one| one == gate))
        };
        if !refusals.any(|page| by(page, "every_region_down") || by(page, "candidate")) {
            return Some("nobody was paged that every region is down".to_owned());
        }
        if self.users.refused == 0 {
            return Some("users did not notice that every region was stopped".to_owned());
        }
        None
    }
}

fn or_open(heard: &str) -> &str {
    if heard.is_empty() { "open" } else { heard }
}

/// A region that is anything worse than well, an incident that opens, a decision to act, a run. What its own probes come
/// to is no accusation: an observer that distrusts itself does not vote by them.
fn accuses(moment: &Moment) -> bool {
    match moment.kind.as_str() {
        "standing" => !moment.body["worst"].is_null(),
        "incident" => moment.body["turn"] == "opened",
        "started" => true,
        _ => wants(moment),
    }
}

#[cfg(test)]
mod tests;
