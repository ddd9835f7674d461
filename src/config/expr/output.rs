//! What an expression gives to later steps: a text, or a list of texts. It must never give less than it was asked for:
//! what is neither is an error, and not an empty text.

use std::sync::Arc;

use cel::Value;

use super::{Expr, NotEvaluated, Vars};
use crate::core::plan::Filled;

/// So many bytes of one output: it stands in the journal, and in what is sent.
const LONGEST: usize = 4 * 1024;
/// So many of a list.
const MOST: usize = 100;

impl Expr {
    /// What it is, as later steps take it.
    pub fn output(&self, vars: &Vars) -> Result<Filled, NotEvaluated> {
        match self.value(vars)? {
            Value::List(items) if items.len() > MOST => {
                Err(NotEvaluated(format!("it has {} items, and at most {MOST} are taken", items.len())))
            }
            Value::List(items) => items.iter().map(text).collect::<Result<_, _>>().map(Filled::Many),
            one => text(&one).map(Filled::One),
        }
    }
}

fn text(value: &Value) -> Result<Arc<str>, NotEvaluated> {
    let text = match value {
        Value::String(text) => text.to_string(),
        Value::Int(n) => n.to_string(),
        Value::UInt(n) => n.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Bool(truth) => truth.to_string(),
        other => {
            let say =
                format!("it is a {}, and a text, a number or a list of them is wanted", other.type_of());
            return Err(NotEvaluated(say));
        }
    };
    if text.len() > LONGEST {
        return Err(NotEvaluated(format!("it is longer than {LONGEST} bytes")));
    }
    Ok(Arc::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(expr: &str) -> Result<Filled, NotEvaluated> {
        let mut vars = Vars::default();
        vars.set_json(
            "body",
            &serde_json::json!({"id": 7, "at": ["a", "b"], "deep": {"x": "y"}, "none": null}),
        );
        Expr::new(expr).unwrap().output(&vars)
    }

    #[test]
    fn texts_numbers_and_lists_are_given() {
        assert_eq!(of("body.id"), Ok(Filled::One("7".into())));
        assert_eq!(of("'lb-' + body.deep.x"), Ok(Filled::One("lb-y".into())));
        assert_eq!(of("body.id == 7"), Ok(Filled::One("true".into())));
        assert_eq!(of("' a b '.trim().split(' ')"), Ok(Filled::Many(vec!["a".into(), "b".into()])));
        assert_eq!(of("body.at"), Ok(Filled::Many(vec!["a".into(), "b".into()])));
    }

    #[test]
    fn nothing_is_never_an_empty_text() {
        assert!(Expr::new("'a'.replace('a', 'b')").is_err(), "only what is listed may be called");
        for expr in ["body.none", "body.deep", "body.missing", "[body.deep]"] {
            assert!(of(expr).is_err(), "{expr}");
        }
    }
}
