//! What an order's body says, key by key, in the words of whoever wrote it: a key that nobody reads, and a value of the
//! wrong kind, are answered with what to write instead.
//!
//! Its size is bounded where it is read. It knows no service and decides nothing.

use std::collections::BTreeMap;
use std::fmt::Display;

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::auth::Refused;
use crate::config::length;
use crate::core::agree::Epoch;
use crate::core::decide::{Gate, Passer};
use crate::core::ids::Name;
use crate::core::order::Accepts;
use crate::core::plan::{PlanHash, StepName};
use crate::core::time::Span;

/// What is read of a body, and what may be.
pub(super) struct Body {
    left: Map<String, Value>,
    read: Vec<&'static str>,
}

/// It is not what can be read.
pub(super) fn bad(why: impl Display) -> Refused {
    (StatusCode::BAD_REQUEST, format!("{why}\n"))
}

impl Body {
    /// A JSON object, or nothing at all.
    pub(super) fn of(bytes: &[u8]) -> Result<Body, Refused> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Body { left: Map::new(), read: Vec::new() });
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(left)) => Ok(Body { left, read: Vec::new() }),
            Ok(_) => Err(bad("the body is no JSON object: write one such as `{\"reason\": \"why\"}`")),
            Err(why) => {
                let say =
                    format!("the body is no JSON ({why}): write an object such as `{{\"reason\": \"why\"}}`");
                Err(bad(say))
            }
        }
    }

    /// What stands behind the `?`.
    pub(super) fn of_query(query: BTreeMap<String, String>) -> Body {
        let left = query.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
        Body { left, read: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.read.push(key);
        self.left.remove(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, Refused> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(bad(format!("`{key}` is {other}: write a text in quotes"))),
        }
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Result<bool, Refused> {
        match self.take(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(word)) if word == "true" => Ok(true),
            Some(Value::String(word)) if word == "false" => Ok(false),
            Some(other) => Err(bad(format!("`{key}` is {other}: write true or false"))),
        }
    }

    pub(super) fn number(&mut self, key: &'static str) -> Result<Option<u64>, Refused> {
        match self.take(key) {
            None => Ok(None),
            Some(value) => {
                let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
                number.map(Some).ok_or_else(|| bad(format!("`{key}` is {value}: write a whole number")))
            }
        }
    }

    pub(super) fn span(&mut self, key: &'static str) -> Result<Option<Span>, Refused> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let say =
            |why| bad(format!("`{key}` is \"{text}\", and {why}: write a length of time such as \"3s\""));
        length(&text).map(Some).map_err(say)
    }

    pub(super) fn name(&mut self, key: &'static str) -> Result<Option<Name>, Refused> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let say = |why| bad(format!("`{key}` is \"{text}\", which is no name: {why}"));
        Name::new(&text).map(Some).map_err(say)
    }

    /// The same, where there must be one.
    pub(super) fn must(&mut self, key: &'static str) -> Result<Name, Refused> {
        self.name(key)?.ok_or_else(|| bad(format!("`{key}` is missing: write `{{\"{key}\": \"…\"}}`")))
    }

    pub(super) fn step(&mut self) -> Result<Option<StepName>, Refused> {
        let Some(text) = self.text("step")? else { return Ok(None) };
        let say = |why| bad(format!("`step` is \"{text}\", which is no step's name: {why}"));
        StepName::parse(&text).map(Some).map_err(say)
    }

    /// Named texts.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<Vec<(Name, String)>, Refused> {
        let say = || {
            bad(format!("`{key}` must be an object of texts: write `{{\"{key}\": {{\"name\": \"value\"}}}}`"))
        };
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Object(all)) => {
                let one = |(name, value): (String, Value)| match (Name::new(&name), value) {
                    (Ok(name), Value::String(text)) => Ok((name, text)),
                    (Ok(_) | Err(_), _) => Err(say()),
                };
                all.into_iter().map(one).collect()
            }
            Some(_) => Err(say()),
        }
    }

    /// What is accepted with an order, or with a yes.
    pub(super) fn accepts(&mut self) -> Result<Accepts, Refused> {
        let hash = match self.text("hash")? {
            None => None,
            Some(text) => Some(hash(&text).ok_or_else(|| {
                bad("`hash` is no plan's hash: write the 64 hexadecimal digits that the preview shows")
            })?),
        };
        Ok(Accepts {
            hash,
            epoch: self.number("epoch")?.map(Epoch),
            loss: self.span("loss")?,
            unknown_loss: self.flag("unknown_loss")?,
            exposure: self.flag("exposure")?,
            gates: self.gates()?,
        })
    }

    fn gates(&mut self) -> Result<u32, Refused> {
        let list = match self.take("gates") {
            None => return Ok(0),
            Some(Value::Array(list)) => list,
            Some(Value::String(text)) => text.split(',').map(|word| Value::String(word.to_owned())).collect(),
            Some(_) => return Err(bad("`gates` must be a list: write `{\"gates\": [\"cooldown\"]}`")),
        };
        list.iter().try_fold(0, |set, one| Ok(set | gate(one.as_str().unwrap_or_default())?.bit()))
    }

    /// Nothing is left that nobody has read.
    pub(super) fn end(self) -> Result<(), Refused> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(_) if self.read.is_empty() => Err(bad("nothing is to be said here: leave the body empty")),
            Some(key) => {
                Err(bad(format!("`{key}` is no key that is known here: these are {}", self.read.join(", "))))
            }
        }
    }
}

/// A gate that whoever orders may pass by naming it.
fn gate(word: &str) -> Result<Gate, Refused> {
    match Gate::ALL.iter().find(|gate| gate.word() == word) {
        Some(Gate::DataLoss) => {
            Err(bad("`data_loss` is passed by what is accepted: write `loss` or `unknown_loss`"))
        }
        Some(Gate::Fence) => Err(bad("`fence` is passed by what is accepted: write `exposure`")),
        Some(gate) if gate.passer() == Passer::Approval => Ok(*gate),
        Some(_) => Err(bad(format!("nobody passes the gate `{word}` by naming it"))),
        None => {
            let passable = |gate: &&Gate| {
                gate.passer() == Passer::Approval && !matches!(gate, Gate::DataLoss | Gate::Fence)
            };
            let list: Vec<&str> = Gate::ALL.iter().filter(passable).map(|gate| gate.word()).collect();
            Err(bad(format!("there is no gate `{word}`: those that can be passed are {}", list.join(", "))))
        }
    }
}

pub(super) fn hash(text: &str) -> Option<PlanHash> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(PlanHash(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Body {
        Body::of(text.as_bytes()).unwrap_or_else(|(_, why)| panic!("{why}"))
    }

    fn why(refused: Result<impl Sized, Refused>) -> String {
        let (code, why) = refused.err().expect("it is refused");
        assert_eq!(code, StatusCode::BAD_REQUEST);
        why.trim_end().to_owned()
    }

    #[test]
    fn what_is_accepted_is_read() {
        let hash = "0f".repeat(32);
        let text = format!(
            "{{\"hash\":\"{hash}\",\"epoch\":7,\"loss\":\"3s\",\"unknown_loss\":true,\"exposure\":true,\
             \"gates\":[\"cooldown\",\"candidate\"]}}"
        );
        let mut body = said(&text);
        let accepts = body.accepts().unwrap_or_else(|(_, why)| panic!("{why}"));
        assert!(body.end().is_ok());
        assert_eq!(accepts.hash, Some(PlanHash([15; 32])));
        assert_eq!((accepts.epoch, accepts.loss), (Some(Epoch(7)), Some(Span::secs(3))));
        assert!(accepts.unknown_loss && accepts.exposure);
        assert_eq!(accepts.gates, Gate::Cooldown.bit() | Gate::Candidate.bit());
        assert_eq!(said(" \n").accepts().ok(), Some(Accepts::default()));
    }

    #[test]
    fn what_cannot_be_read_is_answered_with_what_to_write() {
        assert!(why(Body::of(b"{")).contains("the body is no JSON"));
        assert!(why(Body::of(b"[]")).contains("no JSON object"));
        for (text, wanted) in [
            (r#"{"loss":3}"#, "`loss` is 3: write a text"),
            (r#"{"loss":"3"}"#, "write a length of time such as \"3s\""),
            (r#"{"epoch":"x"}"#, "`epoch` is \"x\": write a whole number"),
            (r#"{"hash":"0f"}"#, "write the 64 hexadecimal digits"),
            (r#"{"exposure":1}"#, "`exposure` is 1: write true or false"),
            (r#"{"gates":["x"]}"#, "there is no gate `x`: those that can be passed are candidate"),
            (r#"{"gates":["fence"]}"#, "write `exposure`"),
            (r#"{"gates":["data_loss"]}"#, "write `loss`"),
            (r#"{"gates":["claim"]}"#, "nobody passes the gate `claim`"),
            (r#"{"gates":7}"#, "`gates` must be a list"),
        ] {
            let why = why(said(text).accepts());
            assert!(why.contains(wanted), "{why}");
        }
        let mut body = said(r#"{"reason":"x","resaon":"y"}"#);
        assert_eq!(body.text("reason").ok(), Some(Some("x".to_owned())));
        assert_eq!(why(body.end()), "`resaon` is no key that is known here: these are reason");
        assert!(why(said("{}").must("region")).contains("`region` is missing"));
        assert!(why(said(r#"{"to":"No Name"}"#).name("to")).contains("which is no name"));
        assert!(why(said(r#"{"inputs":{"a":1}}"#).texts("inputs")).contains("an object of texts"));
    }
}
