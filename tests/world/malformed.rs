//! A thousand malformed answers to each kind: no panic, no look past its time, and no growth.

use std::sync::Arc;

use futures::StreamExt;
use watchkeeper::config::probe::{
    Auth, Grpc, Kind, Postgres, PostgresCheck, Prometheus, Redis, RedisCheck, Tcp, Tls,
};
use watchkeeper::config::secret::Secret;
use watchkeeper::core::health::Outcome;

use super::dns::{dns, liar};
use super::evil::{Dice, End, Evil, Script};
use super::look::{http, kind, look_for};
use super::tls::Authority;

const ANSWERS: u64 = 1_000;

fn rss_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
        .unwrap()
}

/// Spoils the parts of a good conversation, one of them or all.
async fn spoiling(seed: u64, parts: Vec<Vec<u8>>) -> Evil {
    Evil::start(move |n| {
        let mut dice = Dice(seed << 32 | n);
        let which = usize::try_from(dice.roll(parts.len() as u64)).unwrap();
        let parts: Vec<_> = parts
            .iter()
            .enumerate()
            .map(|(at, part)| if at < which { part.clone() } else { dice.spoil(part) })
            .collect();
        let end = match dice.roll(3) {
            0 => End::Hang,
            _ => End::Close,
        };
        Script { parts, end }
    })
    .await
}

/// A thousand looks, sixteen at once. What comes of each may be anything but a panic.
async fn survive(what: &str, make: impl Fn() -> (Kind, Vec<&'static str>)) {
    let one = || {
        let (kind, expect) = make();
        async move { look_for(kind, &expect, 150).await }
    };
    futures::stream::iter(0..100).map(|_| one()).buffer_unordered(16).for_each(|_| async {}).await;
    let before = rss_kb();
    let mut ok = 0;
    let mut looks = futures::stream::iter(0..ANSWERS).map(|_| one()).buffer_unordered(16);
    while let Some(found) = looks.next().await {
        ok += u32::from(matches!(found.outcome, Outcome::Ok { .. }));
    }
    let grown = rss_kb().saturating_sub(before);
    println!("{what}: {ok} of {ANSWERS} were still good, grown by {grown} kB");
    assert!(grown < 16 * 1024, "{what}: grown by {grown} kB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_like_kinds() {
    let body =
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}"#;
    let good = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    for (seed, bytes) in [(1, good), (2, chunked)] {
        let evil = spoiling(seed, vec![bytes.into_bytes()]).await;
        survive("http", || {
            (
                kind(http(&evil.url())),
                vec!["body.status == 'success'", "body.data.result.all(r, size(r.value) == 2)"],
            )
        })
        .await;
        survive("prometheus", || {
            let url = evil.url().parse().unwrap();
            (
                Kind::Prometheus(Box::new(Prometheus {
                    url,
                    query: "up".to_owned(),
                    auth: Auth::default(),
                    ca: None,
                })),
                vec!["value > 1.0"],
            )
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tcp_and_tls() {
    let evil = spoiling(3, vec![b"+PONG\r\nand more\r\n".to_vec()]).await;
    survive("tcp", || {
        let tcp = Tcp { address: evil.address(), send: Some("PING\r\n".to_owned()), tls: false, ca: None };
        (Kind::Tcp(tcp), vec!["answer.startsWith('+PONG')"])
    })
    .await;
    // A ServerHello of TLS 1.3 and the beginning of what follows it.
    let mut hello = vec![0x16, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3];
    hello.extend([7; 32]);
    hello.push(32);
    hello.extend([9; 32]);
    hello.extend([0x13, 1, 0, 0, 46, 0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 29, 0, 32]);
    hello.extend([5; 32]);
    hello.extend([0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 23]);
    hello.extend([3; 23]);
    let evil = spoiling(4, vec![hello]).await;
    let ca = Authority::new();
    survive("tls", || {
        let name = Some("shop.test".to_owned());
        (Kind::Tls(Tls { address: evil.address(), name, ca: Some(ca.ca()) }), vec!["days_left > 1"])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = |evil: &Evil, check: PostgresCheck| {
        let path = folder.path().join(format!("dsn{}", evil.port));
        std::fs::write(&path, format!("postgresql://u:p@127.0.0.1:{}/d?sslmode=disable", evil.port)).unwrap();
        Kind::Postgres(Postgres { dsn: Secret::File(path), check, ca: None })
    };
    let message = |kind: u8, body: &[u8]| {
        let mut bytes = vec![kind];
        bytes.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes
    };
    let login = [message(b'R', &[0, 0, 0, 0]), message(b'S', b"server_version\x0015\0"), message(b'Z', b"I")]
        .concat();
    let mut described = vec![0, 1];
    described.extend(b"row\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
    let row = [&[0, 1, 0, 0, 0, 9][..], br#"{"n":123}"#].concat();
    let answer = [
        message(b'C', b"BEGIN\0"),
        message(b'C', b"SET\0"),
        message(b'T', &described),
        message(b'D', &row),
        message(b'C', b"SELECT 1\0"),
        message(b'C', b"COMMIT\0"),
        message(b'Z', b"I"),
    ]
    .concat();
    let evil = spoiling(5, vec![login, answer]).await;
    let query = || PostgresCheck::Query("SELECT 1".to_owned());
    survive("postgres", || (postgres(&evil, query()), vec!["rows[0].n == 123"])).await;
    survive("postgres, lag", || (postgres(&evil, PostgresCheck::Lag), vec![])).await;
    let evil = spoiling(
        6,
        vec![
            [message(b'R', &[0, 0, 0, 10]), b"SCRAM-SHA-256\0\0".to_vec()].concat(),
            message(b'R', b"\0\0\0\x0br=x,s=eA==,i=4096"),
        ],
    )
    .await;
    survive("postgres, scram", || (postgres(&evil, PostgresCheck::Connect), vec![])).await;

    let redis = |evil: &Evil, check: RedisCheck| {
        Kind::Redis(Redis {
            address: evil.address(),
            user: None,
            password: None,
            check,
            tls: false,
            ca: None,
        })
    };
    let role = b"*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n$9\r\nconnected\r\n:123\r\n".to_vec();
    let evil = spoiling(7, vec![role]).await;
    survive("redis, replica", || (redis(&evil, RedisCheck::Replica), vec!["role == 'replica'"])).await;
    let info = "role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:1\r\nslave_read_repl_offset:5\r\nslave_repl_offset:5\r\n";
    let evil = spoiling(8, vec![format!("${}\r\n{info}\r\n", info.len()).into_bytes()]).await;
    survive("redis, lag", || (redis(&evil, RedisCheck::Lag), vec!["lag_bytes == 0"])).await;
    let deep = "*1\r\n".repeat(5_000).into_bytes();
    let evil = spoiling(9, vec![deep]).await;
    survive("redis, deep", || (redis(&evil, RedisCheck::Sentinel), vec![])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc() {
    // SETTINGS; then its acknowledgement, and the head, the message and the end of an answer.
    let settings = b"\0\0\0\x04\0\0\0\0\0".to_vec();
    let mut good = b"\0\0\0\x04\x01\0\0\0\0".to_vec();
    good.extend(b"\0\0\x13\x01\x04\0\0\0\x01\x88\x5f\x10application/grpc");
    good.extend(b"\0\0\x07\0\0\0\0\0\x01\0\0\0\0\x02\x08\x01");
    good.extend(b"\0\0\x0f\x01\x05\0\0\0\x01\0\x0bgrpc-status\x010");
    let evil = spoiling(10, vec![settings, good]).await;
    survive("grpc", || {
        let grpc = Grpc { address: evil.address(), service: "a".to_owned(), tls: false, ca: None };
        (Kind::Grpc(grpc), vec!["status == 'SERVING'"])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names() {
    let count = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let (at, _tasks) = liar(move |question| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut good = question.to_vec();
        // The additional part of the question is left off, and one address is the answer.
        let end = 12 + good.iter().skip(12).position(|byte| *byte == 0).unwrap_or(0) + 5;
        good.truncate(end);
        good[2] = 0x84;
        good[3] = 0;
        good[6..12].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
        good.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x01");
        let mut bad = Dice(11 << 32 | n).spoil(&good);
        // Its number stays right more often than not, or nobody would read on.
        if !n.is_multiple_of(4) && bad.len() > 2 {
            bad[..2].copy_from_slice(&question[..2]);
        }
        bad
    })
    .await;
    survive("dns", || {
        (dns("www.shop.test", "A", std::slice::from_ref(&at), 1), vec!["answer == ['10.0.0.1']"])
    })
    .await;
}
