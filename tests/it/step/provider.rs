//! A provider of HTTP that keeps an account of every byte it was sent, and misbehaves where it is told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it does with a whole request.
#[derive(Clone)]
pub(crate) enum Does {
    /// Answers with this status and body.
    Says(u16, &'static str),
    /// Does what is asked and closes without an answer.
    LosesTheAnswer,
    /// Nothing, ever.
    Hangs,
}

pub(crate) struct Provider {
    pub(crate) port: u16,
    /// All whole requests, with their heads.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    /// Every byte of every connection.
    pub(crate) bytes: Arc<Mutex<usize>>,
    _tasks: JoinSet<()>,
}

impl Provider {
    /// What it does depends on the request, and on how many whole ones came before.
    pub(crate) async fn new(does: impl Fn(&str, usize) -> Does + Send + Sync + 'static) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (requests, bytes): (Arc<Mutex<Vec<String>>>, Arc<Mutex<usize>>) = Default::default();
        let (kept, counted, does) = (requests.clone(), bytes.clone(), Arc::new(does));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, counted, does) = (kept.clone(), counted.clone(), does.clone());
                serving.spawn(async move { serve(stream, &kept, &counted, &*does).await });
            }
        });
        Provider { port, requests, bytes, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.lock().expect("a lock").len()
    }

    pub(crate) fn seen_bytes(&self) -> usize {
        *self.bytes.lock().expect("a lock")
    }

    pub(crate) fn last(&self) -> String {
        self.requests.lock().expect("a lock").last().cloned().expect("a request")
    }
}

async fn serve(
    mut stream: TcpStream,
    kept: &Mutex<Vec<String>>,
    counted: &Mutex<usize>,
    does: &(dyn Fn(&str, usize) -> Does + Send + Sync),
) {
    let (mut all, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
        *counted.lock().expect("a lock") += read;
        all.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&all).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    let request = String::from_utf8_lossy(&all).into_owned();
    let before = {
        let mut kept = kept.lock().expect("a lock");
        kept.push(request.clone());
        kept.len() - 1
    };
    match does(&request, before) {
        Does::Says(status, body) => {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} So\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.ok();
        }
        Does::LosesTheAnswer => {}
        Does::Hangs => std::future::pending().await,
    }
}
