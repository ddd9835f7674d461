//! One script, from its text to its story: comments for people, declarations, then what happens and what is expected.

use std::collections::BTreeSet;

use watchkeeper_core::time::Span;

use crate::drive::{BEGIN, Delivery, Drive};
use crate::policy::at;
use crate::words::{Read, Words, span};
use crate::{expect, statement, told};

/// What came of a script.
pub(crate) struct Story {
    /// Statements, events and explanations, with their times.
    pub(crate) text: String,
    /// Gates that blocked.
    pub(crate) blocked: BTreeSet<&'static str>,
}

/// Plays a script; all expectations that fail come at once.
pub(crate) fn play(text: &str, delivery: Delivery) -> Read<Story> {
    let opening: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
    let told: String =
        opening.iter().map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ");
    if told.len() < 40 || !told.ends_with('.') {
        return Err("a script begins with a sentence or two that tell its story".into());
    }
    let lines = text.lines().enumerate().map(|(i, line)| Words::of(i + 1, line));
    let lines: Vec<Words> = lines.filter(|line| !line.is_empty()).collect();
    let first = lines
        .iter()
        .position(|line| line.peek() == Some("at"))
        .ok_or("nothing ever happens: no line begins with `at`")?;
    let mut drive = Drive::start(lines[..first].to_vec(), delivery)?;
    let (mut wrong, mut expected) = (Vec::new(), 0);
    for line in &lines[first..] {
        let mut words = line.clone();
        moment(&mut drive, &mut words).map_err(|why| at(line, &why))?;
        if words.take("expect") {
            expected += 1;
            let read = expect::expect(&drive, &mut words).and_then(|()| words.end());
            if let Err(why) = read {
                wrong.push(format!("at {}, {}", told::at(drive.now), at(line, &why)));
            }
            continue;
        }
        if words.peek() != Some("why") {
            let said = words.clone().rest();
            drive.story.push(format!("{:>10}  > {said}", told::at(drive.now)));
        }
        statement::happens(&mut drive, &mut words)
            .and_then(|()| words.end())
            .map_err(|why| format!("{}\n{}", at(line, &why), drive.story.join("\n")))?;
    }
    if let Some(acting) = &mut drive.acting {
        wrong.append(&mut acting.wrong);
        let silent = acting.orders.iter().filter(|(_, order)| order.reply.is_none());
        wrong.extend(silent.map(|(id, order)| format!("order {} of {} was never answered", id.0, order.who)));
    }
    if expected == 0 {
        return Err("it expects nothing: a script without `expect` proves nothing".into());
    }
    if !wrong.is_empty() {
        return Err(format!("{}\n\n{}", wrong.join("\n"), drive.story.join("\n")));
    }
    let text = format!("{told}\n\n{}\n", drive.story.join("\n"));
    Ok(Story { text, blocked: drive.blocked })
}

/// `at 1m10s`, or at once.
fn moment(drive: &mut Drive, words: &mut Words) -> Read<()> {
    if !words.take("at") {
        return Ok(());
    }
    let word = words.word("a moment")?;
    let until = BEGIN + span(&word).ok_or_else(|| format!("`{word}` is no moment"))?;
    if until.since(BEGIN) < drive.now.since(BEGIN) && drive.now.since(until) > Span::ZERO {
        return Err(format!("it is {} already", told::at(drive.now)));
    }
    drive.run_until(until)
}
