//! No wildcard arm over `Input`, `Effect` or `Seen`.
//!
//! Why: the three are closed so that a new variant does not compile until every place that handles them has decided.
//! With `_ =>` a new effect is dropped in silence. `if let` and `matches!` stay free: they ask after one variant and
//! say so. Tests are not exempt: a simulated world that drops an effect proves nothing.

use super::Finding;
use super::lexer::Token;
use super::paths::paths;
use super::source::{House, Source};

const CLOSED: [&str; 3] = ["Input", "Effect", "Seen"];

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    house.sources.values().flat_map(of_file).collect()
}

fn of_file(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, _) in source.tokens.iter().enumerate().filter(|(_, token)| token.is("match")) {
        let arms = arms(source, at);
        let own = self_type(source, at);
        let Some(closed) = arms.iter().find_map(|arm| arm.closed(own)) else { continue };
        findings.extend(arms.iter().filter(|arm| arm.catches_all()).map(|arm| {
            let say = format!(
                "a wildcard arm over `{closed}` drops every variant that is added later: name those that are left"
            );
            Finding::new(source.path(), arm.line(), say)
        }));
    }
    for named in paths(source).iter().filter(|named| named.import) {
        // Variants by their bare names, or under another, would hide the match from the loop above.
        let within = named.words.iter().rev().skip(1).find(|word| CLOSED.contains(word));
        let renamed = named.words.last().filter(|word| CLOSED.contains(word) && named.renamed);
        if let Some(closed) = within.or(renamed) {
            let say =
                format!("write the variants as `{closed}::Name`, so that a wildcard arm over them is seen");
            findings.push(Finding::new(source.path(), named.line, say));
        }
    }
    findings
}

/// A pattern with its guard: what stands before `=>`.
struct Arm<'s, 't>(&'s [Token<'t>]);

impl<'s, 't> Arm<'s, 't> {
    fn line(&self) -> usize {
        self.0.first().map_or(1, |token| token.line)
    }

    /// The alternatives of the pattern, without guard and without what only binds (`&`, `ref`, `name @`, parentheses).
    fn alternatives(&self) -> Vec<&'s [Token<'t>]> {
        let guard = split(self.0, "if").next().unwrap_or(self.0);
        split(guard, "|").map(bare).filter(|pattern| !pattern.is_empty()).collect()
    }

    /// The closed enum whose variant an alternative names; `own` is what `Self` stands for.
    fn closed(&self, own: Option<&'t str>) -> Option<&'t str> {
        self.alternatives().into_iter().find_map(|pattern| {
            let path = pattern.iter().take_while(|t| t.is_word() || t.is("::")).filter(|t| t.is_word());
            let words: Vec<&str> =
                path.map(|t| if t.text == "Self" { own.unwrap_or("Self") } else { t.text }).collect();
            let (_, before) = words.split_last()?;
            before.iter().copied().find(|word| CLOSED.contains(word))
        })
    }

    fn catches_all(&self) -> bool {
        self.alternatives().into_iter().any(|pattern| match pattern {
            [only] => {
                let small = only.text.starts_with(|c: char| c.is_lowercase() || c == '_');
                only.is_word() && small && !["true", "false"].contains(&only.text)
            }
            _ => false,
        })
    }
}

/// A pattern without what only binds.
fn bare<'s, 't>(mut pattern: &'s [Token<'t>]) -> &'s [Token<'t>] {
    loop {
        pattern = match pattern {
            [first, rest @ ..] if ["&", "ref", "mut"].iter().any(|sign| first.is(sign)) => rest,
            [name, at, rest @ ..] if name.is_word() && at.is("@") => rest,
            [first, inner @ .., last] if first.is("(") && last.is(")") => inner,
            _ => return pattern,
        };
    }
}

/// The parts of a run of tokens between those that are `sign`, outside all brackets.
fn split<'s, 't>(tokens: &'s [Token<'t>], sign: &'s str) -> impl Iterator<Item = &'s [Token<'t>]> {
    let mut depth = Depth::default();
    tokens.split(move |token| depth.outside(token) && token.is(sign))
}

/// How deep in brackets a walk over tokens is.
#[derive(Default)]
struct Depth {
    brackets: usize,
    angles: usize,
    turbofish: bool,
}

impl Depth {
    /// Takes the next token; whether it stands outside all brackets (an opening one does not, a closing one neither).
    fn outside(&mut self, token: &Token<'_>) -> bool {
        let before = self.brackets + self.angles;
        if ["(", "[", "{"].iter().any(|sign| token.is(sign)) {
            self.brackets += 1;
        } else if [")", "]", "}"].iter().any(|sign| token.is(sign)) {
            self.brackets = self.brackets.saturating_sub(1);
        } else if token.is("<") && (self.turbofish || self.angles > 0) {
            self.angles += 1;
        } else if token.is(">") {
            self.angles = self.angles.saturating_sub(1);
        }
        self.turbofish = token.is("::");
        before + self.brackets + self.angles == 0
    }
}

/// The arms of the `match` at a token.
fn arms<'s, 't>(source: &'s Source<'t>, at: usize) -> Vec<Arm<'s, 't>> {
    let tokens = &source.tokens;
    let mut depth = Depth::default();
    // The first brace outside brackets opens the arms: what is matched on has none there.
    let open = (at + 1..tokens.len()).find(|&here| {
        let outside = depth.brackets == 0;
        depth.outside(&tokens[here]);
        outside && tokens[here].is("{")
    });
    let Some((open, close)) = open.and_then(|open| Some((open, source.closing(open)?))) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut depth = Depth::default();
    let mut begin = open + 1;
    let mut here = open + 1;
    while here < close {
        let outside = depth.outside(&tokens[here]);
        if outside && tokens[here].is("=>") {
            found.push(Arm(&tokens[begin..here]));
            // A block ends its arm, with a comma or without.
            if tokens[here + 1].is("{") {
                here = source.closing(here + 1).unwrap_or(close);
                begin = here + 1;
            }
        } else if outside && tokens[here].is(",") {
            // No pattern has a comma outside brackets, so one ends what came before it.
            begin = here + 1;
        }
        here += 1;
    }
    found
}

/// What `Self` stands for at a token: the type of the innermost `impl` block round it.
fn self_type<'t>(source: &Source<'t>, at: usize) -> Option<&'t str> {
    let tokens = &source.tokens;
    // Elsewhere, as in `-> impl Iterator`, it names a type and has no block.
    let block = |here: usize| {
        here == 0 || ["{", "}", ";", "]", "unsafe"].iter().any(|before| tokens[here - 1].is(before))
    };
    let mut starts = (0..at).rev().filter(|&here| tokens[here].is("impl") && block(here));
    starts.find_map(|start| {
        let open = (start..at).find(|&here| tokens[here].is("{"))?;
        (source.closing(open)? > at).then(|| named_type(&tokens[start + 1..open]))?
    })
}

/// The type that the head of an `impl` block is for: its last word outside `<…>` and before `where`.
fn named_type<'t>(head: &[Token<'t>]) -> Option<&'t str> {
    let mut depth = 0_i32;
    let mut name = None;
    for token in head.iter().take_while(|t| !t.is("where")) {
        if token.is("<") {
            depth += 1;
        } else if token.is(">") {
            depth -= 1;
        } else if depth == 0 && token.is_word() {
            name = Some(token.text);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::{reported, silent};

    const MAIN: &str = "src/main.rs";

    fn body(arms: &str) -> String {
        format!("//! Here.\nfn f(input: Input) {{\n    match input.get(|x| {{ x }}) {{\n{arms}\n    }}\n}}\n")
    }

    #[test]
    fn a_wildcard_arm_is_reported() {
        for (arms, line) in [
            ("Input::Tick => {}\n_ => {}", 5),
            ("Effect::Pace { to, .. } => a(),\n_ => b(),", 5),
            ("crate::input::Seen::Vote(v) => a(),\nother => b(other),", 5),
            ("Input::Tick => {},\n_ if late() => {}\nInput::Sample(s) => {}", 5),
            ("Input::Tick => a::<B, C>(match d { E::F => 1, G => 2 }),\nref other => b(other),", 5),
            ("Input::Tick | _ => {}", 4),
            ("x @ _ => {}\nInput::Tick => {}", 4),
            ("&Input::Tick => { c() }\n&_ => {}", 5),
            ("Input::Tick if a::<B, C>() => { match x { _ => {} } }\n(_) => {}", 5),
        ] {
            reported(&[(MAIN, &body(arms))], &[(MAIN, line, "a wildcard arm over `")]);
        }
    }

    #[test]
    fn a_wildcard_arm_in_the_enum_itself_is_reported() {
        let of = |head: &str| {
            format!(
                "//! Here.\n{head} {{\n    fn f(&self) -> impl A {{\n        match self {{\n            Self::Tick => 1,\n            _ => 2,\n        }}\n    }}\n}}\n"
            )
        };
        for head in [
            "impl Input",
            "impl<'a> Input<'a>",
            "impl fmt::Display for crate::input::Input",
            "impl A<B> for Effect where C: D",
        ] {
            reported(&[(MAIN, &of(head))], &[(MAIN, 6, "a wildcard arm over `")]);
        }
        silent(&[(MAIN, &of("impl Other"))]);
        silent(&[(MAIN, &of("impl From<Input> for Other"))]);
    }

    #[test]
    fn other_matches_are_free() {
        for arms in [
            "Input::Tick => {}\nInput::Sample(_) => {}",
            "Other::Tick => {}\n_ => {}",
            "Some(Input::Tick) => {}\n_ => {}",
            "Input::Tick => match x { 1 => {}, _ => {} },\nInput::Sample(_) => { match y { A::B => {}, other => {} } }",
            "Input::Tick => if matches!(x, Effect::A) { 1 } else { 2 },\nInput::Gone => 3,",
            "InputKind::Tick => {}\n_ => {}",
            "1 => Input::Tick,\n_ => Input::Gone,",
        ] {
            silent(&[(MAIN, &body(arms))]);
        }
        silent(&[(MAIN, "//! Here.\nfn f() {\n    if let Input::Tick = x { a() } else { b() }\n}\n")]);
    }

    #[test]
    fn variants_without_their_enum_are_reported() {
        for import in
            ["crate::input::Input::*", "crate::input::Input::{Tick}", "watchkeeper_core::input::Input as I"]
        {
            let text = format!("//! Here.\nuse {}\n", import.replace("crate::", "watchkeeper_core::") + ";");
            reported(&[(MAIN, &text)], &[(MAIN, 2, "write the variants as `Input::Name`")]);
        }
    }
}
