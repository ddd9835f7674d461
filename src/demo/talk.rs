//! One request over HTTP, as the toy's parts and the demo ask each other and the daemon. It is given a time, reads no more
//! than it must, and never tries again.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// No answer is longer, in bytes.
const LONGEST: u64 = 16 << 20;

/// Asks once: the status and the body, or why there is none.
pub(super) async fn ask(
    at: SocketAddr,
    (method, path): (&str, &str),
    body: &str,
    patience: Duration,
) -> Result<(u16, String), String> {
    let talk = async {
        let mut stream = TcpStream::connect(at).await?;
        // 1.0: the answer ends where the connection does.
        let length = body.len();
        let asked =
            format!("{method} {path} HTTP/1.0\r\nhost: {at}\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(asked.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(LONGEST).read_to_string(&mut answer).await?;
        Ok::<String, std::io::Error>(answer)
    };
    let answer = match tokio::time::timeout(patience, talk).await {
        Ok(answer) => answer.map_err(|why| format!("http://{at}{path} does not answer: {why}"))?,
        Err(_) => return Err(format!("http://{at}{path} does not answer within {patience:?}")),
    };
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    match (answer.split_once("\r\n\r\n"), status) {
        (Some((_, body)), Some(status)) => Ok((status, body.to_owned())),
        _ => Err(format!("http://{at}{path} answers what is no HTTP")),
    }
}
