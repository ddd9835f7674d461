//! `tcp` against the well, the silent and the gone.

use watchkeeper::config::probe::{Kind, Tcp};
use watchkeeper::core::health::{Blindness, Failure};

use super::child::free_port;
use super::evil::{End, Evil, black_hole};
use super::look::{blind, failed, look, look_for, ok};

fn tcp(address: String, send: Option<&str>) -> Kind {
    Kind::Tcp(Tcp { address, send: send.map(str::to_owned), tls: false, ca: None })
}

#[tokio::test]
async fn a_connection_is_enough_unless_something_is_sent() {
    let silent = Evil::saying(b"", End::Hang).await;
    ok(&look(tcp(silent.address(), None), &[]).await);
    failed(&look_for(tcp(silent.address(), Some("PING\r\n")), &[], 300).await, Failure::TimedOut);
    let closing = Evil::saying(b"", End::Close).await;
    failed(&look(tcp(closing.address(), Some("PING\r\n")), &[]).await, Failure::Closed);
    let pong = Evil::saying(b"+PONG\r\n", End::Hang).await;
    ok(&look(tcp(pong.address(), Some("PING\r\n")), &["answer.startsWith('+PONG')"]).await);
    failed(&look(tcp(pong.address(), Some("PING\r\n")), &["answer == 'x'"]).await, Failure::Unmet(0));
    let endless = Evil::saying(&[b'x'; 4_096], End::Endless).await;
    ok(&look(tcp(endless.address(), Some("PING\r\n")), &["size(answer) <= 4096"]).await);
}

#[tokio::test]
async fn who_is_not_there_has_failed() {
    failed(&look(tcp(format!("127.0.0.1:{}", free_port()), None), &[]).await, Failure::Refused);
    let hole = black_hole();
    failed(&look_for(tcp(format!("127.0.0.1:{}", hole.port), None), &[], 300).await, Failure::TimedOut);
    failed(&look(tcp("no-such-name.invalid:1".to_owned(), None), &[]).await, Failure::NoAddress);
    blind(&look(tcp("nonsense".to_owned(), None), &[]).await, Blindness::Evaluation);
}
