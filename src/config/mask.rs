//! Blots out what may be a secret before a piece of a file is shown: what stands in a secret's place, and whatever is
//! written out under a name that sounds like one. It may blot out too much and must never blot out too little.

use super::place::At;

/// Words by which keys of secrets are called.
const SOUNDS: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "bearer",
    "dsn",
    "webhook",
    "routing_key",
    "api_key",
    "apikey",
    "signing",
    "authorization",
    "cookie",
    "credential",
];

/// Whether a key of that name holds a secret, as far as its name says.
pub(crate) fn sounds_secret(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    key == "key" || key.ends_with("_key") || SOUNDS.iter().any(|sound| key.contains(sound))
}

/// The text with the same lines and columns, and nothing in it that may be a secret.
pub(crate) fn text(text: &str, places: &[At]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for at in places {
        blot(&mut bytes, at.start as usize, at.end as usize);
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        for (from, to) in suspects(line) {
            blot(&mut bytes, start + from, start + to);
        }
        for (from, to) in logins(line) {
            blot(&mut bytes, start + from, start + to);
        }
        start += line.len();
    }
    // Only whole characters were replaced, but should that ever fail, nothing is shown.
    String::from_utf8(bytes).unwrap_or_default()
}

fn blot(bytes: &mut [u8], from: usize, to: usize) {
    for byte in bytes.iter_mut().take(to).skip(from).filter(|byte| **byte != b'\n') {
        *byte = b'*';
    }
}

/// Values in one line that stand right behind a key which sounds like a secret.
fn suspects(line: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    for (sign, _) in line.match_indices(['=', ':']) {
        let before = line[..sign].trim_end().trim_end_matches(['"', '\'']);
        let key = before.rsplit(|c: char| !is_key(c)).next().unwrap_or("");
        if key.is_empty() || !sounds_secret(key) || key == "credential" {
            continue;
        }
        let rest = &line[sign + 1..];
        let skipped = rest.len() - rest.trim_start().len();
        let value = rest.trim_start();
        let end = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                value[1..].rfind(quote).map_or(value.trim_end().len(), |end| end + 2)
            }
            Some('{' | '[' | '#') | None => continue,
            Some(_) => value.trim_end().len(),
        };
        let inside = value[..end].trim_matches(['"', '\'']);
        // A reference is no secret, and whoever mends it must see it.
        let reference = inside.starts_with('{') && inside.ends_with('}') && !inside.contains(' ');
        if !reference {
            found.push((sign + 1 + skipped, sign + 1 + skipped + end));
        }
    }
    found
}

/// `name:password` before the host of a URL.
fn logins(line: &str) -> Vec<(usize, usize)> {
    line.match_indices("://")
        .filter_map(|(at, sign)| {
            let start = at + sign.len();
            let rest = &line[start..];
            let end = rest.find(['/', '"', '\'', ' ', '\n', '?', '#']).unwrap_or(rest.len());
            let login = rest[..end].rfind('@')?;
            let colon = rest[..login].find(':')?;
            Some((start + colon + 1, start + login))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sounds_like_a_secret_is_blotted_out_and_references_are_not() {
        for (line, shown) in [
            ("password = \"hunter2\" # x\n", "password = ********* # x\n"),
            ("auth = { user = \"u\", password = 'x' }", "auth = { user = \"u\", password = *** }"),
            ("headers = { Authorization = \"Bearer x\" }", "headers = { Authorization = ********** }"),
            ("token: s3cret", "token: ******"),
            ("dsn = \"{region.db}\"", "dsn = \"{region.db}\""),
            ("token = { credential = \"hb\" }", "token = { credential = \"hb\" }"),
            ("url = \"http://me:pw@host/\"", "url = \"http://me:**@host/\""),
            ("interval = \"10s\"", "interval = \"10s\""),
        ] {
            assert_eq!(text(line, &[]), shown);
        }
        let at = At { file: 0, start: 4, end: 9 };
        assert_eq!(text("x = \"äb\"\n", &[at]), "x = *****\n");
    }
}
