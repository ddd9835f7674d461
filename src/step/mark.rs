//! The mark of a resource: the newest token that it has seen, kept at the provider in a form that it compares itself.
//! What is no token must never be taken for an old one.

use crate::core::authority::{ClusterId, Epoch, Token};

use super::came::Came;

/// What the provider's mark is to our token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighed {
    /// There is none, or an older one of our cluster.
    Older,
    /// It is ours: this very call has landed.
    Ours,
    /// A newer one, or of another cluster: nothing may be changed.
    NotOurs(Token),
}

/// Reads a mark; what is there and is no token is an error.
pub(crate) fn weigh(found: Option<&str>, ours: Token) -> Result<Weighed, Came> {
    let Some(found) = found else { return Ok(Weighed::Older) };
    let Some(mark) = parse(found) else {
        return Err(Came::refused(
            "the mark of this resource is no token: something else uses its place; remove it",
        ));
    };
    Ok(match mark.partial_cmp(&ours) {
        Some(std::cmp::Ordering::Less) => Weighed::Older,
        Some(std::cmp::Ordering::Equal) => Weighed::Ours,
        Some(std::cmp::Ordering::Greater) | None => Weighed::NotOurs(mark),
    })
}

/// Nothing was changed, and the core must hear of the mark.
pub(crate) fn not_ours(mark: Token, op: crate::core::plan::Op) -> Came {
    let came = Came::not_handed(op, format!("the resource has seen the newer or foreign token {mark}"));
    Came { mark: Some(mark), ..came }
}

fn parse(text: &str) -> Option<Token> {
    let mut parts = text.split('.');
    let (cluster, epoch, serial) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || cluster.len() != 32 {
        return None;
    }
    Some(Token {
        cluster: ClusterId(u128::from_str_radix(cluster, 16).ok()?),
        epoch: Epoch(epoch.parse().ok()?),
        serial: serial.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(cluster: u128, epoch: u64, serial: u64) -> Token {
        Token { cluster: ClusterId(cluster), epoch: Epoch(epoch), serial }
    }

    #[test]
    fn a_mark_is_read_back_and_weighed() {
        let ours = token(7, 3, 10);
        for (found, weighed) in [
            (token(7, 3, 9), Weighed::Older),
            (token(7, 2, 99), Weighed::Older),
            (ours, Weighed::Ours),
            (token(7, 3, 11), Weighed::NotOurs(token(7, 3, 11))),
            (token(7, 4, 1), Weighed::NotOurs(token(7, 4, 1))),
            (token(8, 1, 1), Weighed::NotOurs(token(8, 1, 1))),
        ] {
            assert_eq!(weigh(Some(&found.to_string()), ours).ok(), Some(weighed), "{found}");
        }
        assert_eq!(weigh(None, ours).ok(), Some(Weighed::Older));
        for bad in
            ["", "7.3.1", "x", "00000000000000000000000000000007.3", "00000000000000000000000000000007.3.1.1"]
        {
            assert!(weigh(Some(bad), ours).is_err(), "{bad}");
        }
    }
}
