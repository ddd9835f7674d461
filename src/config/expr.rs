//! Expectations: CEL expressions, compiled once at load, evaluated on what a probe saw.
//!
//! Length and nesting are capped before the parser sees them, and one loop may not stand inside another, so that an
//! evaluation costs at most what the answer is long. It must never read a clock, a file or a socket.

mod caps;
mod length;
mod output;

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr as Node, IdedExpr};
use cel::{Context, Env, Program, Value};

use crate::core::time::Span;

pub use length::parse as parse_length;

/// Functions that may be called, beside operators and the loops.
const FUNCTIONS: [&str; 14] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "type",
    "duration",
    "split",
    "trim",
];

/// One expectation.
#[derive(Clone)]
pub struct Expr(Arc<Compiled>);

struct Compiled {
    text: String,
    program: Program,
    variables: Vec<String>,
}

/// Why an expectation is refused at load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadExpr {
    /// The byte of the expression at which it goes wrong.
    pub at: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Why an expectation says neither yes nor no. It is our trouble and never the target's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEvaluated(pub String);

/// What a probe saw, by name.
#[derive(Clone, Debug, Default)]
pub struct Vars(Vec<(&'static str, Var)>);

#[derive(Clone, Debug)]
enum Var {
    Plain(Value),
    Length(Span),
}

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // It can only fail where the name is taken, and CEL's own lengths of time are not built in.
    let added = length::add(&mut env);
    debug_assert!(added.is_ok(), "{added:?}");
    // Of these only `split` and `trim` may be called.
    let added = env.add_extension(cel::extensions::strings);
    debug_assert!(added.is_ok(), "{added:?}");
    Arc::new(env)
});

impl Expr {
    /// Compiles it; every variable is allowed.
    pub fn new(text: &str) -> Result<Expr, BadExpr> {
        caps::check(text)?;
        let program = ENV.compile(text).map_err(|wrong| {
            let first = wrong.errors.into_iter().next();
            let (at, message) = first.map_or((0, String::new()), |e| (place(text, e.pos.0, e.pos.1), e.msg));
            BadExpr { at, message: format!("this is no expression: {message}") }
        })?;
        let mut walk = Walk { text, program: &program, bound: Vec::new(), variables: Vec::new() };
        walk.node(program.expression())?;
        let variables = walk.variables;
        Ok(Expr(Arc::new(Compiled { text: text.to_owned(), program, variables })))
    }

    /// Compiles it, and refuses any variable that is not among these ([`Kind::variables`](super::probe::Kind)).
    pub fn checked(text: &str, known: &[&str]) -> Result<Expr, BadExpr> {
        let expr = Expr::new(text)?;
        match expr.0.variables.iter().find(|used| !known.contains(&used.as_str())) {
            None => Ok(expr),
            Some(unknown) => {
                let at = word(text, unknown).unwrap_or(0);
                let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
                Err(BadExpr {
                    at,
                    message: format!("there is no `{unknown}` here; what a probe of this kind sees: {known}"),
                })
            }
        }
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether it speaks of that variable.
    #[must_use]
    pub fn uses(&self, variable: &str) -> bool {
        self.0.variables.iter().any(|used| used == variable)
    }

    /// Whether it holds of what was seen.
    pub fn eval(&self, vars: &Vars) -> Result<bool, NotEvaluated> {
        match self.value(vars)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(NotEvaluated(format!("it is neither true nor false but a {}", other.type_of()))),
        }
    }

    fn value(&self, vars: &Vars) -> Result<Value, NotEvaluated> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        for (name, var) in vars.0.iter().filter(|(name, _)| self.uses(name)) {
            match var {
                Var::Plain(value) => context.add_variable_from_value(*name, value.clone()),
                Var::Length(span) => context.add_variable_as_val(*name, Box::new(length::Length(*span))),
            }
        }
        self.0.program.execute(&context).map_err(|wrong| NotEvaluated(brief(&wrong.to_string())))
    }
}

impl Vars {
    /// A number, a text or a truth.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, Var::Plain(value.into())));
    }
    /// A length of time.
    pub fn set_span(&mut self, name: &'static str, span: Span) {
        self.0.push((name, Var::Length(span)));
    }
    /// A JSON value; whole numbers stay whole.
    pub fn set_json(&mut self, name: &'static str, value: &serde_json::Value) {
        self.0.push((name, Var::Plain(plain(value))));
    }
    /// What is known, as people read it: each value cut to one line.
    pub fn shown(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.0.iter().map(|(name, var)| match var {
            Var::Plain(Value::String(text)) => (*name, brief(&format!("{text:?}"))),
            Var::Plain(Value::Int(n)) => (*name, n.to_string()),
            Var::Plain(Value::Float(n)) => (*name, n.to_string()),
            Var::Plain(value) => {
                (*name, value.json().map_or_else(|_| "?".to_owned(), |json| brief(&json.to_string())))
            }
            Var::Length(span) => (*name, span.to_string()),
        })
    }
}

/// The parser of JSON stops at 128 levels, so this recursion does, too.
fn plain(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(n) => match n.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::List(Arc::new(items.iter().map(plain).collect())),
        serde_json::Value::Object(fields) => {
            let fields =
                fields.iter().map(|(key, value)| (cel::objects::Key::from(key.as_str()), plain(value)));
            Value::Map(cel::objects::Map { map: Arc::new(fields.collect()) })
        }
    }
}

struct Walk<'a> {
    text: &'a str,
    program: &'a Program,
    /// What the loop around this binds.
    bound: Vec<&'a str>,
    variables: Vec<String>,
}

impl<'a> Walk<'a> {
    fn bad(&self, node: &IdedExpr, message: String) -> BadExpr {
        let start = self.program.source_info().offset_for(node.id).map_or(0, |(start, _)| start as usize);
        BadExpr { at: self.text.char_indices().nth(start).map_or(self.text.len(), |(at, _)| at), message }
    }

    fn node(&mut self, node: &'a IdedExpr) -> Result<(), BadExpr> {
        match &node.expr {
            Node::Unspecified | Node::Literal(_) => Ok(()),
            Node::Ident(name) => {
                let name = name.trim_start_matches('.');
                let ours = name.starts_with('@') || self.bound.contains(&name);
                if !ours && !self.variables.iter().any(|known| known == name) {
                    self.variables.push(name.to_owned());
                }
                Ok(())
            }
            Node::Call(call) => {
                let name = call.func_name.as_str();
                let operator = name.starts_with(['_', '@', '!', '-']);
                if !operator && !FUNCTIONS.contains(&name) {
                    return Err(self.bad(
                        node,
                        format!("there is no function `{name}`; there are {}, all, exists, exists_one, filter, map, has", FUNCTIONS.join(", ")),
                    ));
                }
                if let (Some(target), true) = (&call.target, operator || name != "duration") {
                    self.node(target)?;
                }
                call.args.iter().try_for_each(|argument| self.node(argument))
            }
            Node::Comprehension(around) => {
                self.node(&around.iter_range)?;
                if !self.bound.is_empty() {
                    return Err(self.bad(node, "a loop may not stand inside another".to_owned()));
                }
                self.bound.push(&around.iter_var);
                self.bound.extend(around.iter_var2.as_deref());
                self.bound.push(&around.accu_var);
                for part in [&around.accu_init, &around.loop_cond, &around.loop_step, &around.result] {
                    self.node(part)?;
                }
                self.bound.clear();
                Ok(())
            }
            Node::List(list) => list.elements.iter().try_for_each(|element| self.node(element)),
            Node::Map(map) => map.entries.iter().try_for_each(|entry| self.entry(&entry.expr)),
            Node::Select(select) => self.node(&select.operand),
            Node::Struct(_) => Err(self.bad(node, "there are no structures to build here".to_owned())),
        }
    }

    fn entry(&mut self, entry: &'a EntryExpr) -> Result<(), BadExpr> {
        match entry {
            EntryExpr::StructField(field) => self.node(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.node(&entry.key)?;
                self.node(&entry.value)
            }
        }
    }
}

/// The byte at a line and column as the parser counts them: lines from 1, columns from 1.
fn place(text: &str, line: isize, column: isize) -> usize {
    let line = usize::try_from(line.saturating_sub(1)).unwrap_or(0);
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(before..).unwrap_or("");
    before + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

/// Where a word stands by itself, outside of texts.
fn word(text: &str, word: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        let quotes = text.get(..at).map_or(0, |before| before.matches(['\'', '"']).count());
        !before.is_some_and(|c| part(c) || c == '.') && !after.is_some_and(part) && quotes % 2 == 0
    })
}

/// At most one line of it: what a target answered may be in there.
fn brief(text: &str) -> String {
    const LONGEST: usize = 200;
    let line: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() < text.len() { format!("{line}…") } else { line }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({:?})", self.0.text)
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Expr {}

impl fmt::Display for BadExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for NotEvaluated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadExpr {}
impl std::error::Error for NotEvaluated {}

#[cfg(test)]
mod tests;
