//! A Slack of our own: it takes incoming webhooks as its script says, and remembers what it heard.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use watchkeeper::core::time::Mono;
use watchkeeper::daemon::clock::now;

/// The secret part of its address.
pub(crate) const SECRET: &str = "/services/T000/B000/verysecret";

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Takes,
    /// 429, to be asked again after so many seconds.
    Later(u64),
    /// That status.
    Says(u16),
    /// Nothing, and the connection stays open.
    Hangs,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) does: Does,
    pub(crate) at: Mono,
}

pub(crate) struct Slack {
    pub(crate) at: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    script: Arc<Mutex<(VecDeque<Does>, Does)>>,
    serves: Option<JoinSet<()>>,
}

impl Slack {
    pub(crate) async fn new() -> Slack {
        let at = SocketAddr::from(([127, 0, 0, 1], 0));
        let script = Arc::new(Mutex::new((VecDeque::new(), Does::Takes)));
        let mut new = Slack { at, heard: Arc::default(), script, serves: None };
        new.comes().await;
        new
    }

    /// It listens.
    pub(crate) async fn comes(&mut self) {
        let listener = TcpListener::bind(self.at).await.expect("a port");
        self.at = listener.local_addr().expect("its address");
        let (heard, script) = (Arc::clone(&self.heard), Arc::clone(&self.script));
        let mut serves = JoinSet::new();
        serves.spawn(async move {
            let mut each = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                each.spawn(serve(stream, Arc::clone(&heard), Arc::clone(&script)));
            }
        });
        self.serves = Some(serves);
    }

    /// Its port refuses from now on.
    pub(crate) async fn goes(&mut self) {
        self.serves.take().expect("it is there").shutdown().await;
    }

    /// These one after another, and then always the last.
    pub(crate) fn does(&self, script: &[Does], then: Does) {
        *self.script.lock().expect("a lock") = (script.iter().copied().collect(), then);
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("a lock").clone()
    }

    /// What it took, by the beginning of each text.
    pub(crate) fn took(&self) -> Vec<String> {
        let all = self.heard();
        all.into_iter().filter(|one| one.does == Does::Takes).map(|one| one.text).collect()
    }

    pub(crate) fn took_with(&self, part: &str) -> usize {
        self.took().iter().filter(|text| text.contains(part)).count()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}{SECRET}", self.at)
    }
}

async fn serve(
    mut stream: TcpStream,
    heard: Arc<Mutex<Vec<Heard>>>,
    script: Arc<Mutex<(VecDeque<Does>, Does)>>,
) {
    let Some(body) = request(&mut stream).await else { return };
    let text: Value = serde_json::from_str(&body).expect("JSON");
    let text = text["text"].as_str().expect("a text").to_owned();
    let does = {
        let mut script = script.lock().expect("a lock");
        let then = script.1;
        script.0.pop_front().unwrap_or(then)
    };
    heard.lock().expect("a lock").push(Heard { text, does, at: now().mono });
    let (status, more) = match does {
        Does::Takes => (200, String::new()),
        Does::Later(secs) => (429, format!("retry-after: {secs}\r\n")),
        Does::Says(status) => (status, String::new()),
        Does::Hangs => {
            // Until whoever asked has had enough.
            let mut rest = [0; 16];
            drop(tokio::time::timeout(Duration::from_secs(60), stream.read(&mut rest)).await);
            return;
        }
    };
    let answer = format!("HTTP/1.1 {status} So\r\n{more}content-length: 2\r\nconnection: close\r\n\r\nok");
    drop(stream.write_all(answer.as_bytes()).await);
}

async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    let mut some = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with(&format!("POST {SECRET} ")), "{head}");
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(|it| it.trim().to_owned())
            });
            let length: usize = length.expect("a length").parse().expect("a number");
            if body.len() >= length {
                return Some(body.to_owned());
            }
        }
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => all.extend_from_slice(&some[..count]),
        }
    }
}
