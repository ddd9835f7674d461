//! Asks a daemon's API, as the other subcommands need it: plain HTTP, one request, one answer. It decides nothing.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{WELL, complain, print};

/// An order is answered within 90 seconds.
const PATIENCE: Duration = Duration::from_secs(110);
/// No answer is longer.
const LONGEST: u64 = 64 << 20;

/// Where the daemon is, and who asks.
#[derive(Clone, Debug, Args)]
pub(super) struct Api {
    /// The daemon's API.
    #[arg(long, env = "WATCHKEEPER_API", default_value = "127.0.0.1:9470")]
    api: SocketAddr,
    /// A file with a token for it, where it asks for one.
    #[arg(long)]
    token_file: Option<PathBuf>,
}

/// What came back.
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: String,
}

impl Api {
    /// Reads.
    pub(super) fn get(&self, path: &str) -> Result<Answer, String> {
        self.ask("GET", path, None)
    }

    /// Says something, and prints how it was answered: exit 0 if it is so, 1 if it is not.
    pub(super) fn order(&self, path: &str, body: &Value) -> ExitCode {
        match self.ask("POST", path, Some(body)) {
            Ok(Answer { code, body }) => {
                let told: Option<Value> = serde_json::from_str(&body).ok();
                let text = told.as_ref().and_then(|told| told["text"].as_str()).unwrap_or(body.trim_end());
                if code < 300 {
                    print(&format!("{text}\n"));
                    WELL
                } else {
                    complain(&format!("watchkeeper: {text}\n"));
                    ExitCode::FAILURE
                }
            }
            Err(why) => fails(&why),
        }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, String> {
        let api = self.api;
        let gone = |why: std::io::Error| {
            format!(
                "no daemon answers at {api} ({why}): is it running, and is that its [api] listen (`--api`)?"
            )
        };
        let token = match &self.token_file {
            None => String::new(),
            Some(path) => {
                let token = fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))?;
                format!("authorization: Bearer {}\r\n", token.trim())
            }
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {api}\r\n{token}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect_timeout(&api, Duration::from_secs(5)).map_err(gone)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(gone)?;
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).map_err(gone)?;
        let mut answer = String::new();
        stream.take(LONGEST).read_to_string(&mut answer).map_err(gone)?;
        let odd = || format!("what answers at {api} is no watchkeeper");
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(odd)?;
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(odd)?;
        Ok(Answer { code, body: body.to_owned() })
    }
}

/// It could not be asked.
pub(super) fn fails(why: &str) -> ExitCode {
    complain(&format!("watchkeeper: {why}\n"));
    ExitCode::FAILURE
}

/// A name as it may stand in a path: the daemon says whether there is such a one.
pub(super) fn in_path(name: &str) -> Result<&str, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(plain) { Ok(name) } else { Err(format!("`{name}` is no name")) }
}
