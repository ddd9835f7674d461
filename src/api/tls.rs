//! The certificate that the API shows: read whole, checked against its key before anybody sees it, and dated.
//!
//! What cannot be used is refused with the name of its file. A certificate whose time is over can be used: a watcher that
//! did not start for it would watch nothing. It must never be served in the place of a good one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::config::secret::{Secret, Unreadable};
use crate::config::wiring::ServerTls;
use crate::core::time::Wall;

/// A file of certificates is no longer than this.
const LONGEST: u64 = 1 << 20;

/// A certificate with its key, ready to be shown.
#[derive(Clone)]
pub struct Certificate {
    pub(super) config: Arc<ServerConfig>,
    /// Of the chain and those who may call: whether it is still the same.
    print: [u8; 32],
    path: PathBuf,
    from: i64,
    until: i64,
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum NoCertificate {
    /// A file cannot be read.
    #[error("[api] tls: {} cannot be read: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// A file holds something else.
    #[error("[api] tls: {} {why}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key cannot be read.
    #[error("[api] tls: {0}")]
    Key(#[from] Unreadable),
    /// The key is none.
    #[error("[api] tls: {key} is no private key in PEM: {why}")]
    NoKey {
        /// Where it is kept.
        key: Secret,
        /// Why.
        why: String,
    },
    /// The key is another's.
    #[error("[api] tls: {key} does not belong to the certificate in {}: {why}; were both files renewed?", cert.display())]
    Mismatch {
        /// Where the key is kept.
        key: Secret,
        /// The certificate.
        cert: PathBuf,
        /// In rustls' words.
        why: String,
    },
    /// It was not good yet, or not any more.
    #[error("[api] tls: {0}")]
    NotNow(String),
}

impl Certificate {
    /// Reads the files, now.
    pub fn read(tls: &ServerTls) -> Result<Certificate, NoCertificate> {
        let pem = file(&tls.cert)?;
        let content = |path: &Path, why: String| NoCertificate::Content { path: path.to_owned(), why };
        let chain = certificates(&tls.cert, &pem)?;
        let first = chain.first().ok_or_else(|| content(&tls.cert, "holds no certificate in PEM".into()))?;
        let (_, shown) = x509_parser::parse_x509_certificate(first)
            .map_err(|why| content(&tls.cert, format!("holds a certificate that cannot be read: {why}")))?;
        let (from, until) = (shown.validity().not_before.timestamp(), shown.validity().not_after.timestamp());
        let secret = tls.key.read()?;
        let key = PrivateKeyDer::from_pem_slice(secret.expose_secret().as_bytes())
            .map_err(|why| NoCertificate::NoKey { key: tls.key.clone(), why: why.to_string() })?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certified = CertifiedKey::from_der(chain, key, &provider).map_err(|why| {
            let (key, cert) = (tls.key.clone(), tls.cert.clone());
            NoCertificate::Mismatch { key, cert, why: why.to_string() }
        })?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|why| content(&tls.cert, format!("cannot be served: {why}")))?;
        let mut print = Sha256::new();
        print.update(&pem);
        let builder = match &tls.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let pem = file(path)?;
                print.update(&pem);
                let mut roots = RootCertStore::empty();
                for root in certificates(path, &pem)? {
                    roots.add(root).map_err(|why| content(path, format!("holds no authority: {why}")))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(
                    verifier.map_err(|why| content(path, format!("names nobody who may call: {why}")))?,
                )
            }
        };
        let mut config =
            builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let print = print.finalize().into();
        Ok(Certificate { config: Arc::new(config), print, path: tls.cert.clone(), from, until })
    }

    /// Whether anybody would take it now.
    pub fn good_at(&self, wall: Wall) -> Result<(), NoCertificate> {
        let now = i64::try_from(wall.as_micros() / 1_000_000).unwrap_or(i64::MAX);
        let date = |secs: i64| Wall::secs(u64::try_from(secs).unwrap_or_default());
        let path = self.path.display();
        let say = |what: String| {
            NoCertificate::NotNow(format!("the certificate in {path} {what}: renew it, then reload"))
        };
        if now >= self.until {
            return Err(say(format!("ended at {}", date(self.until))));
        }
        if now < self.from {
            return Err(say(format!("is good only from {}", date(self.from))));
        }
        Ok(())
    }

    /// Whether it is that one.
    #[must_use]
    pub fn same(&self, other: &Certificate) -> bool {
        self.print == other.print
    }

    /// When it ends, in seconds since 1970.
    #[must_use]
    pub fn until(&self) -> i64 {
        self.until
    }
}

fn file(path: &Path) -> Result<Vec<u8>, NoCertificate> {
    let read = || {
        let about = std::fs::metadata(path)?;
        if !about.is_file() || about.len() > LONGEST {
            return Err(std::io::Error::other("it is no ordinary file of at most 1 MiB"));
        }
        std::fs::read(path)
    };
    read().map_err(|why| NoCertificate::File { path: path.to_owned(), why })
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, NoCertificate> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|why| NoCertificate::Content {
        path: path.to_owned(),
        why: format!("holds no certificate in PEM: {why}"),
    })
}
