//! `tls`, and TLS under `http` and `tcp`: good, expired, of another name, of a stranger, and no TLS at all.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use watchkeeper::config::probe::{ClientCert, Kind, Tcp, Tls};
use watchkeeper::config::secret::Secret;
use watchkeeper::core::health::{Blindness, Failure};

use super::child::free_port;
use super::evil::{End, Evil, black_hole};
use super::look::{blind, failed, http, kind, look, look_for, ok};

/// An authority of the test's own, and what it signs.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    root: rcgen::Certificate,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "the test's own");
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), root.pem()).unwrap();
        Authority { folder, issuer: Issuer::new(params, key), root }
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn sign(&self, name: &str, years: (i32, i32)) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// What a server needs to call itself so, in those years.
    pub(crate) fn server(&self, name: &str, years: (i32, i32), asks: bool, alpn: &[&[u8]]) -> TlsAcceptor {
        let (cert, key) = self.sign(name, years);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.root.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = builder.with_single_cert(vec![cert.der().clone()], key).unwrap();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// The same for a server that reads files: its certificate, and its key, which only `owner` may read.
    pub(crate) fn files(
        &self,
        name: &str,
        years: (i32, i32),
        owner: Option<(u32, u32)>,
    ) -> (PathBuf, PathBuf) {
        let (cert, key) = self.sign(name, years);
        let place = |kind: &str| self.folder.path().join(format!("{name}-{}.{kind}", years.1));
        let (cert_file, key_file) = (place("pem"), place("key"));
        std::fs::write(&cert_file, cert.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::set_permissions(self.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(&key_file, Some(user), Some(group)).unwrap();
        }
        (cert_file, key_file)
    }

    fn client(&self) -> ClientCert {
        let (cert, key) = self.sign("client", (2020, 2060));
        std::fs::write(self.folder.path().join("client.pem"), cert.pem()).unwrap();
        std::fs::write(self.folder.path().join("client.key"), key.serialize_pem()).unwrap();
        ClientCert {
            cert: self.folder.path().join("client.pem"),
            key: Secret::File(self.folder.path().join("client.key")),
        }
    }
}

/// Answers one HTTP request a connection.
async fn serve(acceptor: TlsAcceptor) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut one = JoinSet::new();
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => {
                    let acceptor = acceptor.clone();
                    one.spawn(async move {
                        let Ok(mut stream) = acceptor.accept(stream).await else { return };
                        let mut buffer = [0; 4_096];
                        if let Ok(1..) = stream.read(&mut buffer).await {
                            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.ok();
                            stream.shutdown().await.ok();
                        }
                    });
                }
                Some(_) = one.join_next() => {}
            }
        }
    });
    (port, tasks)
}

fn tls(port: u16, name: &str, ca: Option<PathBuf>) -> Kind {
    Kind::Tls(Tls { address: format!("127.0.0.1:{port}"), name: Some(name.to_owned()), ca })
}

#[tokio::test]
async fn a_certificate_is_checked_and_dated() {
    let ours = Authority::new();
    let (port, _tasks) = serve(ours.server("shop.test", (2020, 2060), false, &[])).await;
    let found = look(tls(port, "shop.test", Some(ours.ca())), &["days_left > 14"]).await;
    ok(&found);
    failed(&look(tls(port, "shop.test", Some(ours.ca())), &["days_left > 99999"]).await, Failure::Unmet(0));
    failed(&look(tls(port, "other.test", Some(ours.ca())), &[]).await, Failure::Untrusted);
    let stranger = Authority::new();
    failed(&look(tls(port, "shop.test", Some(stranger.ca())), &[]).await, Failure::Untrusted);
    let (port, _tasks) = serve(ours.server("shop.test", (2020, 2021), false, &[])).await;
    let found = look(tls(port, "shop.test", Some(ours.ca())), &["days_left > -99999"]).await;
    failed(&found, Failure::Untrusted);
    assert!(found.detail.contains("days ago"), "{}", found.detail);
    blind(&look(tls(port, "shop.test", Some("/nowhere.pem".into())), &[]).await, Blindness::Secret);
}

#[tokio::test]
async fn what_is_no_tls_has_failed() {
    let ca = Authority::new();
    let at = |port| tls(port, "shop.test", Some(ca.ca()));
    failed(&look(at(free_port()), &[]).await, Failure::Refused);
    let hole = black_hole();
    failed(&look_for(at(hole.port), &[], 300).await, Failure::TimedOut);
    for (bytes, end, failure) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], End::Close, Failure::BadAnswer),
        (b"", End::Close, Failure::Closed),
        (b"\x16\x03\x03\x40\x00", End::Close, Failure::Closed),
        (b"\x15\x03\x03\x00\x02\x02\x28", End::Close, Failure::BadAnswer),
        (b"XXXXXXXX", End::Endless, Failure::BadAnswer),
    ] {
        let evil = Evil::saying(bytes, end).await;
        failed(&look(at(evil.port), &[]).await, failure);
    }
    let silent = Evil::saying(b"", End::Hang).await;
    failed(&look_for(at(silent.port), &[], 300).await, Failure::TimedOut);
}

#[tokio::test]
async fn http_and_tcp_go_through_it() {
    let ours = Authority::new();
    let (port, _tasks) = serve(ours.server("localhost", (2020, 2060), false, &[b"http/1.1"])).await;
    let mut secure = http(&format!("https://localhost:{port}/"));
    secure.ca = Some(ours.ca());
    ok(&look(kind(secure.clone()), &["status == 200", "days_left > 14", "body == 'ok'"]).await);
    let stranger = Authority::new();
    secure.ca = Some(stranger.ca());
    failed(&look(kind(secure), &[]).await, Failure::Untrusted);
    let send = Some("GET / HTTP/1.1\r\n\r\n".to_owned());
    let tcp = Tcp { address: format!("localhost:{port}"), send, tls: true, ca: Some(ours.ca()) };
    ok(&look(Kind::Tcp(tcp), &["answer.startsWith('HTTP/1.1 200')"]).await);
}

#[tokio::test]
async fn we_say_who_we_are_where_that_is_asked_for() {
    let ours = Authority::new();
    let (port, _tasks) = serve(ours.server("localhost", (2020, 2060), true, &[])).await;
    let mut secure = http(&format!("https://localhost:{port}/"));
    secure.ca = Some(ours.ca());
    let found = look(kind(secure.clone()), &[]).await;
    assert!(matches!(found.outcome, watchkeeper::core::health::Outcome::Failed(_)), "{found:?}");
    secure.auth.client = Some(ours.client());
    ok(&look(kind(secure), &["body == 'ok'"]).await);
}
