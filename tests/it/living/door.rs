//! The API's door: tokens and roles, TLS with certificates good and bad, and what one client may take of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use watchkeeper::config::wiring::{ServerTls, Token, TokenRole};
use watchkeeper::core::time::Wall;

use super::talk::{send, talk_over};
use super::*;

/// An authority of the test's own, and a folder with what it has signed.
struct Authority {
    dir: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let dir = tempfile::tempdir().expect("a folder");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("an authority");
        std::fs::write(dir.path().join("ca.pem"), root.pem()).expect("written");
        Authority { dir, issuer: Issuer::new(params, key) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a certificate for localhost that is good in these years, and its key.
    fn writes(&self, cert: &str, key: &str, years: (i32, i32)) {
        let mut params =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("parameters");
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(years.0, 1, 1), rcgen::date_time_ymd(years.1, 1, 1));
        let pair = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&pair, &self.issuer).expect("signed");
        std::fs::write(self.path(cert), signed.pem()).expect("written");
        std::fs::write(self.path(key), pair.serialize_pem()).expect("written");
    }

    fn tls(&self, cert: &str, key: &str) -> Option<ServerTls> {
        Some(ServerTls { cert: self.path(cert), key: Secret::File(self.path(key)), client_ca: None })
    }
}

fn token(called: &str, role: TokenRole) -> Token {
    Token { name: name(called), sha256: Sha256::digest(called.as_bytes()).into(), role, expires: None }
}

fn setup(tls: Option<ServerTls>) -> Setup {
    let mut edge = Edge::default();
    edge.api.tls = tls;
    edge.api.tokens = vec![
        token("look", TokenRole::Viewer),
        token("work", TokenRole::Operator),
        token("all", TokenRole::Admin),
        Token { expires: Some(Wall::secs(1_700_000_000)), ..token("old", TokenRole::Admin) },
    ];
    Setup { policy: toy::policy(0, 1), probes: Vec::new(), references: Vec::new(), edge }
}

/// Asks by TLS: the answer, and the certificate that was shown; or why there was none.
async fn secured(
    at: SocketAddr,
    ca: &Path,
    asked: (&str, &str),
    bearer: &str,
) -> Result<(u16, String, Vec<u8>), String> {
    secured_as(at, ca, asked, bearer, None).await
}

/// The same, with a certificate of our own and its key.
async fn secured_as(
    at: SocketAddr,
    ca: &Path,
    asked: (&str, &str),
    bearer: &str,
    ours: Option<(PathBuf, PathBuf)>,
) -> Result<(u16, String, Vec<u8>), String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("an authority")).expect("it is one");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("TLS").with_root_certificates(roots);
    let config = match ours {
        None => config.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = vec![CertificateDer::from_pem_file(cert).expect("a certificate")];
            let key = PrivateKeyDer::from_pem_file(key).expect("a key");
            config.with_client_auth_cert(chain, key).expect("they belong together")
        }
    };
    let name = ServerName::try_from("localhost").expect("a name");
    let plain = TcpStream::connect(at).await.expect("the API listens");
    let stream =
        TlsConnector::from(Arc::new(config)).connect(name, plain).await.map_err(|why| why.to_string())?;
    let shown = stream.get_ref().1.peer_certificates().expect("a certificate")[0].to_vec();
    let ((method, path), head) = (asked, if bearer.is_empty() { "x-nobody" } else { "authorization" });
    let asked = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{head}: Bearer {bearer}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    let (code, body) = talk_over(stream, &asked).await.map_err(|why| why.to_string())?;
    Ok((code, body, shown))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_tls_each_token_may_what_its_role_may() {
    let (dir, ours) = (tempfile::tempdir().expect("a folder"), Authority::new());
    ours.writes("cert.pem", "key.pem", (2020, 2060));
    let loaded: Loaded = Arc::new(Mutex::new(Ok(setup(ours.tls("cert.pem", "key.pem")))));
    let running =
        daemon::start(config(&loaded), place(dir.path())).await.unwrap_or_else(|why| panic!("{why}"));
    let (at, ca) = (running.address, ours.path("ca.pem"));
    let ask = async |method, path, bearer| {
        secured(at, &ca, (method, path), bearer).await.map(|(code, body, _)| (code, body)).expect("an answer")
    };

    for (bearer, looks, works, rules) in [
        ("", 401, 401, 401),
        ("wrong", 401, 401, 401),
        ("old", 401, 401, 401),
        ("look", 200, 403, 403),
        ("work", 200, 200, 403),
        ("all", 200, 200, 200),
    ] {
        let (code, said) = ask("GET", "/api/v1/status", bearer).await;
        assert_eq!(code, looks, "{bearer}: {said}");
        let (code, said) = ask("POST", "/api/v1/pause", bearer).await;
        // Whoever may is answered by the core: there is no record yet.
        let wanted = if works == 200 { 409 } else { works };
        assert!(code == wanted && (code < 409 || said.contains("no record")), "{bearer}: {code} {said}");
        let (code, said) = ask("POST", "/-/reload", bearer).await;
        assert_eq!(code, rules, "{bearer}: {said}");
    }
    assert_eq!(ask("GET", "/-/healthy", "").await.0, 200);
    let metrics = ask("GET", "/metrics", "").await.1;
    assert!(
        metrics.contains("watchkeeper_api_certificate_expires_timestamp_seconds 2840140800"),
        "{metrics}"
    );

    let (code, said) = get(at, "/api/v1/status").await;
    assert!(code == 400 && said.contains("this port speaks TLS"), "{code} {said}");

    // Bad files change nothing, and are named.
    let before = secured(at, &ca, ("GET", "/-/healthy"), "").await.expect("an answer").2;
    ours.writes("new.pem", "new.key", (2020, 2060));
    ours.writes("late.pem", "late.key", (2020, 2021));
    std::fs::write(ours.path("junk.pem"), "junk\n").expect("written");
    for (cert, key, says) in [
        ("new.pem", "key.pem", vec!["key.pem does not belong to the certificate in", "new.pem"]),
        ("late.pem", "late.key", vec!["late.pem ended at 2021-01-01T00:00:00Z"]),
        ("junk.pem", "key.pem", vec!["junk.pem holds no certificate"]),
        ("none.pem", "key.pem", vec!["none.pem cannot be read"]),
        ("new.pem", "junk.pem", vec!["junk.pem is no private key"]),
        ("new.pem", "none.key", vec!["none.key cannot be read"]),
    ] {
        *loaded.lock().expect("a lock") = Ok(setup(ours.tls(cert, key)));
        let why = running.reload().await.expect_err("it is refused");
        assert!(says.iter().all(|word| why.contains(word)), "{cert} {key}: {why}");
        let shown = secured(at, &ca, ("GET", "/-/healthy"), "").await.expect("an answer").2;
        assert_eq!(shown, before, "the one before is shown on");
    }
    let mut moved = setup(ours.tls("cert.pem", "key.pem"));
    moved.edge.api.listen = "127.0.0.1:1".parse().expect("an address");
    *loaded.lock().expect("a lock") = Ok(moved);
    let why = running.reload().await.expect_err("it is refused");
    assert!(why.contains("needs another start"), "{why}");

    // The same names with renewed files; and a token that is taken away.
    ours.writes("cert.pem", "key.pem", (2020, 2061));
    let mut fewer = setup(ours.tls("cert.pem", "key.pem"));
    fewer.edge.api.tokens.retain(|token| token.name != name("look"));
    *loaded.lock().expect("a lock") = Ok(fewer);
    assert_eq!(running.reload().await, Ok(()));
    let (code, _, shown) = secured(at, &ca, ("GET", "/api/v1/status"), "look").await.expect("an answer");
    assert!(code == 401 && shown != before, "{code}");

    // The command line asks by https, and takes no certificate that it does not know.
    std::fs::write(ours.path("token"), "work\n").expect("written");
    let cli = |ca: Option<&Path>, port: u16| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
        command.args(["status", "--api", &format!("https://localhost:{port}"), "--token-file"]);
        command.arg(ours.path("token"));
        command.args(ca.map(|ca| ["--ca".into(), ca.as_os_str().to_owned()]).into_iter().flatten());
        tokio::task::spawn_blocking(move || command.output().expect("it runs"))
    };
    let text = |out: Output| String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    let said = text(cli(Some(&ca), at.port()).await.expect("it ends"));
    assert!(said.starts_with("o0 at ") && said.contains("\nshop: "), "{said}");
    let said = text(cli(None, at.port()).await.expect("it ends"));
    assert!(said.contains("cannot be asked by TLS") && said.contains("UnknownIssuer"), "{said}");
    running.end().await;

    // At a start a key of another is refused; a certificate whose time is over is served, and nobody takes it.
    let start = async |cert, key| {
        let loaded: Loaded = Arc::new(Mutex::new(Ok(setup(ours.tls(cert, key)))));
        daemon::start(config(&loaded), place(dir.path())).await
    };
    let refused = start("new.pem", "key.pem").await.err().expect("it is refused");
    assert!(matches!(&refused, Stopped::Access(why) if why.contains("new.pem")), "{refused}");
    let running = start("late.pem", "late.key").await.unwrap_or_else(|why| panic!("{why}"));
    let why = secured(running.address, &ca, ("GET", "/-/healthy"), "").await.expect_err("it has expired");
    assert!(why.contains("xpired"), "{why}");
    running.end().await;

    // Where those who may call are named, nobody else is even heard.
    let mut tls = ours.tls("cert.pem", "key.pem");
    tls.as_mut().expect("TLS").client_ca = Some(ca.clone());
    let loaded: Loaded = Arc::new(Mutex::new(Ok(setup(tls))));
    let running =
        daemon::start(config(&loaded), place(dir.path())).await.unwrap_or_else(|why| panic!("{why}"));
    let (at, asked) = (running.address, ("GET", "/api/v1/status"));
    let why = secured(at, &ca, asked, "look").await.expect_err("nobody knows who calls");
    assert!(why.contains("ertificateRequired") || why.contains("reset"), "{why}");
    let own = Some((ours.path("new.pem"), ours.path("new.key")));
    assert_eq!(secured_as(at, &ca, asked, "look", own).await.map(|(code, ..)| code), Ok(200));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_takes_no_more_than_its_share() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut open = setup(None);
    open.edge.api.tokens.clear();
    let running = daemon::start(config(&Arc::new(Mutex::new(Ok(open)))), place(dir.path())).await;
    let running = running.unwrap_or_else(|why| panic!("{why}"));
    let at = running.address;
    let large = format!("\"{}\"", "x".repeat(70_000));
    assert_eq!(send(at, "POST", "/api/v1/pause", &large, &[]).await.0, 413);
    assert_eq!(send(at, "GET", "/health", "", &[("x-long", &"x".repeat(20_000))]).await.0, 431);

    // Half a request on one connection, half a body on another, and as many silent ones as one address may have.
    let half = TcpStream::connect(at).await.expect("a connection");
    half.try_write(b"GET / HT").expect("written");
    let body = TcpStream::connect(at).await.expect("a connection");
    let head = b"POST /api/v1/pause HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
    body.try_write(head).expect("written");
    let mut silent = Vec::new();
    while silent.len() < 62 {
        silent.push(TcpStream::connect(at).await.expect("a connection"));
    }
    let mut taken = [0; 1];
    let mut more = TcpStream::connect(at).await.expect("the kernel takes it");
    // At once, and not as those are that say nothing for too long.
    let cut = tokio::time::timeout(Duration::from_secs(5), more.read(&mut taken)).await;
    assert!(matches!(cut, Ok(Ok(0) | Err(_))), "it is cut off: {cut:?}");

    let mut said = String::new();
    let (mut half, mut body) = (half, body);
    body.read_to_string(&mut said).await.expect("it is answered");
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    for one in silent.iter_mut().chain([&mut half]) {
        let mut rest = Vec::new();
        // Whether it is told or not: it ends.
        drop(one.read_to_end(&mut rest).await);
    }
    until("there is room again", async || get(at, "/-/healthy").await.0 == 200).await;
    let metrics = get(at, "/metrics").await.1;
    let refused = metrics.lines().find(|line| line.starts_with("watchkeeper_api_connections_refused_total "));
    assert!(refused.is_some_and(|line| !line.ends_with(" 0")), "{refused:?}");
    running.end().await;
}
