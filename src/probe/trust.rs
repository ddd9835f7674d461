//! TLS as a client: whom we trust, who we are, one handshake, and the certificate that was shown.
//!
//! Every handshake is a full one: a resumed session would not show whether the certificate is still good. Files are
//! read at each look and taken up when they have changed. A certificate is never left unchecked, save where a DSN's
//! `sslmode=prefer` asks for just that.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Kit, Phase, Seen, Why, blind, failed, wire};
use crate::config::probe::ClientCert;
use crate::core::health::{Blindness, Failure};

/// A file of certificates is no longer than this.
const LONGEST: u64 = 4 << 20;

/// What one probe's handshakes need, made again only when its files have changed.
pub(crate) struct Trust {
    ca: Option<PathBuf>,
    client: Option<ClientCert>,
    made: Mutex<Option<([u8; 32], Made)>>,
}

#[derive(Clone)]
struct Made {
    config: Arc<ClientConfig>,
    verifier: Arc<WebPkiServerVerifier>,
}

/// The certificate that was shown, good or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown(Arc<Mutex<Option<CertificateDer<'static>>>>);

impl Trust {
    pub(crate) fn new(ca: Option<PathBuf>, client: Option<ClientCert>) -> Trust {
        Trust { ca, client, made: Mutex::new(None) }
    }

    /// A configuration for one handshake, and where the certificate will be.
    pub(super) fn config(
        &self,
        kit: &Kit,
        alpn: Option<&[u8]>,
        checked: bool,
    ) -> Result<(ClientConfig, Shown), Why> {
        let made = self.made(kit)?;
        let mut config = (*made.config).clone();
        let shown = Shown::default();
        let watching = Watching { inner: made.verifier, shown: shown.clone(), checked };
        config.dangerous().set_certificate_verifier(Arc::new(watching));
        config.alpn_protocols = alpn.map(|protocol| vec![protocol.to_vec()]).unwrap_or_default();
        Ok((config, shown))
    }

    fn made(&self, kit: &Kit) -> Result<Made, Why> {
        let ca = self.ca.as_ref().map(|path| file(path)).transpose()?;
        let client = match &self.client {
            Some(client) => {
                let key = client.key.read().map_err(|why| blind(Blindness::Secret, why.to_string()))?;
                Some((file(&client.cert)?, key))
            }
            None => None,
        };
        let mut print = Sha256::new();
        print.update(ca.as_deref().unwrap_or_default());
        if let Some((cert, key)) = &client {
            print.update(cert);
            print.update(key.expose_secret().as_bytes());
        }
        let print: [u8; 32] = print.finalize().into();
        let mut kept = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, made)) = &*kept
            && *of == print
        {
            return Ok(made.clone());
        }
        let roots = match &ca {
            Some(pem) => Arc::new(roots_in(pem)?),
            None => kit.roots(),
        };
        let made =
            make(kit, roots, client.as_ref().map(|(cert, key)| (cert.as_slice(), key.expose_secret())))?;
        *kept = Some((print, made.clone()));
        Ok(made)
    }

    /// One handshake with whoever calls itself `name`.
    pub(crate) async fn handshake(
        &self,
        seen: &mut Seen<'_>,
        stream: TcpStream,
        name: &str,
        alpn: Option<&[u8]>,
    ) -> Result<TlsStream<TcpStream>, Why> {
        let (config, shown) = self.config(seen.kit, alpn, true)?;
        let server = server_name(name)?;
        let connector = TlsConnector::from(Arc::new(config));
        let secured = seen.phase(Phase::Tls, connector.connect(server, stream)).await;
        shown.note(seen);
        secured.map_err(|error| untrusted(&error, &shown, seen.kit))
    }
}

pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, Why> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        blind(Blindness::Evaluation, format!("`{name}` is no name that a certificate can carry"))
    })
}

fn file(path: &std::path::Path) -> Result<Vec<u8>, Why> {
    let read = || {
        let about = std::fs::metadata(path)?;
        if !about.is_file() || about.len() > LONGEST {
            return Err(std::io::Error::other("it is no ordinary file of a reasonable size"));
        }
        std::fs::read(path)
    };
    read().map_err(|error| blind(Blindness::Secret, format!("{} cannot be read: {error}", path.display())))
}

fn roots_in(pem: &[u8]) -> Result<RootCertStore, Why> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| blind(Blindness::Secret, format!("`ca`: {error}")))?;
        roots.add(certificate).map_err(|error| blind(Blindness::Secret, format!("`ca`: {error}")))?;
    }
    if roots.is_empty() {
        return Err(blind(Blindness::Secret, "`ca` holds no certificate"));
    }
    Ok(roots)
}

fn make(kit: &Kit, roots: Arc<RootCertStore>, client: Option<(&[u8], &str)>) -> Result<Made, Why> {
    let ours =
        |error: &dyn std::fmt::Display| blind(Blindness::Secret, format!("no TLS can be set up: {error}"));
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&kit.provider))
        .build()
        .map_err(|error| ours(&error))?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&kit.provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| ours(&error))?
        .with_webpki_verifier(Arc::clone(&verifier));
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = CertificateDer::pem_slice_iter(cert).collect::<Result<Vec<_>, _>>();
            let chain = chain.map_err(|error| ours(&error))?;
            // The parser's error could quote the key.
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                .map_err(|_| blind(Blindness::Secret, "the key for `cert` is no PEM key"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| ours(&error))?
        }
    };
    config.resumption = Resumption::disabled();
    Ok(Made { config: Arc::new(config), verifier })
}

/// What a handshake that failed says of the target.
pub(super) fn untrusted(error: &std::io::Error, shown: &Shown, kit: &Kit) -> Why {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(wrong)) => {
            let until = shown.days_left(kit).filter(|days| *days < 0.0);
            let expired = until.map_or_else(String::new, |days| format!(" (it ended {:.1} days ago)", -days));
            failed(Failure::Untrusted, format!("its certificate is not good: {wrong}{expired}"))
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            failed(Failure::BadAnswer, format!("it refuses our handshake: {alert:?}"))
        }
        Some(wrong) => failed(Failure::BadAnswer, format!("this is no TLS handshake: {wrong}")),
        None => wire::broken(error),
    }
}

impl Shown {
    /// How long the certificate is good for.
    pub(super) fn days_left(&self, kit: &Kit) -> Option<f64> {
        let certificate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate.as_deref()?).ok()?;
        let until = parsed.validity().not_after.timestamp();
        let now = i64::try_from(kit.now().wall.as_micros() / 1_000_000).ok()?;
        Some((until - now) as f64 / 86_400.0)
    }

    /// Puts it where expectations find it.
    pub(super) fn note(&self, seen: &mut Seen<'_>) {
        if let Some(days) = self.days_left(seen.kit) {
            seen.vars.set("days_left", days);
        }
    }
}

impl Kit {
    /// The system's authorities, read once; those that cannot be read are left out.
    fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(self.roots.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(roots)
        }))
    }
}

/// Checks as usual, and keeps what was shown also where it is refused.
#[derive(Debug)]
struct Watching {
    inner: Arc<WebPkiServerVerifier>,
    shown: Shown,
    checked: bool,
}

impl ServerCertVerifier for Watching {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.shown.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.clone().into_owned());
        if !self.checked {
            return Ok(ServerCertVerified::assertion());
        }
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
