//! What a demo comes to, for people: a table of times beside what is promised and what the daemon holds for the worst, and
//! a few sentences. It shows what was told and works nothing out.

use crate::demo::Told;

/// Lines under a head.
pub(super) struct Table {
    pub(super) head: String,
    pub(super) rows: Vec<String>,
}

/// When what happened after the fault, and how long each phase took.
pub(super) fn table(told: &Told) -> Table {
    let (measured, worst, rto) = (told.measured, told.worst, told.rto);
    let mut rows = Vec::new();
    let mut row = |what: &str, took: Option<f64>, at: Option<f64>, worst: Option<f64>| {
        let (None, None) = (took, at) else {
            let cell = |value: Option<f64>| value.map_or(" ".repeat(9), |value| format!("{value:7.2} s"));
            let mut line = format!("  {what:42}{}   {}   {}", cell(took), cell(at), cell(worst));
            if at.zip(worst).is_some_and(|(at, worst)| at > worst) {
                line += "  later than that";
            }
            rows.push(line.trim_end().to_owned());
            return;
        };
    };
    row("unseen: to the first failed sample", rto.unseen, measured.first_failed, Some(worst.first_failed));
    row("detect: to the last strike, down", rto.detect, measured.down, Some(worst.down));
    row(
        "confirm: looked again, no gate in the way",
        rto.confirm,
        measured.would_start,
        Some(worst.would_start),
    );
    row("decide: the start is durable", rto.decide, measured.started, None);
    for step in told.run.iter().flat_map(|run| &run.steps) {
        row(&format!("step {}", step.step), Some(step.seconds), Some(step.from + step.seconds), None);
    }
    let end = measured.ended.map(|_| worst.ended);
    row("the run has ended", None, measured.ended, end);
    row("isolated: says nothing any more", None, measured.isolated, None);
    row("healed (by the demo)", None, measured.healed, None);
    row("well again", None, measured.recovered, None);
    Table { head: format!("{:44}{:>9}   {:>9}   {:>9}", "after the fault", "took", "at", "at worst"), rows }
}

/// Time and loss beside what is promised; what was done; what users saw.
pub(super) fn sentences(told: &Told) -> Vec<String> {
    let (rto, rpo, users) = (told.rto, told.rpo, told.users);
    let mut lines = Vec::new();
    if let (Some(took), Some(most)) = (rto.measured, rto.objective) {
        lines.push(format!(
            "RTO:   {took:.2} s from the first failed sample to users served, verified; {most:.0} s promised"
        ));
    }
    if let (Some(stated), Some(most)) = (rpo.stated, rpo.objective) {
        let oldest = match rpo.lost {
            0 => String::new(),
            _ => format!(", the oldest {:.2} s before the fault", rpo.lost_seconds),
        };
        lines.push(format!(
            "RPO:   at most {stated:.2} s stated when it was decided, {most:.0} s promised; really lost: {}{}",
            writes(rpo.lost), oldest
        ));
    }
    lines.push(format!(
        "users: {} writes acknowledged, {} refused or not answered, {} lost; {:.2} s in which nothing succeeded",
        users.acknowledged, users.refused, rpo.lost, users.down
    ));
    match &told.run {
        Some(run) => {
            let outcome = run.outcome.as_deref().unwrap_or("not ended");
            lines.push(format!("done:  run {} of plan {}: {outcome}", run.run, run.plan));
        }
        None => lines.push("done:  nothing".to_owned()),
    }
    if !told.quarantined.is_empty() {
        let list = told.quarantined.join(", ");
        lines.push(format!(
            "after: {list} came back, is quarantined, and took {} writes of users",
            users.by_returned
        ));
    }
    lines.extend(told.pages.iter().map(|page| format!("page:  {page}")));
    if told.run.is_none() && told.measured.isolated.is_some() {
        lines.push("       Who cannot see accuses nobody.".to_owned());
    }
    lines
}

fn writes(count: u64) -> String {
    format!("{count} write{}", if count == 1 { "" } else { "s" })
}
