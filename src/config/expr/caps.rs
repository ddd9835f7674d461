//! What an expectation may be at most, looked at before the parser sees it: the parser and the evaluation recurse.
//!
//! It reads characters, never structure, so it errs on the side of refusing.

use super::BadExpr;

/// Characters.
pub(super) const LONGEST: usize = 1_024;
/// Brackets inside brackets. In a build without optimisation a dozen fill a stack of 2 MB.
pub(super) const DEEPEST: usize = 6;
/// Operators in all, since each is a level of the tree.
pub(super) const OPERATORS: usize = 40;
/// Signs (`!`, `-`) one after the other, and choices (`a ? b : c`) in all.
const CHAIN: usize = 4;

/// Refuses what would cost the parser its stack.
pub(super) fn check(text: &str) -> Result<(), BadExpr> {
    let bad = |at: usize, message: String| Err(BadExpr { at, message });
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        return bad(
            at,
            format!("an expectation has at most {LONGEST} characters: split it, all of a list must hold"),
        );
    }
    let (mut depth, mut operators, mut signs, mut choices) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if let Some(end) = quote {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == end => quote = None,
                _ => {}
            }
            continue;
        }
        if c.is_control() && !matches!(c, '\n' | '\t' | '\r') {
            return bad(at, "a control character has no place in an expectation".to_owned());
        }
        if c == '`' || (c == '/' && before == '/') {
            return bad(at, "neither comments nor back-quotes have a place in an expectation".to_owned());
        }
        signs = match c {
            '!' | '-' => signs + 1,
            _ if c.is_whitespace() => signs,
            _ => 0,
        };
        match c {
            '\'' | '"' => quote = Some(c),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' => choices += 1,
            _ => {}
        }
        // A member is a level, too.
        if matches!(c, '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '&' | '|' | '?' | '.' | '[') {
            let second = matches!((before, c), ('=' | '<' | '>' | '!', '=') | ('&', '&') | ('|', '|'));
            operators += usize::from(!second);
        }
        if depth > DEEPEST {
            return bad(at, format!("brackets may stand in one another at most {DEEPEST} deep"));
        }
        if operators > OPERATORS {
            return bad(
                at,
                format!(
                    "an expectation has at most {OPERATORS} operators: split it, all of a list must hold"
                ),
            );
        }
        if signs > CHAIN || choices > CHAIN {
            return bad(at, format!("at most {CHAIN} signs in a row and {CHAIN} choices"));
        }
        before = c;
    }
    match quote {
        Some(_) => bad(text.len(), "a text in it is not closed".to_owned()),
        None => Ok(()),
    }
}
