//! Who may do what: bearer tokens by their hash, and loopback where there are none.
//!
//! A request that a web page makes somebody's browser send is refused, whoever sits at it. A token is never kept, logged
//! or compared in the clear. Without tokens only this machine is answered, wherever the port is open.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::Doors;
use crate::config::wiring::{Token, TokenRole};

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Who asks: what they bring, and where they are.
pub(super) struct Asker {
    pub(super) headers: HeaderMap,
    peer: IpAddr,
}

impl FromRequestParts<Doors> for Asker {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &Doors) -> Result<Asker, Infallible> {
        // Whoever comes from nowhere is no neighbour.
        let peer =
            parts.extensions.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(ip)| ip.to_canonical());
        Ok(Asker { headers: parts.headers.clone(), peer })
    }
}

impl Asker {
    /// From where it is said, for the chronicle.
    pub(super) fn place(&self) -> String {
        self.peer.to_string()
    }

    /// On this machine.
    fn local(&self) -> bool {
        self.peer.is_loopback()
    }

    /// What is brought as `Authorization: Bearer …`.
    pub(super) fn bearer(&self) -> Option<&str> {
        let bearer = self.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim)
    }
}

/// Refused, and in which words.
pub(super) type Refused = (StatusCode, String);

/// Who speaks, if they may do that.
pub(super) fn who(doors: &Doors, asker: &Asker, needs: TokenRole) -> Result<String, Refused> {
    allowed(&doors.access.borrow().tokens, asker, needs, (doors.wall)())
}

fn allowed(tokens: &[Token], asker: &Asker, needs: TokenRole, now: u64) -> Result<String, Refused> {
    if needs > TokenRole::Viewer && asker.headers.contains_key(header::ORIGIN) {
        return Err((StatusCode::FORBIDDEN, "orders are not taken from web pages\n".to_owned()));
    }
    if tokens.is_empty() {
        let say = "without an [api.token.NAME] only its own machine is answered\n";
        let refused = (StatusCode::FORBIDDEN, say.to_owned());
        return if asker.local() { Ok("local".to_owned()) } else { Err(refused) };
    }
    let Some(brought) = asker.bearer() else {
        return Err((StatusCode::UNAUTHORIZED, "bring a token: `Authorization: Bearer …`\n".to_owned()));
    };
    match known(tokens, brought, now) {
        None => Err((StatusCode::UNAUTHORIZED, "that token is not known, or it has expired\n".to_owned())),
        Some(token) if token.role < needs => {
            Err((StatusCode::FORBIDDEN, format!("the token `{}` may not do that\n", token.name)))
        }
        Some(token) => Ok(token.name.as_str().to_owned()),
    }
}

/// Metrics and health are nobody's secret on this machine; anywhere else they need a token as all else does.
pub(super) fn may_look(doors: &Doors, asker: &Asker) -> Result<(), Refused> {
    if asker.local() { Ok(()) } else { who(doors, asker, TokenRole::Viewer).map(drop) }
}

/// Compares with each, and each whole: how long that takes says nothing of any.
fn known<'a>(tokens: &'a [Token], brought: &str, now: u64) -> Option<&'a Token> {
    let hash: [u8; 32] = Sha256::digest(brought.as_bytes()).into();
    let mut found = None;
    for token in tokens {
        let lives = token.expires.is_none_or(|end| now < end.as_micros() / 1_000_000);
        if bool::from(token.sha256.ct_eq(&hash) & Choice::from(u8::from(lives))) {
            found = Some(token);
        }
    }
    found
}

/// Whether what is brought is what is wanted; neither length nor time says how near it was.
pub(crate) fn equal(brought: &str, wanted: &str) -> bool {
    let hash = |text: &str| -> [u8; 32] { Sha256::digest(text.as_bytes()).into() };
    hash(brought).ct_eq(&hash(wanted)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::Name;
    use crate::core::time::Wall;

    const NEAR: &str = "127.0.0.1";
    const FAR: &str = "192.0.2.7";

    fn asker(peer: &str, bearer: Option<&str>) -> Asker {
        let mut headers = HeaderMap::new();
        if let Some(bearer) = bearer {
            headers.insert(header::AUTHORIZATION, bearer.parse().expect("a header"));
        }
        Asker { headers, peer: peer.parse::<IpAddr>().expect("an address").to_canonical() }
    }

    fn token(called: &str, role: TokenRole) -> Token {
        let sha256 = Sha256::digest(called.as_bytes()).into();
        Token { name: Name::new(called).expect("a name"), sha256, role, expires: Some(Wall::secs(100)) }
    }

    fn code(tokens: &[Token], asker: &Asker, needs: TokenRole) -> u16 {
        allowed(tokens, asker, needs, 99).map_or_else(|(code, _)| code.as_u16(), |_| 200)
    }

    #[test]
    fn without_tokens_only_this_machine_is_answered() {
        for (peer, wanted) in [
            (NEAR, 200),
            ("127.8.8.8", 200),
            ("::1", 200),
            ("::ffff:127.0.0.1", 200),
            (FAR, 403),
            ("::2", 403),
        ] {
            for needs in [TokenRole::Viewer, TokenRole::Operator, TokenRole::Admin] {
                assert_eq!(code(&[], &asker(peer, None), needs), wanted, "{peer}");
                assert_eq!(code(&[], &asker(peer, Some("Bearer x")), needs), wanted, "{peer}");
            }
        }
        let mut page = asker(NEAR, None);
        page.headers.insert(header::ORIGIN, "http://evil.example".parse().expect("a header"));
        assert_eq!(code(&[], &page, TokenRole::Operator), 403);
        assert_eq!(code(&[], &page, TokenRole::Viewer), 200, "what a page reads, its browser keeps from it");
    }

    #[test]
    fn a_token_may_what_its_role_may_and_no_more() {
        use TokenRole::{Admin, Approver, Operator, Viewer};
        let roles = [("v", Viewer), ("o", Operator), ("p", Approver), ("a", Admin)];
        let tokens = roles.map(|(name, role)| token(name, role));
        for (at, (name, _)) in roles.iter().enumerate() {
            for (needed, (_, needs)) in roles.iter().enumerate() {
                let asker = asker(FAR, Some(&format!("Bearer {name}")));
                assert_eq!(code(&tokens, &asker, *needs), if needed <= at { 200 } else { 403 }, "{name}");
            }
        }
        for bearer in [None, Some("Bearer "), Some("Bearer x"), Some("bearer a"), Some("Basic a"), Some("a")]
        {
            assert_eq!(code(&tokens, &asker(NEAR, bearer), Viewer), 401, "{bearer:?}");
        }
        let late = allowed(&tokens, &asker(NEAR, Some("Bearer a")), Viewer, 100);
        assert_eq!(late.expect_err("it has expired").0, StatusCode::UNAUTHORIZED);
    }
}
