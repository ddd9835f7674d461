//! Who may do what: bearer tokens by their hash, and loopback where there are none.
//!
//! A request that a web page makes somebody's browser send is refused, whoever sits at it. A token is never kept, logged
//! or compared in the clear.

use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

use super::Doors;

/// What a token's bearer may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read.
    Viewer,
    /// Give orders.
    Operator,
    /// Approve.
    Approver,
    /// Everything.
    Admin,
}

/// A token, by its hash.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its name in the config: that is who speaks.
    pub name: String,
    /// The SHA-256 of what is brought.
    pub sha256: [u8; 32],
    /// What its bearer may do.
    pub role: Role,
    /// From then on it is worth nothing, in seconds since 1970.
    pub expires: Option<u64>,
}

/// Who speaks, if they may do that.
pub(super) fn who(doors: &Doors, headers: &HeaderMap, needs: Role) -> Result<String, (StatusCode, String)> {
    if needs > Role::Viewer && headers.contains_key(header::ORIGIN) {
        return Err((StatusCode::FORBIDDEN, "orders are not taken from web pages\n".to_owned()));
    }
    if doors.tokens.is_empty() {
        return Ok("local".to_owned());
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(brought) = bearer.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err((StatusCode::UNAUTHORIZED, "bring a token: `Authorization: Bearer …`\n".to_owned()));
    };
    let hash: [u8; 32] = Sha256::digest(brought.trim().as_bytes()).into();
    let now = (doors.wall)();
    let valid = |token: &&Token| token.sha256 == hash && token.expires.is_none_or(|end| now < end);
    match doors.tokens.iter().find(valid) {
        None => Err((StatusCode::UNAUTHORIZED, "that token is not known, or it has expired\n".to_owned())),
        Some(token) if token.role < needs => {
            Err((StatusCode::FORBIDDEN, format!("the token `{}` may not do that\n", token.name)))
        }
        Some(token) => Ok(token.name.clone()),
    }
}
