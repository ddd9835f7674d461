//! As much of Redis's protocol as the daemon's probes ask: `PING`, `ROLE` and `INFO`, so that the toy's store says in a
//! store's own words whether it takes writes and how far it lags. Nothing is changed by it.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::server::{Role, Says, Server};

/// No command has more words, and no word more bytes.
const MOST: usize = 64;

/// Answers until the caller has gone, or says what is no command.
pub(super) async fn talk(mut stream: TcpStream, server: &Arc<Server>) -> io::Result<()> {
    let (reads, mut writes) = stream.split();
    let mut reads = BufReader::new(reads);
    while let Some(words) = command(&mut reads).await? {
        writes.write_all(answer(&words, &server.says()).as_bytes()).await?;
    }
    Ok(())
}

/// The next command; none: that was all, or it is none.
async fn command(reads: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> io::Result<Option<Vec<String>>> {
    let Some(count) = number(reads, '*').await? else { return Ok(None) };
    let mut words = Vec::new();
    for _ in 0..count {
        let Some(length) = number(reads, '$').await? else { return Ok(None) };
        let mut word = vec![0; length + 2];
        reads.read_exact(&mut word).await?;
        word.truncate(length);
        words.push(String::from_utf8_lossy(&word).to_uppercase());
    }
    Ok(Some(words))
}

async fn number(reads: &mut (impl tokio::io::AsyncBufRead + Unpin), mark: char) -> io::Result<Option<usize>> {
    let mut line = String::new();
    reads.take(MOST as u64).read_line(&mut line).await?;
    let number = line.trim_end().strip_prefix(mark).and_then(|number| number.parse().ok());
    Ok(number.filter(|number| *number <= MOST))
}

fn answer(words: &[String], says: &Says) -> String {
    let offset = says.applied;
    match words.first().map(String::as_str) {
        Some("PING") => "+PONG\r\n".to_owned(),
        Some("ROLE") => match says.role {
            Role::Primary => format!("*3\r\n$6\r\nmaster\r\n:{offset}\r\n*0\r\n"),
            Role::Standby(_) | Role::Fenced => {
                let link = if says.linked { "connected" } else { "connect" };
                let length = link.len();
                format!("*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:0\r\n${length}\r\n{link}\r\n:{offset}\r\n")
            }
        },
        Some("INFO") => {
            let info = info(says);
            format!("${}\r\n{info}\r\n", info.len())
        }
        _ => "-ERR unknown command\r\n".to_owned(),
    }
}

fn info(says: &Says) -> String {
    let offset = says.applied;
    if says.role == Role::Primary {
        return format!("# Replication\r\nrole:master\r\nmaster_repl_offset:{offset}\r\n");
    }
    let silent =
        says.silent.map_or(-1, |silent| i64::try_from(silent.as_micros() / 1_000_000).unwrap_or(i64::MAX));
    let (link, down) = if says.linked { ("up", -1) } else { ("down", silent) };
    format!(
        "# Replication\r\nrole:slave\r\nmaster_link_status:{link}\r\nmaster_last_io_seconds_ago:{silent}\r\n\
         master_link_down_since_seconds:{down}\r\nslave_read_repl_offset:{offset}\r\nslave_repl_offset:{offset}\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_its_role_as_a_store_does() {
        let says = |role, linked| Says { role, linked, applied: 7, silent: None };
        let asked = |word: &str, says: &Says| answer(&[word.to_owned()], says);
        let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(asked("ROLE", &says(Role::Primary, false)).contains("master\r\n:7"));
        assert!(asked("ROLE", &says(Role::Standby(peer), true)).contains("\r\nconnected\r\n"));
        assert!(asked("ROLE", &says(Role::Fenced, false)).contains("slave"));
        assert!(asked("INFO", &says(Role::Standby(peer), false)).contains("master_link_status:down"));
        assert!(asked("SET", &says(Role::Primary, false)).starts_with("-ERR"));
    }
}
