//! HTTP/1.1 as short as it gets, and waiting with a deadline.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) async fn get(at: SocketAddr, path: &str) -> (u16, String) {
    talk(at, &format!("GET {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n")).await
}

pub(crate) async fn post(at: SocketAddr, path: &str, body: Value, headers: &[(&str, &str)]) -> (u16, String) {
    send(at, "POST", path, &body.to_string(), headers).await
}

/// Any body by any method.
pub(crate) async fn send(
    at: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    headers: &[(&str, &str)],
) -> (u16, String) {
    let mut head = String::new();
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let length = body.len();
    talk(
        at,
        &format!(
            "{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\ncontent-type: application/json\r\n{head}\
             content-length: {length}\r\n\r\n{body}"
        ),
    )
    .await
}

async fn talk(at: SocketAddr, asked: &str) -> (u16, String) {
    let stream = TcpStream::connect(at).await.expect("the API listens");
    talk_over(stream, asked).await.expect("it answers")
}

/// Over a connection that there is.
pub(crate) async fn talk_over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    asked: &str,
) -> std::io::Result<(u16, String)> {
    stream.write_all(asked.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a code");
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Ok((code, if chunked { whole(body) } else { body.to_owned() }))
}

fn whole(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        body += &rest[..size];
        chunks = rest[size..].strip_prefix("\r\n").unwrap_or_default();
        if size == 0 {
            break;
        }
    }
    body
}

/// Polls until it is so; not longer than 30 seconds.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looks = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(30);
    assert!(tokio::time::timeout(patience, looks).await.is_ok(), "not within {patience:?}: {what}");
}
