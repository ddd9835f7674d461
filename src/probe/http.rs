//! `http`: one request, and what came back. Also what `prometheus` asks its server with.
//!
//! HTTP/1.1 by hyper itself, without a pool (docs/decisions/0024): a connection is fresh, or it is this probe's own
//! and lives between its looks. It must never follow a redirect that it was not told to, nor show its login to
//! another host.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret;
use url::Url;

use super::trust::Trust;
use super::wire::{self, Wire, beside};
use super::{Look, Phase, Seen, Why, blind, failed};
use crate::config::probe::{Given, Http as Wiring, Login};
use crate::core::health::{Blindness, Failure};

/// Of an answer's head; also hyper's buffer.
const HEAD: usize = 64 * 1024;
const REDIRECTS: usize = 10;

type Line = Connection<TokioIo<Wire>, Full<Bytes>>;

/// A connection that lives between looks. Nobody works on it meanwhile.
struct Kept {
    sender: SendRequest<Full<Bytes>>,
    line: Option<Pin<Box<Line>>>,
    /// How much may still be read from it.
    left: Arc<AtomicU64>,
}

/// An HTTP probe.
pub(crate) struct Http {
    wiring: Wiring,
    trust: Trust,
    body: Bytes,
    kept: Mutex<Option<Kept>>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// There was more than is read at most.
    pub(crate) cut: bool,
    location: Option<String>,
    /// When it may be asked again, as it says so.
    pub(crate) retry_after: Option<String>,
}

/// Whether an error may only mean that a kept connection had been closed meanwhile.
struct Lost {
    why: Why,
    stale: bool,
}

impl Http {
    pub(crate) fn new(wiring: Wiring) -> Http {
        let trust = Trust::new(wiring.ca.clone(), wiring.auth.client.clone());
        let body = wiring.body.clone().map(Bytes::from).unwrap_or_default();
        Http { wiring, trust, body, kept: Mutex::new(None) }
    }

    /// The request and, where it is told to, the redirects after it.
    pub(crate) async fn fetch(&self, seen: &mut Seen<'_>) -> Result<Answer, Why> {
        let first = &self.wiring.url;
        let mut answer = self.exchange(seen, first, true).await?;
        if !self.wiring.redirects {
            return Ok(answer);
        }
        let mut url = first.clone();
        for _ in 0..REDIRECTS {
            let Some(location) = answer.location.take().filter(|_| answer.status.is_redirection()) else {
                return Ok(answer);
            };
            let next =
                url.join(&location).map_err(|_| failed(Failure::BadAnswer, "it redirects to no URL"))?;
            if !matches!(next.scheme(), "http" | "https")
                || (url.scheme() == "https" && next.scheme() == "http")
            {
                return Err(failed(
                    Failure::BadAnswer,
                    format!("it redirects out of HTTPS, to {}", next.scheme()),
                ));
            }
            url = next;
            answer = self.exchange(seen, &url, url.origin() == first.origin()).await?;
        }
        Err(failed(Failure::BadAnswer, format!("it redirects more than {REDIRECTS} times")))
    }

    async fn exchange(&self, seen: &mut Seen<'_>, url: &Url, known: bool) -> Result<Answer, Why> {
        let keep = !self.wiring.fresh && known && *url == self.wiring.url;
        if keep {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(kept) = kept {
                kept.left.store(self.most(), Ordering::Relaxed);
                match self.over(seen, kept, url, known, keep).await {
                    Err(lost) if lost.stale => {}
                    done => return done.map_err(|lost| lost.why),
                }
            }
        }
        let opened = self.open(seen, url).await?;
        self.over(seen, opened, url, known, keep).await.map_err(|lost| lost.why)
    }

    /// Of one answer, head and body.
    fn most(&self) -> u64 {
        self.wiring.body_limit.saturating_add(2 * HEAD as u64)
    }

    async fn open(&self, seen: &mut Seen<'_>, url: &Url) -> Result<Kept, Why> {
        let host = url.host_str().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = url.port_or_known_default().unwrap_or(80);
        let stream = wire::connect(seen, host, port).await?;
        let most = self.most();
        let wire = if url.scheme() == "https" {
            Wire::tls(self.trust.handshake(seen, stream, host, Some(b"http/1.1")).await?, most)
        } else {
            Wire::plain(stream, most)
        };
        let wire = wire.through(seen.gate);
        let left = wire.left();
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD);
        let (sender, line) = builder.handshake(TokioIo::new(wire)).await.map_err(|error| self.why(&error))?;
        Ok(Kept { sender, line: Some(Box::pin(line)), left })
    }

    /// One request over one connection, which is kept afterwards where that is asked for and it still stands.
    async fn over(
        &self,
        seen: &mut Seen<'_>,
        mut on: Kept,
        url: &Url,
        known: bool,
        keep: bool,
    ) -> Result<Answer, Lost> {
        let request = self.request(url, known, keep).map_err(|why| Lost { why, stale: false })?;
        seen.begin(Phase::FirstByte);
        let Kept { sender, line, .. } = &mut on;
        if let Some(gate) = seen.gate {
            gate.arm();
        }
        let response = beside(line, async {
            sender.ready().await?;
            sender.send_request(request).await
        })
        .await;
        let response = response.map_err(|error| {
            let stale = keep && (error.is_closed() || error.is_canceled() || error.is_incomplete_message());
            Lost { why: self.why(&error), stale }
        })?;
        seen.begin(Phase::Answer);
        let answer = beside(line, self.answer(response)).await;
        seen.end();
        let answer = answer.map_err(|why| Lost { why, stale: false })?;
        if keep && !answer.cut && line.is_some() && !sender.is_closed() {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(on);
        }
        Ok(answer)
    }

    async fn answer(&self, response: Response<Incoming>) -> Result<Answer, Why> {
        let most = usize::try_from(self.wiring.body_limit).unwrap_or(usize::MAX);
        let (head, mut incoming) = response.into_parts();
        let location = if head.status.is_redirection() {
            head.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned)
        } else {
            None
        };
        let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|it| it.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let mut body = Bytes::new();
        let mut more = BytesMut::new();
        let mut cut = false;
        while let Some(frame) = incoming.frame().await {
            let Ok(data) = frame.map_err(|error| self.why(&error))?.into_data() else { continue };
            if body.len() + more.len() + data.len() > most {
                cut = true;
                break;
            }
            // Most answers come in one piece, which need not be copied.
            if body.is_empty() {
                body = data;
            } else {
                more.extend_from_slice(&data);
            }
        }
        if !more.is_empty() {
            let mut whole = BytesMut::with_capacity(body.len() + more.len());
            whole.extend_from_slice(&body);
            whole.extend_from_slice(&more);
            body = whole.freeze();
        }
        Ok(Answer { status: head.status, body, cut, location, retry_after })
    }

    /// What expectations may speak of.
    pub(crate) fn note(&self, seen: &mut Seen<'_>, answer: &Answer) -> Result<(), Why> {
        seen.vars.set("status", i64::from(answer.status.as_u16()));
        if !seen.wants("body") {
            return Ok(());
        }
        if answer.cut {
            let most = self.wiring.body_limit;
            let detail = format!("its body is longer than body_limit ({most} bytes)");
            return Err(failed(Failure::BadAnswer, detail));
        }
        match serde_json::from_slice::<serde_json::Value>(&answer.body) {
            Ok(json) => seen.vars.set_json("body", &json),
            Err(_) => {
                seen.body_is_text = true;
                seen.vars.set("body", String::from_utf8_lossy(&answer.body).into_owned());
            }
        }
        Ok(())
    }

    fn request(&self, url: &Url, known: bool, keep: bool) -> Result<Request<Full<Bytes>>, Why> {
        let ours = |what: String| blind(Blindness::Evaluation, what);
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = Request::builder().method(self.wiring.method.as_str()).uri(path);
        let headers =
            request.headers_mut().ok_or_else(|| ours(format!("`{}` is no request", self.wiring.method)))?;
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| ours(format!("`{host}` is no host")))?;
        headers.insert(header::HOST, host);
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("watchkeeper/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        if !keep {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        // Neither login nor headers of the operator's go to a host that they were not written for.
        if known {
            for (name, value) in &self.wiring.headers {
                let bad = || ours(format!("`{name}` is no header that can be sent"));
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
                let value = match value {
                    Given::Text(text) => HeaderValue::from_str(text).map_err(|_| bad())?,
                    Given::Secret(secret) => sensitive(read(secret)?.expose_secret()).ok_or_else(bad)?,
                };
                headers.insert(name, value);
            }
            if let Some(login) = self.login()? {
                headers.insert(header::AUTHORIZATION, login);
            }
        }
        request
            .body(Full::new(self.body.clone()))
            .map_err(|error| ours(format!("this is no request: {error}")))
    }

    fn login(&self) -> Result<Option<HeaderValue>, Why> {
        let text = match &self.wiring.auth.login {
            Login::None => return Ok(None),
            Login::Bearer(token) => format!("Bearer {}", read(token)?.expose_secret()),
            Login::Basic { user, password } => {
                let password = read(password)?;
                format!("Basic {}", base64(format!("{user}:{}", password.expose_secret()).as_bytes()))
            }
        };
        let value = sensitive(&text);
        value.map(Some).ok_or_else(|| blind(Blindness::Secret, "the login holds what no header can carry"))
    }

    /// What hyper's errors say of the target.
    fn why(&self, error: &hyper::Error) -> Why {
        if let Some(io) = wire::io_in(error) {
            return wire::broken(io);
        }
        if error.is_parse() {
            return failed(Failure::BadAnswer, format!("this is no HTTP answer: {error}"));
        }
        if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            return failed(Failure::Closed, "it closes the connection before its answer is whole");
        }
        if error.is_timeout() {
            return failed(Failure::TimedOut, error.to_string());
        }
        // A body whose chunks make no sense.
        failed(Failure::BadAnswer, error.to_string())
    }
}

impl Look for Http {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let answer = self.fetch(seen).await?;
            self.note(seen, &answer)?;
            let login = !matches!(self.wiring.auth.login, Login::None);
            if login && answer.status == StatusCode::UNAUTHORIZED && !seen.wants("status") {
                return Err(blind(Blindness::Secret, "it does not know our login (401)"));
            }
            // An expectation about the body alone still wants a good answer.
            if !answer.status.is_success() && !seen.wants("status") {
                let status = answer.status.as_u16();
                return Err(failed(Failure::Status(status), format!("it answers {}", answer.status)));
            }
            Ok(())
        })
    }
}

pub(crate) fn read(secret: &crate::config::secret::Secret) -> Result<secrecy::SecretString, Why> {
    secret.read().map_err(|why| blind(Blindness::Secret, why.to_string()))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_the_usual_one() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
