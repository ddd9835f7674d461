//! A plan as lines: everything that a run of it would do, complete enough to be hashed and approved.
//!
//! Two plans that would do anything differently never print the same, and no secret is ever printed. What people see is
//! made from it elsewhere.

use super::own::{LapseBy, OnLost, Own};
use super::runnable::Plan;
use super::step::{Body, InDrill, InputType, LateCall, OnFailure, Only, Plane, ProbeSet, Settles, Step};
use super::text::Text;
use super::value::{Exact, Quoted, Sealed};
use crate::ids::Name;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Plan {
    /// Everything that it would do, a line each.
    #[must_use]
    pub fn preview(&self) -> Vec<String> {
        let head = self.head();
        let mut lines = alloc::vec![format!("{} {} of {}: {}", head.kind, head.name, head.service, head.at)];
        lines.push(format!("title {}", quoted(&head.title)));
        lines.extend(head.text.iter().map(|text| format!("text {}", quoted(text))));
        if head.stateless {
            lines.push("stateless".into());
        }
        lines.push(format!("requires {}", probes("every gate probe", &head.requires)));
        lines.push(format!("loss from {}", probes("every loss probe", &head.loss_from)));
        let name = |pos: &crate::ids::StepPos| self.step(*pos).map(|step| step.name.to_string());
        lines.push(format!("fence {}", list(head.fence.iter().filter_map(name))));
        lines.extend(head.unfenced.iter().map(|why| format!("unfenced {}", quoted(why))));
        for way in [Only::Planned, Only::Unplanned] {
            let served = self.served(way).as_ref().and_then(name).unwrap_or_else(|| "never".into());
            lines.push(format!("served {} {served}", only(way)));
        }
        lines.extend(head.at_most.map(|rate| format!("at most {} in {}", rate.runs, Exact(rate.within))));
        for input in &head.inputs {
            let kind = match input.kind {
                InputType::Text => "text",
                InputType::Time => "time",
                InputType::Choice => "choice",
            };
            let choices = list(input.choices.iter().map(|choice| Quoted(choice).to_string()));
            let mut line = format!("input {}: {kind}, choices {choices}", input.name);
            line.extend(input.pattern.iter().map(|pattern| format!(", pattern {}", Quoted(pattern))));
            line.extend(input.default.iter().map(|default| format!(", default {}", quoted(default))));
            lines.push(line);
        }
        lines.extend(
            head.phases.iter().map(|phase| format!("phase {} until {}", phase.name, Exact(phase.deadline))),
        );
        for step in self.steps() {
            self.step_lines(step, &mut lines);
        }
        lines
    }

    fn step_lines(&self, step: &Step, lines: &mut Vec<String>) {
        lines.push(format!("step {} in {}: {}", step.name, step.acts_in, kind(&step.body)));
        let mut add = |line: String| lines.push(format!("  {line}"));
        add(format!("title {}", quoted(&step.title)));
        let needs = step.needs.iter().filter_map(|&need| self.step(need)).map(|need| need.name.to_string());
        add(format!("needs {}", list(needs)));
        let settles = match step.settles {
            Settles::Nothing => "nothing",
            Settles::Cut => "cut",
            Settles::Lapsed => "lapsed",
            Settles::Structural => "structural",
            Settles::Proved => "proved",
        };
        add(format!("{}, settles {settles}", step.acts_as));
        if let Some(way) = step.only {
            add(format!("only {}", only(way)));
        }
        if let Some(phase) = step.phase.and_then(|phase| self.phases().get(phase)) {
            add(format!("phase {}", phase.name));
        }
        let on_failure = match step.on_failure {
            OnFailure::Stop => "stop",
            OnFailure::Continue => "continue",
            OnFailure::Undo => "undo",
        };
        let (retry, pause) = (step.retry.times, Exact(step.retry.pause));
        add(format!("timeout {}, retry {retry} after {pause}, on failure {on_failure}", Exact(step.timeout)));
        let class = match step.late_call {
            LateCall::Checked => "checked",
            LateCall::Deadline => "deadline",
            LateCall::None => "none",
        };
        add(format!("late call {class}, {}", Exact(step.late)));
        for (says, holds) in [
            ("changing", step.changing),
            ("leaves production alone", step.leaves_production),
            ("one-way", step.one_way),
            ("undoable", step.undoable),
        ] {
            if holds {
                add(says.into());
            }
        }
        for touch in &step.touches {
            let plane = match touch.plane {
                Plane::Control => "control",
                Plane::Data => "data",
            };
            let place = touch.region.as_ref().map_or("anywhere", Name::as_str);
            add(format!("touches {} {plane} plane in {place}", Quoted(&touch.api)));
        }
        if let Some(resource) = &step.resource {
            add(format!("resource {}", quoted(resource)));
        }
        for (says, names) in [("outputs", &step.outputs), ("probes", &step.probes), ("verify", &step.verify)]
        {
            if !names.is_empty() {
                add(format!("{says} {}", list(names.iter().map(Name::to_string))));
            }
        }
        if let Some(component) = &step.component {
            add(format!("component {component}"));
        }
        match &step.body {
            Body::Action(action) => sent("send", action, &mut add),
            Body::Own(own) => own_lines(own, &mut add),
        }
        let does = match step.drill.does {
            InDrill::Run => "run",
            InDrill::Preview => "preview",
            InDrill::Skip => "skip",
        };
        add(format!("in a drill {does}"));
        if let Some(action) = &step.drill.action {
            sent("in a drill send", action, &mut add);
        }
        if let Some(resource) = &step.drill.resource {
            add(format!("in a drill resource {}", quoted(resource)));
        }
    }
}

fn kind(body: &Body) -> &str {
    match body {
        Body::Action(action) => action.kind().as_str(),
        Body::Own(Own::Wait { .. }) => "wait",
        Body::Own(Own::Lapse { .. }) => "lapse",
        Body::Own(Own::Approve { .. }) => "approve",
        Body::Own(Own::Checklist { .. }) => "checklist",
        Body::Own(Own::TrafficGate { .. }) => "traffic_gate",
        Body::Own(Own::Pause { .. }) => "pause",
    }
}

fn own_lines(own: &Own<Text>, add: &mut dyn FnMut(String)) {
    match own {
        Own::Wait { lasts, until } => {
            lasts.iter().for_each(|lasts| add(format!("for {}", Exact(*lasts))));
            until.iter().for_each(|probe| add(format!("until {probe}")));
        }
        Own::Lapse { lasts, by } => {
            let by = match by {
                LapseBy::RedisMinReplicas => "redis_min_replicas",
                LapseBy::BoundToDaemon => "bound_to_daemon",
                LapseBy::Gate => "gate",
            };
            add(format!("for {} by {by}", Exact(*lasts)));
        }
        Own::Approve { text, role, count } => add(format!("ask {count} of {role}: {}", quoted(text))),
        Own::Checklist { items, role } => {
            add(format!("ask {role}"));
            for item in items {
                let by = item.probe.as_ref().map_or_else(String::new, |probe| format!(" by {probe}"));
                add(format!("item {}{by}", quoted(&item.text)));
            }
        }
        Own::TrafficGate { drain, on_lost, ttl } => {
            let on_lost = match on_lost {
                OnLost::Hold => "hold",
                OnLost::Close => "close",
            };
            add(format!("drain {}, on lost {on_lost}, ttl {}", Exact(*drain), Exact(*ttl)));
        }
        Own::Pause { text, lasts } => {
            add(format!("pause {}", quoted(text)));
            lasts.iter().for_each(|lasts| add(format!("for {}", Exact(*lasts))));
        }
    }
}

fn sent(says: &str, action: &Sealed, add: &mut dyn FnMut(String)) {
    action.preview().into_iter().for_each(|line| add(format!("{says} {line}")));
}

const fn only(way: Only) -> &'static str {
    match way {
        Only::Planned => "planned",
        Only::Unplanned => "unplanned",
    }
}

fn quoted(text: &Text) -> String {
    Quoted(&text.to_string()).to_string()
}

fn probes(every: &str, set: &ProbeSet) -> String {
    list(set.every.then(|| every.to_string()).into_iter().chain(set.named.iter().map(Name::to_string)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".into() } else { items.join(", ") }
}
