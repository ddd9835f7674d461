//! `slack` by incoming webhook: one JSON text; 200 is taken, and what the answer says about another try.
//!
//! The address is the secret: it is read at each use, and stands in no line of ours.

use serde_json::json;
use url::Url;

use super::{Kit, words};
use crate::chronicle::Owed;
use crate::config::secret::Secret;
use crate::config::wiring::People;
use crate::core::time::{Now, Span};

/// Slack shows no more of a text than this.
const LONGEST: usize = 3_000;
/// Who says neither how long nor when.
const SAID_NOTHING: Span = Span::secs(30);
/// Nobody is left alone for longer.
const LONGEST_WAIT: Span = Span::hours(24);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was taken.
    Taken,
    /// It is not taken, however often it is brought.
    Refused(String),
    /// Another try may help: not sooner than so long, where it says so.
    Again(String, Option<Span>),
}

pub(super) async fn send(kit: &Kit, people: &People, webhook: &Secret, owed: &Owed) -> Sent {
    let url = match webhook.read() {
        Ok(url) => url,
        // Somebody may mend it at any time.
        Err(why) => return Sent::Refused(why.to_string()),
    };
    let url = match Url::parse(secrecy::ExposeSecret::expose_secret(&url)) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        _ => return Sent::Refused(format!("what is in {webhook} is no address of the web")),
    };
    let body = json!({ "text": text(&words::of(people, &kit.observer, owed)) }).to_string();
    match kit.post.post(&url, body, kit.limits.attempt).await {
        Err(why) => Sent::Again(why, None),
        Ok(answer) => sort(answer.status, answer.retry_after.as_deref(), (kit.clock)()),
    }
}

fn sort(status: u16, retry_after: Option<&str>, now: Now) -> Sent {
    let said = || format!("Slack answers {status}");
    match status {
        200..=299 => Sent::Taken,
        429 => Sent::Again(said(), Some(after(retry_after, now).unwrap_or(SAID_NOTHING))),
        408 | 425 | 500..=599 => Sent::Again(said(), after(retry_after, now)),
        _ => Sent::Refused(said()),
    }
}

/// Seconds, or a date.
fn after(said: Option<&str>, now: Now) -> Option<Span> {
    let said = said?.trim();
    let wait = match said.parse::<u64>() {
        Ok(secs) => Span::secs(secs),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(said).ok()?.timestamp().as_microsecond();
            let at = crate::core::time::Wall::micros(u64::try_from(at).ok()?);
            at.since(now.wall)
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

/// In Slack's way of writing: three characters mean something else there.
fn text(words: &words::Words) -> String {
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text = format!("{} *{}*", words.sign, plain(&words.head));
    for line in &words.lines {
        text += &format!("\n{}", plain(line));
    }
    let mut text: String = text.chars().take(LONGEST).collect();
    let links: Vec<String> =
        words.links.iter().map(|(name, url)| format!("<{}|{}>", plain(url), plain(name))).collect();
    if !links.is_empty() {
        text += &format!("\n{}", links.join(" · "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::time::{Mono, Wall};

    #[test]
    fn an_answer_says_whether_another_try_helps() {
        let now = Now { mono: Mono::BOOT, wall: Wall::secs(784_111_770) };
        assert_eq!(sort(200, None, now), Sent::Taken);
        for refused in [400, 403, 404, 410, 302] {
            assert!(matches!(sort(refused, None, now), Sent::Refused(_)), "{refused}");
        }
        let wait = |status, said| match sort(status, said, now) {
            Sent::Again(_, wait) => wait,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(429, Some("30")), Some(Span::secs(30)));
        assert_eq!(wait(429, Some("Sun, 06 Nov 1994 08:49:37 GMT")), Some(Span::secs(7)), "a date");
        assert_eq!(wait(429, Some("soon")), Some(SAID_NOTHING));
        assert_eq!(wait(503, None), None);
        assert_eq!(wait(429, Some("999999999")), Some(LONGEST_WAIT));
    }

    #[test]
    fn what_slack_would_take_for_its_own_is_written_plain() {
        let words = words::Words {
            sign: ":x:",
            head: "shop <b>".to_owned(),
            lines: vec!["a & b".to_owned()],
            links: vec![("room".to_owned(), "https://x/?a=1&b=2".to_owned())],
        };
        assert_eq!(text(&words), ":x: *shop &lt;b&gt;*\na &amp; b\n<https://x/?a=1&amp;b=2|room>");
    }
}
