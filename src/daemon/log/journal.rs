//! The journal's own protocol: a datagram a line, with each field as a field (`journalctl WATCHKEEPER_SERVICE=shop`).
//!
//! A few lines of our own, since the thread that writes must be ours: who watches never waits for the journal.

use std::fmt;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::{Lines, Said};

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";
/// Of one field, in bytes: a datagram has an end.
const LONGEST: usize = 16 * 1024;

/// Whether that stream is the one that systemd has tied to the journal (`JOURNAL_STREAM`: device and inode).
pub(super) fn takes(stream: Option<&str>, output: impl AsFd) -> bool {
    let Some((device, inode)) = stream.and_then(|stream| stream.split_once(':')) else { return false };
    rustix::fs::fstat(output)
        .is_ok_and(|stat| device.parse() == Ok(stat.st_dev) && inode.parse() == Ok(stat.st_ino))
}

/// Hands it one entry.
pub(super) fn send(entry: &[u8], socket: &Path) -> std::io::Result<()> {
    UnixDatagram::unbound()?.send_to(entry, socket).map(drop)
}

/// Makes an entry of each event.
pub(super) struct Journal(pub(super) Lines);

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        let priority = match *event.metadata().level() {
            Level::ERROR => "3",
            Level::WARN => "4",
            Level::INFO => "6",
            Level::DEBUG | Level::TRACE => "7",
        };
        let mut entry = Vec::with_capacity(256);
        field(&mut entry, "MESSAGE", &format!("{}{}", told.message, told.behind));
        field(&mut entry, "PRIORITY", priority);
        field(&mut entry, "SYSLOG_IDENTIFIER", "watchkeeper");
        for (name, value) in &told.fields {
            field(&mut entry, name, value);
        }
        self.0.hand_over(Said::Entry(entry, format!("{}{}\n", told.message, told.behind)));
    }
}

/// An event's fields; behind the message they stand once more, for whoever reads only that.
#[derive(Default)]
struct Told {
    message: String,
    behind: String,
    fields: Vec<(String, String)>,
}

impl Told {
    fn take(&mut self, name: &str, value: String) {
        if name == "message" {
            self.message = value;
            return;
        }
        self.behind.push_str(&format!(" {name}={value}"));
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        self.fields.push((format!("WATCHKEEPER_{}", name.chars().map(plain).collect::<String>()), value));
    }
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value.to_owned());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field.name(), format!("{value:?}"));
    }
}

/// A value with a line's end in it is sent with its length before it.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    let value = value.as_bytes();
    let value = value.get(..LONGEST).unwrap_or(value);
    entry.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value);
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn an_event_arrives_with_its_fields() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("socket");
        let journal = UnixDatagram::bind(&path).expect("a socket");
        let (lines, said) = sync_channel(8);
        let subscriber = tracing_subscriber::registry().with(Journal(Lines(Some(lines))));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(service = Some("shop"), kind = "paged", why = "a\nb", "it is paged: {}", 1);
        });
        let Ok(Said::Entry(entry, text)) = said.try_recv() else { panic!("nothing was said") };
        assert_eq!(text, "it is paged: 1 service=shop kind=paged why=a\nb\n");
        send(&entry, &path).expect("it is sent");
        let mut taken = [0; 4_096];
        let count = journal.recv(&mut taken).expect("it arrives");
        let mut wanted = b"MESSAGE\n".to_vec();
        wanted.extend_from_slice(&46_u64.to_le_bytes());
        wanted.extend_from_slice(b"it is paged: 1 service=shop kind=paged why=a\nb\nPRIORITY=4\n");
        wanted.extend_from_slice(b"SYSLOG_IDENTIFIER=watchkeeper\nWATCHKEEPER_SERVICE=shop\n");
        wanted.extend_from_slice(b"WATCHKEEPER_KIND=paged\nWATCHKEEPER_WHY\n");
        wanted.extend_from_slice(&3_u64.to_le_bytes());
        wanted.extend_from_slice(b"a\nb\n");
        assert_eq!(String::from_utf8_lossy(&taken[..count]), String::from_utf8_lossy(&wanted));
        let long = "x".repeat(1 << 20);
        let mut entry = Vec::new();
        field(&mut entry, "LONG", &long);
        assert_eq!(entry.len(), LONGEST + 6);
        assert!(send(&entry, &dir.path().join("none")).is_err());
    }

    #[test]
    fn only_the_stream_that_systemd_names_is_the_journal() {
        let file = tempfile::tempfile().expect("a file");
        let stat = rustix::fs::fstat(&file).expect("its numbers");
        let named = format!("{}:{}", stat.st_dev, stat.st_ino);
        assert!(takes(Some(&named), &file));
        let other = format!("{}:{}", stat.st_dev, stat.st_ino + 1);
        for stream in [None, Some(""), Some("1"), Some("a:b"), Some(other.as_str())] {
            assert!(!takes(stream, &file), "{stream:?}");
        }
    }
}
