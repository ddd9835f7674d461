//! All problems of one config, to be printed: for people with file, line, column and caret, or as JSON. Whatever stands
//! where a secret belongs is blotted out before anything is shown.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
    SourceSpan,
};

use super::mask;
use super::place::{At, Files, Format};
use super::problem::{Code, Level, Problem};

/// More problems than this are not printed: whoever has more mends these first.
const MOST: usize = 200;

/// What is wrong with a config, and what is unwise.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(crate) problems: Vec<Problem>,
    pub(crate) masked: Vec<At>,
    pub(crate) files: Files,
}

impl Report {
    /// All of them, by place.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many stop the daemon.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.level == Level::Error).count()
    }

    /// How many are only unwise.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }

    /// The same without what is not built yet.
    #[must_use]
    pub fn built(mut self) -> Report {
        self.problems.retain(|problem| problem.code != Code::NotBuilt);
        self
    }

    /// File, line and column of a problem; line and column only where the format keeps them.
    #[must_use]
    pub fn place(&self, problem: &Problem) -> Option<(String, Option<(usize, usize)>)> {
        let at = problem.at?;
        let file = self.files.of(at)?;
        Some((file.name.clone(), self.files.line(at)))
    }

    /// As people read it.
    #[must_use]
    pub fn print(&self, colour: bool, width: usize) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let printer = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
        let texts: Vec<NamedSource<String>> = (self.files.0.iter().enumerate())
            .map(|(number, file)| {
                let masked: Vec<At> =
                    self.masked.iter().copied().filter(|at| usize::from(at.file) == number).collect();
                NamedSource::new(file.name.clone(), mask::text(&file.text, &masked))
            })
            .collect();
        let mut printed = String::new();
        for problem in self.problems.iter().take(MOST) {
            let shown = Shown { problem, report: self, texts: &texts };
            if printer.render_report(&mut printed, &shown).is_err() {
                // It writes into memory; should it still fail, the sentence is better than nothing.
                printed.push_str(&problem.message);
            }
            printed.push('\n');
        }
        if self.problems.len() > MOST {
            printed.push_str(&format!("… and {} more; mend these first\n", self.problems.len() - MOST));
        }
        printed
    }

    /// One line: how many there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        match (self.errors(), self.warnings()) {
            (0, 0) => "no problem".to_owned(),
            (0, warnings) => many(warnings, "warning"),
            (errors, 0) => many(errors, "error"),
            (errors, warnings) => format!("{}, {}", many(errors, "error"), many(warnings, "warning")),
        }
    }

    /// As programs read it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let one = |problem: &Problem| {
            let place = self.place(problem);
            let line = place.as_ref().and_then(|(_, line)| *line);
            serde_json::json!({
                "level": if problem.level == Level::Error { "error" } else { "warning" },
                "code": problem.code.word(),
                "file": place.map(|(file, _)| file),
                "line": line.map(|(line, _)| line),
                "column": line.map(|(_, column)| column),
                "path": problem.at.and_then(|at| self.path(at)),
                "message": problem.message,
                "help": problem.help,
            })
        };
        serde_json::json!({
            "errors": self.errors(),
            "warnings": self.warnings(),
            "problems": self.problems.iter().map(one).collect::<Vec<_>>(),
        })
    }

    /// The key path of a place, in formats that keep it.
    fn path(&self, at: At) -> Option<&str> {
        self.files.of(at)?.paths.get(at.start as usize).map(String::as_str)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print(false, 100))
    }
}

/// One problem as miette asks for it.
struct Shown<'a> {
    problem: &'a Problem,
    report: &'a Report,
    texts: &'a [NamedSource<String>],
}

impl Shown<'_> {
    fn in_text(&self, at: At) -> bool {
        self.report.files.of(at).is_some_and(|file| matches!(file.format, Format::Toml))
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)?;
        match self.problem.at {
            Some(at) if !self.in_text(at) => write!(f, " ({})", self.report.files.say(at)),
            Some(_) | None => Ok(()),
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code.word()))
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.problem.level == Level::Error { Severity::Error } else { Severity::Warning })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let mut help = self.problem.help.clone().unwrap_or_default();
        for (at, what) in self.elsewhere() {
            if !help.is_empty() {
                help.push('\n');
            }
            help.push_str(&format!("{}: {what}", self.report.files.say(*at)));
        }
        if help.is_empty() { None } else { Some(Box::new(help)) }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let at = self.problem.at.filter(|at| self.in_text(*at))?;
        self.texts.get(usize::from(at.file)).map(|text| text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let at = self.problem.at.filter(|at| self.in_text(*at))?;
        let span = |at: At| SourceSpan::from((at.start as usize, at.end.saturating_sub(at.start) as usize));
        let first = LabeledSpan::new_primary_with_span(Some("here".to_owned()), span(at));
        let more = self.problem.also.iter().filter(move |(other, _)| other.file == at.file);
        let more =
            more.map(move |(other, what)| LabeledSpan::new_with_span(Some(what.clone()), span(*other)));
        Some(Box::new(std::iter::once(first).chain(more)))
    }
}

impl Shown<'_> {
    /// Places that belong to it in other files than its own.
    fn elsewhere(&self) -> impl Iterator<Item = &(At, String)> {
        let own = self.problem.at.filter(|at| self.in_text(*at)).map(|at| at.file);
        self.problem.also.iter().filter(move |(at, _)| own != Some(at.file))
    }
}
