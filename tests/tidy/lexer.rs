//! Rust text as tokens: comments are gone, and what stands in a string or a character is not mistaken for code.
//!
//! It knows as much of the language as the rules need and no grammar; it must never panic on text that is no Rust.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or a keyword; a raw identifier without its `r#`.
    Word,
    /// `::`, `=>`, `->`, or any other single character.
    Sign,
    /// A string: what stands between its quotes, escapes as written.
    Text,
    /// A character, a byte, a number or a lifetime. No rule looks inside one.
    Other,
}

/// One token, with the line (from 1) on which it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind,
    pub(crate) text: &'t str,
    pub(crate) line: usize,
}

impl Token<'_> {
    /// Whether this is that keyword, name or sign (and not a string of the same text).
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Sign) && self.text == text
    }

    pub(crate) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// All tokens of a file.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, line: 1 };
    std::iter::from_fn(|| lexer.next()).collect()
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl<'t> Lexer<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            let rest = &self.text[self.at..];
            let first = rest.chars().next()?;
            if first.is_whitespace() {
                self.skip(first.len_utf8());
            } else if rest.starts_with("//") {
                self.skip(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                self.skip(comment(rest));
            } else {
                let line = self.line;
                let (kind, inner, len) = token(rest, first);
                self.skip(len);
                return Some(Token { kind, text: inner, line });
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        self.line += self.text[self.at..end].matches('\n').count();
        self.at = end;
    }
}

/// How long the block comment at the start of `rest` is; they nest.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The token at the start of `rest`: its kind, its text and how many bytes it takes.
fn token(rest: &str, first: char) -> (Kind, &str, usize) {
    if let Some((inner, len)) = string(rest) {
        return (Kind::Text, inner, len);
    }
    if let Some(raw) = rest.strip_prefix("r#").map(word).filter(|raw| !raw.is_empty()) {
        return (Kind::Word, raw, raw.len() + 2);
    }
    if let Some(quoted) = rest.strip_prefix("b'") {
        let len = character(quoted).unwrap_or(0) + 2;
        return (Kind::Other, &rest[..len.min(rest.len())], len);
    }
    if let Some(quoted) = rest.strip_prefix('\'') {
        // Without a closing quote it is a lifetime or a label.
        let len = 1 + character(quoted).unwrap_or_else(|| word(quoted).len());
        return (Kind::Other, &rest[..len], len);
    }
    if first.is_ascii_digit() {
        let len = number(rest);
        return (Kind::Other, &rest[..len], len);
    }
    let name = word(rest);
    if !name.is_empty() {
        return (Kind::Word, name, name.len());
    }
    let len = if ["::", "=>", "->"].iter().any(|sign| rest.starts_with(sign)) { 2 } else { first.len_utf8() };
    (Kind::Sign, &rest[..len], len)
}

/// A string of any kind (plain, byte, C, raw) at the start of `rest`: what is inside, and its whole length.
fn string(rest: &str) -> Option<(&str, usize)> {
    let bare = rest.trim_start_matches(['b', 'c']);
    if rest.len() - bare.len() > 1 {
        return None;
    }
    let raw = bare.strip_prefix('r');
    let opened = raw.unwrap_or(bare);
    let inner = opened.trim_start_matches('#');
    let hashes = opened.len() - inner.len();
    let inner = inner.strip_prefix('"')?;
    if raw.is_none() && hashes > 0 {
        return None;
    }
    let begin = rest.len() - inner.len();
    let (end, close) = if raw.is_some() {
        let close = format!("\"{}", "#".repeat(hashes));
        (inner.find(&close), close.len())
    } else {
        let mut escaped = false;
        let quote = inner.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        (quote, 1)
    };
    Some(match end {
        Some(end) => (&inner[..end], begin + end + close),
        None => (inner, rest.len()),
    })
}

/// The length of a character literal after its first quote, with the closing one; nothing if none closes it.
fn character(quoted: &str) -> Option<usize> {
    let mut chars = quoted.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (after, _) = chars.nth(1)?;
        return quoted[after..].find('\'').map(|end| after + end + 1);
    }
    chars.next().filter(|&(_, c)| c == '\'').map(|(at, _)| at + 1)
}

fn number(rest: &str) -> usize {
    let plain = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let whole = plain(rest);
    match rest[whole..].strip_prefix('.') {
        // `1.5`, but neither `1..5` nor `1.max(5)`.
        Some(part) if part.starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + plain(part),
        _ => whole,
    }
}

fn word(rest: &str) -> &str {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    &rest[..end]
}

#[test]
fn only_code_becomes_tokens() {
    let text = r####"
        // thread_rng
        /* todo!() /* nested */ dbg!() */
        fn a<'t>(r#type: &'t str) { b("x \" // y", r#"q "z" "#, b'\'', '"', 'x', b"k", 1.5, 1..2) }
        'outer: loop {}
    "####;
    let all = tokens(text);
    let of = |kind| all.iter().filter(|t| t.kind == kind).map(|t| t.text).collect::<Vec<_>>().join(" ");
    assert_eq!(of(Kind::Word), "fn a type str b loop");
    assert_eq!(of(Kind::Text), r#"x \" // y q "z"  k"#);
    assert_eq!(of(Kind::Other), r#"'t 't b'\'' '"' 'x' 1.5 1 2 'outer"#);
    assert_eq!(all.last().map(|t| t.line), Some(5));
}

#[test]
fn text_that_is_no_rust_does_no_harm() {
    for text in ["\"open", "r#\"open", "/* open", "'", "b'", "'\\", "r#", "é'é", "'é'", "1.", "b", "bc\"x\""]
    {
        tokens(text);
    }
}
