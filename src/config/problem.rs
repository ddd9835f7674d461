//! What is wrong with a config, as values: each names its place, says what is wrong and what to write instead. All are
//! gathered; none stops the others. Printing is `render`'s part.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::node::{Node, What};
use super::place::At;

/// Whether it stops the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Refused.
    Error,
    /// Legal but unwise; `--strict` refuses it.
    Warning,
}

/// What sort of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A file cannot be read.
    File,
    /// A file is not written in its format.
    Syntax,
    /// A key, kind or word that does not exist.
    Unknown,
    /// A required key is not there.
    Missing,
    /// A value of another type, or out of bounds.
    Value,
    /// A name that names nothing.
    Reference,
    /// The same thing twice.
    Twice,
    /// A secret written out, or shown.
    Secret,
    /// A part of the program that does not exist yet.
    NotBuilt,
    /// An expression that cannot be compiled.
    Expression,
    /// A plan that cannot be run.
    Plan,
    /// A policy that cannot be.
    Policy,
    /// Legal but unwise.
    Unwise,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the daemon.
    pub level: Level,
    /// What sort it is.
    pub code: Code,
    /// Where; none: of the whole.
    pub at: Option<At>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that belong to it, and what they are.
    pub also: Vec<(At, String)>,
}

impl Code {
    /// As it is printed and as `--json` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Code::File => "file",
            Code::Syntax => "syntax",
            Code::Unknown => "unknown",
            Code::Missing => "missing",
            Code::Value => "value",
            Code::Reference => "reference",
            Code::Twice => "twice",
            Code::Secret => "secret",
            Code::NotBuilt => "not-built-yet",
            Code::Expression => "expression",
            Code::Plan => "plan",
            Code::Policy => "policy",
            Code::Unwise => "unwise",
        }
    }
}

impl Problem {
    pub(crate) fn error(code: Code, at: impl Into<Option<At>>, message: impl Into<String>) -> Problem {
        Problem {
            level: Level::Error,
            code,
            at: at.into(),
            message: message.into(),
            help: None,
            also: Vec::new(),
        }
    }

    pub(crate) fn unwise(at: impl Into<Option<At>>, message: impl Into<String>) -> Problem {
        Problem { level: Level::Warning, ..Problem::error(Code::Unwise, at, message) }
    }

    pub(crate) fn not_built(at: impl Into<Option<At>>, what: &str) -> Problem {
        Problem::error(Code::NotBuilt, at, format!("not built yet: {what}"))
            .help("remove it for now; a later version of Watchkeeper brings it")
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn also(mut self, at: At, label: impl Into<String>) -> Problem {
        self.also.push((at, label.into()));
        self
    }
}

/// Gathers problems, each once, and the places of secrets that were written out.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: RefCell<Vec<Problem>>,
    masked: RefCell<BTreeSet<At>>,
}

impl Problems {
    pub(crate) fn add(&self, problem: Problem) {
        let mut found = self.found.borrow_mut();
        // What a template says wrongly is wrong once, however many use it.
        if !found.contains(&problem) {
            found.push(problem);
        }
    }

    /// What stands there must not be printed.
    pub(crate) fn mask(&self, at: At) {
        self.masked.borrow_mut().insert(at);
    }

    /// No text in there must be printed.
    pub(crate) fn mask_texts(&self, node: &Node) {
        match &node.what {
            What::Text(_) | What::Int(_) | What::Number(_) => self.mask(node.at),
            What::List(list) => list.iter().for_each(|one| self.mask_texts(one)),
            What::Table(table) => table.0.values().for_each(|entry| self.mask_texts(&entry.node)),
            What::Null | What::Flag(_) => {}
        }
    }

    pub(crate) fn errors(&self) -> usize {
        self.found.borrow().iter().filter(|problem| problem.level == Level::Error).count()
    }

    /// Whether some file could not be read or parsed.
    pub(crate) fn unreadable(&self) -> bool {
        self.found.borrow().iter().any(|problem| matches!(problem.code, Code::File | Code::Syntax))
    }

    /// Whether the value there could not be taken: then nothing that rests on it is judged.
    pub(crate) fn refused(&self, at: At) -> bool {
        let value = |code| matches!(code, Code::Value | Code::Secret | Code::Expression | Code::Reference);
        self.found.borrow().iter().any(|problem| problem.at == Some(at) && value(problem.code))
    }

    /// By place, errors before warnings at the same one.
    pub(crate) fn finish(self) -> (Vec<Problem>, Vec<At>) {
        let mut found = self.found.into_inner();
        found.sort_by(|a, b| (a.at, a.level, a.code, &a.message).cmp(&(b.at, b.level, b.code, &b.message)));
        (found, self.masked.into_inner().into_iter().collect())
    }
}
