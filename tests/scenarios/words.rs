//! Reads one line of a script, word by word. Every word must be understood: what is left over is an error.

use watchkeeper_core::ids::Name;
use watchkeeper_core::time::Span;

/// What reading gives, or a sentence that says what is wrong.
pub(crate) type Read<T> = Result<T, String>;

/// One line and how far it has been read.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) line: usize,
    pub(crate) text: String,
    words: Vec<String>,
    at: usize,
}

impl Words {
    /// Commas are words of their own; everything after `#` is for people.
    pub(crate) fn of(line: usize, text: &str) -> Words {
        let text = text.split('#').next().unwrap_or_default().trim().to_owned();
        let words = text.replace(',', " , ").split_whitespace().map(str::to_owned).collect();
        Words { line, text, words, at: 0 }
    }

    pub(crate) fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.peek().is_none()
    }

    pub(crate) fn word(&mut self, what: &str) -> Read<String> {
        let word = self.words.get(self.at).cloned().ok_or_else(|| format!("{what} is missing at the end"))?;
        self.at += 1;
        Ok(word)
    }

    /// Reads these words if they come next.
    pub(crate) fn take(&mut self, phrase: &str) -> bool {
        let wanted: Vec<&str> = phrase.split(' ').collect();
        let there = self.words[self.at.min(self.words.len())..].iter().map(String::as_str);
        let is = there.take(wanted.len()).eq(wanted.iter().copied());
        if is {
            self.at += wanted.len();
        }
        is
    }

    pub(crate) fn must(&mut self, phrase: &str) -> Read<()> {
        if self.take(phrase) { Ok(()) } else { Err(format!("`{phrase}` should come next, {}", self.here())) }
    }

    pub(crate) fn here(&self) -> String {
        self.peek().map_or_else(|| "but the line ends".into(), |word| format!("not `{word}`"))
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Read<()> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` is not understood here")),
        }
    }

    /// All that is left, as one text.
    pub(crate) fn rest(&mut self) -> String {
        let rest = self.words[self.at.min(self.words.len())..].join(" ").replace(" ,", ",");
        self.at = self.words.len();
        rest
    }

    pub(crate) fn name(&mut self, what: &str) -> Read<Name> {
        let word = self.word(what)?;
        Name::new(&word).map_err(|why| format!("`{word}` is no name of a {what}: {why}"))
    }

    /// At least one, with commas between.
    pub(crate) fn names(&mut self, what: &str) -> Read<Vec<Name>> {
        let mut names = vec![self.name(what)?];
        while self.take(",") {
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    pub(crate) fn number<T: std::str::FromStr>(&mut self, what: &str) -> Read<T> {
        let word = self.word(what)?;
        word.parse().map_err(|_| format!("`{word}` is no number for {what}"))
    }

    pub(crate) fn span(&mut self, what: &str) -> Read<Span> {
        let word = self.word(what)?;
        span(&word).ok_or_else(|| format!("`{word}` is no time for {what}: write 1m30s, 43s, 1.5s, 250ms"))
    }

    /// One of a list, by its word.
    pub(crate) fn one_of<T: Copy>(&mut self, what: &str, all: &[(&str, T)]) -> Read<T> {
        let word = self.word(what)?;
        let found = all.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            format!("`{word}` is no {what}: one of {}", names.join(", "))
        })
    }
}

/// `1h30m`, `1m15.999s`, `250ms`.
pub(crate) fn span(text: &str) -> Option<Span> {
    const UNITS: [(&str, u64); 5] =
        [("ms", 1_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("d", 86_400_000_000)];
    let (mut left, mut micros) = (text, 0);
    while !left.is_empty() {
        let digits = left.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = left.split_at(digits);
        let (unit, size) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        micros += whole.parse::<u64>().ok()? * size;
        if !part.is_empty() {
            let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
            micros += part.parse::<u64>().ok()? * size / scale;
        }
        left = &after[unit.len()..];
    }
    (!text.is_empty()).then(|| Span::micros(micros))
}

#[test]
fn times_read_as_people_write_them() {
    assert_eq!(span("1h30m"), Some(Span::mins(90)));
    assert_eq!(span("1m15.999s"), Some(Span::millis(75_999)));
    assert_eq!(span("250ms"), Some(Span::millis(250)));
    assert_eq!(span("0s"), Some(Span::ZERO));
    for wrong in ["", "5", "s", "1x", "1.5.5s"] {
        assert_eq!(span(wrong), None, "{wrong}");
    }
}
