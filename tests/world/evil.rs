//! Targets that misbehave: silent, endless, cut short, or speaking another language.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What is done after each thing that a client says: one part a time, then the end.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) parts: Vec<Vec<u8>>,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Close,
    Hang,
    /// The last part again and again.
    Endless,
}

pub(crate) struct Evil {
    pub(crate) port: u16,
    pub(crate) seen: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Evil {
    /// Each connection, counted from 0, is played what `script` says.
    pub(crate) async fn start(script: impl Fn(u64) -> Script + Send + Sync + 'static) -> Evil {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        let counted = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut playing = JoinSet::new();
            loop {
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        let script = script(counted.fetch_add(1, Ordering::Relaxed));
                        playing.spawn(play(stream, script));
                    }
                    Some(_) = playing.join_next() => {}
                }
            }
        });
        Evil { port, seen, tasks }
    }

    pub(crate) async fn saying(bytes: &[u8], end: End) -> Evil {
        let script = Script { parts: vec![bytes.to_vec()], end };
        Evil::start(move |_| script.clone()).await
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn play(mut stream: tokio::net::TcpStream, script: Script) {
    let mut buffer = [0; 4_096];
    for part in &script.parts {
        let heard = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer)).await;
        if !matches!(heard, Ok(Ok(1..))) || stream.write_all(part).await.is_err() {
            return;
        }
    }
    match script.end {
        End::Close => {}
        End::Hang => while let Ok(1..) = stream.read(&mut buffer).await {},
        End::Endless => {
            let part = script.parts.last().unwrap();
            while stream.write_all(part).await.is_ok() {}
        }
    }
}

/// A port at which the kernel drops what comes: its queue is full.
pub(crate) struct BlackHole {
    pub(crate) port: u16,
    _held: (std::net::TcpListener, Vec<TcpStream>),
}

pub(crate) fn black_hole() -> BlackHole {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(1).unwrap();
    let listener: std::net::TcpListener = socket.into();
    let at = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&at, Duration::from_millis(200)) {
        held.push(stream);
    }
    BlackHole { port: at.port(), _held: (listener, held) }
}

/// SplitMix64, so that every malformed answer can be made again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = self.0;
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (n ^ (n >> 31)) % below.max(1)
    }

    /// A good answer made bad: cut, changed, doubled, or noise.
    pub(crate) fn spoil(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        let len = bytes.len() as u64;
        match self.roll(5) {
            0 => bytes.truncate(usize::try_from(self.roll(len)).unwrap()),
            1 => {
                for _ in 0..=self.roll(8) {
                    let at = usize::try_from(self.roll(len)).unwrap();
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = u8::try_from(self.roll(256)).unwrap();
                    }
                }
            }
            2 => {
                let at = usize::try_from(self.roll(len)).unwrap();
                let noise: Vec<u8> =
                    (0..self.roll(64)).map(|_| u8::try_from(self.roll(256)).unwrap()).collect();
                bytes.splice(at..at, noise);
            }
            3 => {
                let from = usize::try_from(self.roll(len)).unwrap();
                let again = bytes.get(from..).unwrap_or_default().to_vec();
                bytes.extend(again);
            }
            _ => bytes = (0..self.roll(512)).map(|_| u8::try_from(self.roll(256)).unwrap()).collect(),
        }
        bytes
    }
}
