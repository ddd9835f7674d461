//! Every path that a file names, in imports and in code, one by one: `use crate::{a::B, c}` is two.

use super::lexer::Token;
use super::source::{Place, Source};

/// A path as it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named<'t> {
    /// Its words; the last of an import may be `*`.
    pub(crate) words: Vec<&'t str>,
    /// Whether it stands in a `use`.
    pub(crate) import: bool,
    /// Whether it is imported under another name.
    pub(crate) renamed: bool,
    /// The token where it, or its part of a braced import, begins.
    pub(crate) at: usize,
    pub(crate) line: usize,
}

impl Named<'_> {
    /// The same path from the crate's root, if its first word says that it is one of this crate: `crate`, `self`,
    /// `super`, the crate's own name, or a module declared right here.
    pub(crate) fn absolute(&self, source: &Source<'_>, place: &Place, own_name: &str) -> Option<Vec<String>> {
        let mut at = source.module(self.at, place);
        let mut words = self.words.iter().peekable();
        match *words.next()? {
            "self" => {}
            "super" => drop(at.pop()),
            first if first == "crate" || first == own_name => at.clear(),
            first if source.declares(self.at, first) => at.push(first.to_owned()),
            _ => return None,
        }
        while words.next_if(|&&word| word == "super").is_some() {
            at.pop();
        }
        at.extend(words.filter(|&&word| word != "self").map(|&word| word.to_owned()));
        Some(at)
    }

    /// Whether these words stand in it, side by side.
    pub(crate) fn has(&self, words: &[&str]) -> bool {
        self.words.windows(words.len()).any(|window| window == words)
    }

    /// As it reads.
    pub(crate) fn text(&self) -> String {
        self.words.join("::")
    }
}

/// All paths of a file: those of imports, and in code those of two words or more.
pub(crate) fn paths<'t>(source: &Source<'t>) -> Vec<Named<'t>> {
    let tokens = &source.tokens;
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|t| t.is(text));
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // `use<'a>` is no import, but a bound.
        if is(at, "use") && !is(at + 1, "<") {
            at = tree(tokens, at + 1, &[], &mut found);
            continue;
        }
        let goes_on = at > 1 && is(at - 1, "::") && (tokens[at - 2].is_word() || is(at - 2, ">"));
        if tokens[at].is_word() && is(at + 1, "::") && !goes_on {
            let (begin, mut words) = (at, vec![tokens[at].text]);
            while is(at + 1, "::") && tokens.get(at + 2).is_some_and(Token::is_word) {
                at += 2;
                words.push(tokens[at].text);
            }
            // `pub(in crate::x)` names a module above and uses nothing of it.
            let visibility = begin > 1 && is(begin - 1, "in") && is(begin - 2, "(");
            if !visibility {
                found.push(Named {
                    words,
                    import: false,
                    renamed: false,
                    at: begin,
                    line: tokens[begin].line,
                });
            }
        }
        at += 1;
    }
    found
}

/// One tree of an import, after `use`, `{` or `,`; returns where it ends.
fn tree<'t>(tokens: &[Token<'t>], mut at: usize, before: &[&'t str], found: &mut Vec<Named<'t>>) -> usize {
    let begin = at;
    let mut words = before.to_vec();
    let (mut grouped, mut renamed) = (false, false);
    while let Some(token) = tokens.get(at) {
        if token.is("as") {
            renamed = true;
            at += 2;
        } else if token.is("{") {
            grouped = true;
            at += 1;
            while tokens.get(at).is_some_and(|t| !t.is("}") && !t.is(";")) {
                at = tree(tokens, at, &words, found);
                at += usize::from(tokens.get(at).is_some_and(|t| t.is(",")));
            }
            at += 1;
        } else if token.is_word() || token.is("*") {
            words.push(token.text);
            at += 1;
        } else if token.is("::") {
            at += 1;
        } else {
            break;
        }
    }
    if !grouped && at > begin {
        found.push(Named { words, import: true, renamed, at: begin, line: tokens[begin].line });
    }
    // Whatever stands here, go on: text that is no Rust must not hold the walk up.
    at.max(begin + usize::from(tokens.get(begin).is_some_and(|t| !t.is(",") && !t.is("}") && !t.is(";"))))
}

#[cfg(test)]
mod tests {
    use super::super::source::House;
    use super::super::tree::Tree;
    use super::*;

    #[test]
    fn nested_imports_and_paths_in_code_are_told_one_by_one() {
        let text = "
            use crate::{a::{B, self}, c as d, e::*};
            pub(in crate::x) use super::f;
            fn g() -> impl Fn() + use<> { ::std::h(); <I as crate::j::K>::l(); m::n::<crate::o::P>(q) }
            use;
            use {,};
        ";
        let tree = Tree::default().with("src/lib.rs", text).with("Cargo.toml", "[package]");
        let house = House::read(&tree);
        let found = paths(&house.sources["src/lib.rs"]);
        let words: Vec<_> = found.iter().map(|named| (named.text(), named.line)).collect();
        let expected = [
            ("crate::a::B", 2),
            ("crate::a::self", 2),
            ("crate::c", 2),
            ("crate::e::*", 2),
            ("super::f", 3),
            ("std::h", 4),
            ("crate::j::K", 4),
            ("m::n", 4),
            ("crate::o::P", 4),
        ];
        assert_eq!(words, expected.map(|(text, line)| (text.to_owned(), line)));
    }

    #[test]
    fn a_path_is_told_from_the_root() {
        let text = "mod b { use super::super::c::D; use self::e::F; use crate::g; use x::h; use std::i; \
            mod j; use j::k; use l::m; } mod l;";
        let tree = Tree::default()
            .with("src/lib.rs", "mod a;")
            .with("src/a.rs", text)
            .with("Cargo.toml", "[package]");
        let house = House::read(&tree);
        let source = &house.sources["src/a.rs"];
        let absolute =
            |named: &Named<'_>| named.absolute(source, &source.places[0], "x").map(|words| words.join("::"));
        let found: Vec<_> = paths(source).iter().map(absolute).collect();
        let expected =
            [Some("c::D"), Some("a::b::e::F"), Some("g"), Some("h"), None, Some("a::b::j::k"), None];
        assert_eq!(found, expected.map(|path| path.map(str::to_owned)));
    }
}
