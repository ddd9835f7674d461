//! Where a value was written: a span in one of the files that were read. Everything that can be wrong is said of a
//! place. A place never holds the text itself, so that a secret cannot travel with it.

use std::sync::Arc;

/// A span of bytes in one file; in a format that keeps no spans, the number of a key path in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub(crate) file: u16,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// How a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The documented one; places are lines and columns.
    Toml,
    /// Places are key paths.
    Yaml,
    /// Places are key paths.
    Json,
    /// The environment, a line a variable.
    Environment,
    /// What is in force when nothing is written.
    BuiltIn,
}

/// One file that was read.
#[derive(Clone)]
pub struct File {
    /// What people call it.
    pub name: String,
    /// How it is written.
    pub format: Format,
    pub(crate) text: Arc<str>,
    /// For formats without spans: the key path of each place.
    pub(crate) paths: Vec<String>,
}

/// All files that were read; a place names one by its number.
#[derive(Clone, Default)]
pub struct Files(pub(crate) Vec<File>);

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its text may hold what does not belong there.
        f.debug_struct("File").field("name", &self.name).field("format", &self.format).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl At {
    pub(crate) fn new(file: u16, span: std::ops::Range<usize>) -> At {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        At { file, start: small(span.start), end: small(span.end) }
    }

    /// The place as one number, to pass through serde.
    pub(crate) fn packed(self) -> u128 {
        (u128::from(self.file) << 64) | (u128::from(self.start) << 32) | u128::from(self.end)
    }

    pub(crate) fn unpacked(number: u128) -> At {
        let low = |n: u128| u32::try_from(n & u128::from(u32::MAX)).unwrap_or(0);
        At { file: u16::try_from(number >> 64).unwrap_or(0), start: low(number >> 32), end: low(number) }
    }
}

impl Files {
    /// The file of a place.
    #[must_use]
    pub fn of(&self, at: At) -> Option<&File> {
        self.0.get(usize::from(at.file))
    }

    /// Adds a file; more than a place can name are refused where files are read.
    pub(crate) fn add(&mut self, file: File) -> u16 {
        self.0.push(file);
        u16::try_from(self.0.len() - 1).unwrap_or(u16::MAX)
    }

    /// Line and column, from one; none where the format keeps none.
    #[must_use]
    pub fn line(&self, at: At) -> Option<(usize, usize)> {
        let file = self.of(at)?;
        if file.format != Format::Toml {
            return None;
        }
        let before = file.text.get(..at.start as usize)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Some((line, column))
    }

    /// As it is printed: `file:line`, or the file and the key path in it.
    #[must_use]
    pub fn say(&self, at: At) -> String {
        let Some(file) = self.of(at) else { return "nowhere".to_owned() };
        match file.format {
            Format::Toml => match self.line(at) {
                Some((line, _)) => format!("{}:{line}", file.name),
                None => file.name.clone(),
            },
            Format::BuiltIn => "built-in".to_owned(),
            Format::Yaml | Format::Json | Format::Environment => match file.paths.get(at.start as usize) {
                Some(path) => format!("{}: {path}", file.name),
                None => file.name.clone(),
            },
        }
    }
}
