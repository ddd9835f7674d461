//! Asks a daemon's API, as the other subcommands need it: one request, one answer, by TLS if it is asked by https. It
//! decides nothing, and never takes a certificate that is not good.

use std::fs;
use std::io::Read as _;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use super::{WELL, complain, print};

/// An order is answered within 90 seconds.
const PATIENCE: Duration = Duration::from_secs(110);
/// No answer is longer.
const LONGEST: u64 = 64 << 20;

/// Where the daemon is, and who asks.
#[derive(Clone, Debug, Args)]
pub(super) struct Api {
    /// The daemon's API: an address and a port, or `https://NAME:PORT` where it has a certificate.
    #[arg(long, env = "WATCHKEEPER_API", default_value = "127.0.0.1:9470")]
    api: String,
    /// A file with the authorities that its certificate may be from; the system's, if none is named.
    #[arg(long, env = "WATCHKEEPER_CA")]
    ca: Option<PathBuf>,
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

    /// Says something.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        self.ask("POST", path, Some(body))
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
        let (secured, api) = match self.api.split_once("://") {
            None => (false, self.api.as_str()),
            Some(("http", rest)) => (false, rest.trim_end_matches('/')),
            Some(("https", rest)) => (true, rest.trim_end_matches('/')),
            Some((other, _)) => return Err(format!("`{other}` is no way to ask: write http or https")),
        };
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
        let address = api.to_socket_addrs().map_err(gone)?.next();
        let address = address.ok_or_else(|| format!("`{api}` has no address"))?;
        let mut plain = TcpStream::connect_timeout(&address, Duration::from_secs(5)).map_err(gone)?;
        plain.set_read_timeout(Some(PATIENCE)).map_err(gone)?;
        let mut answer = String::new();
        let mut talk = |stream: &mut dyn Talk| {
            stream.write_all(head.as_bytes())?;
            stream.write_all(body.as_bytes())?;
            stream.take(LONGEST).read_to_string(&mut answer)
        };
        if secured {
            let name = api.rsplit_once(':').map_or(api, |(name, _)| name).trim_matches(['[', ']']);
            let mut stream = StreamOwned::new(self.secured(name)?, plain);
            talk(&mut stream).map_err(|why| {
                format!("{api} cannot be asked by TLS ({why}): is its certificate good, and from `--ca`?")
            })?;
        } else {
            talk(&mut plain).map_err(gone)?;
        }
        let odd = || format!("what answers at {api} is no watchkeeper");
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(odd)?;
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(odd)?;
        Ok(Answer { code, body: body.to_owned() })
    }
}

impl Api {
    /// A connection that takes only a good certificate of that name.
    fn secured(&self, name: &str) -> Result<ClientConnection, String> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(path) => {
                let wrong = |why: &dyn std::fmt::Display| format!("--ca {}: {why}", path.display());
                for one in authorities(path)? {
                    roots.add(one).map_err(|why| wrong(&why))?;
                }
                if roots.is_empty() {
                    return Err(wrong(&"it holds no certificate"));
                }
            }
            // Those of the system that cannot be read are as good as not there.
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|why| format!("no TLS can be set up: {why}"))?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(name.to_owned());
        let name = name.map_err(|why| format!("no certificate can be for `{}`: {why}", self.api))?;
        ClientConnection::new(Arc::new(config), name).map_err(|why| format!("no TLS can be set up: {why}"))
    }
}

fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("--ca {}: {why}", path.display());
    let pem = fs::read(path).map_err(|why| wrong(&why))?;
    CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|why| wrong(&why))
}

/// A connection, plain or not.
trait Talk: std::io::Read + std::io::Write {}
impl<T: std::io::Read + std::io::Write> Talk for T {}

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
