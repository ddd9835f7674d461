//! What a user sees of a failover, asked every five milliseconds: writes that are taken, the name, an HTTP answer. It must
//! never hear of it from whoever carries the failover out.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use watchkeeper::core::time::{Mono, Span};

use crate::daemon::program::{now, pass};
use crate::evil::Dice;

/// An answer that has not come by then is none.
const PATIENCE: Duration = Duration::from_millis(500);

/// When the answer was yes for the first time.
pub(super) async fn seen<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) -> Mono {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = now();
    loop {
        ticks.tick().await;
        if tokio::time::timeout(PATIENCE, holds()).await.unwrap_or(false) {
            return now();
        }
        assert!(now() - began < Span::mins(2), "not within two minutes: {what}");
    }
}

/// Lets a part of two seconds pass, so that the fault comes at any place between two looks.
pub(super) async fn any_moment(dice: &mut Dice) {
    pass(Span::millis(500).plus(Span::micros(dice.roll(2_000_000)))).await;
}

/// A user of a database, with a session of its own.
pub(super) struct Writer {
    client: tokio_postgres::Client,
    _line: JoinSet<()>,
}

impl Writer {
    /// There is a table `orders(n int)`.
    pub(super) async fn new(dsn: &str) -> Writer {
        let (client, line) = tokio_postgres::connect(dsn, tokio_postgres::NoTls).await.unwrap();
        let mut lines = JoinSet::new();
        lines.spawn(async move { drop(line.await) });
        Writer { client, _line: lines }
    }

    /// A standby takes none.
    pub(super) async fn writes(&self) -> bool {
        assert!(!self.client.is_closed(), "the standby has ended its session");
        self.client
            .execute("INSERT INTO orders SELECT coalesce(max(n), 0) + 1 FROM orders", &[])
            .await
            .is_ok()
    }
}

/// A line to Redis or to a sentinel. Whoever promotes may end it (Sentinel does, by `CLIENT KILL`): then it is opened anew.
pub(super) struct Line {
    port: u16,
    open: Mutex<Option<BufReader<TcpStream>>>,
}

impl Line {
    pub(super) fn new(port: u16) -> Line {
        Line { port, open: Mutex::new(None) }
    }

    /// So many lines of its answer; none: it was ended, or there is no answer in time.
    pub(super) async fn asks(&self, words: &str, lines: usize) -> Option<String> {
        let mut open = self.open.lock().await;
        // Put back once it has answered: one that was given up half-way is never read on.
        let mut line = match open.take() {
            Some(line) => line,
            None => {
                let stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
                stream.set_nodelay(true).ok()?;
                BufReader::new(stream)
            }
        };
        line.write_all(format!("{words}\r\n").as_bytes()).await.ok()?;
        let mut answer = String::new();
        for _ in 0..lines {
            if line.read_line(&mut answer).await.ok()? == 0 {
                return None;
            }
        }
        *open = Some(line);
        Some(answer)
    }

    /// A replica takes none.
    pub(super) async fn writes(&self) -> bool {
        self.asks("SET n 1", 1).await.as_deref() == Some("+OK\r\n")
    }
}

/// Somebody who asks a name server for `www.shop.test`.
pub(super) struct Asker(UdpSocket);

impl Asker {
    pub(super) async fn new(port: u16) -> Asker {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(("127.0.0.1", port)).await.unwrap();
        Asker(socket)
    }

    /// It is at that address.
    pub(super) async fn says(&self, address: [u8; 4]) -> bool {
        // One question: A, IN.
        let asked = b"\x10\x92\0\0\0\x01\0\0\0\0\0\0\x03www\x04shop\x04test\0\0\x01\0\x01";
        let mut answer = [0; 1500];
        if self.0.send(asked).await.is_err() {
            return false;
        }
        let Ok(length) = self.0.recv(&mut answer).await else { return false };
        // The first answer follows the question: name, A, IN, how long it holds, four bytes of address.
        let first = answer[..length].get(asked.len()..).unwrap_or_default();
        first.get(2..6) == Some(&[0, 1, 0, 1]) && first.get(12..16) == Some(&address)
    }
}

/// The code and the body of what is there; none: nobody answers.
pub(super) async fn get(at: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(at).await.ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
