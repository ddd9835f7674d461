//! Tests of the toy, over its sockets.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Toy;
use crate::demo::talk;

const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a connection is made within a fifth of a second; none: nobody said anything.
async fn calls(at: SocketAddr) -> Option<bool> {
    let call = TcpStream::connect(at);
    tokio::time::timeout(Duration::from_millis(200), call).await.ok().map(|made| made.is_ok())
}

async fn ask(at: SocketAddr, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, body) = talk::ask(at, (method, path), body, PATIENCE).await.expect("an answer");
    (status, serde_json::from_str(&body).expect("JSON"))
}

/// As a step asks: with a token.
async fn acts(at: SocketAddr, path: &str, token: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(at).await.expect("it listens");
    let asked = format!(
        "POST {path} HTTP/1.0\r\nhost: toy\r\nwatchkeeper-token: 0.{token}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(asked.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[tokio::test]
async fn what_the_primary_acknowledged_comes_to_the_standby_a_little_later() {
    let toy = Toy::new().unwrap();
    let [east, west] = toy.addresses.fronts;
    assert_eq!(ask(east, "POST", "/write", "1").await.0, 200);
    assert_eq!(ask(west, "POST", "/write", "2").await.0, 503);
    let there = async {
        while ask(west, "GET", "/writes", "").await.1 != serde_json::json!([1]) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, there).await.expect("it is sent on");
    assert_eq!(ask(west, "GET", "/role", "").await.1["linked"], true);
    toy.close().await;
}

#[tokio::test]
async fn who_is_switched_off_takes_no_writes_when_it_is_back() {
    let toy = Toy::new().unwrap();
    let at = toy.addresses;
    let [east, west] = at.servers;
    assert_eq!(acts(at.provider, "/servers/east/off", "2.5", "").await, 200);
    assert_eq!(ask(at.provider, "GET", "/servers/east", "").await.1["running"], false);
    assert_eq!(calls(east).await, Some(false));
    assert_eq!(talk::ask(west, ("POST", "/take-over"), "", PATIENCE).await.unwrap().0, 400, "no token");
    assert_eq!(acts(west, "/take-over", "2.6", "").await, 200);
    assert_eq!(acts(west, "/take-over", "2.5", "").await, 409, "a late call");
    assert_eq!(acts(at.provider, "/route", "2.7", "west").await, 200);
    assert_eq!(acts(at.provider, "/route", "2.6", "east").await, 409, "a late call");
    assert_eq!(ask(at.way, "GET", "/route", "").await.1["region"], "west");
    assert_eq!(ask(at.provider, "GET", "/route/east", "").await.0, 404);
    toy.on("east").await.unwrap();
    assert_eq!(ask(at.fronts[0], "POST", "/write", "3").await.0, 503);
    assert_eq!(ask(east, "GET", "/role", "").await.1["role"], "fenced");
    assert_eq!(acts(east, "/follow", "2.8", "").await, 200);
    assert_eq!(ask(east, "GET", "/role", "").await.1["role"], "standby");
    assert_eq!(acts(west, "/follow", "2.9", "").await, 409, "users are led there");
    assert_eq!(acts(at.provider, "/servers/east/off", "2.4", "").await, 409, "a late call");
    toy.close().await;
}

#[tokio::test]
async fn the_daemons_ways_are_cut_and_users_go_theirs() {
    let mut toy = Toy::new().unwrap();
    let at = toy.addresses;
    let daemons = [at.servers[0], at.servers[1], at.provider, at.points[0], at.points[1], at.points[2]];
    toy.cut().await.unwrap();
    for way in daemons {
        assert_eq!(calls(way).await, None, "{way}");
    }
    assert_eq!(ask(at.way, "GET", "/route", "").await.1["address"], at.fronts[0].to_string());
    assert_eq!(ask(at.fronts[0], "POST", "/write", "1").await.0, 200);
    toy.mend().await.unwrap();
    for way in daemons {
        assert_eq!(calls(way).await, Some(true), "{way}");
    }
    toy.end("east").await;
    assert_eq!((calls(at.fronts[0]).await, calls(at.fronts[1]).await), (Some(false), Some(true)));
    let others = Toy::new().unwrap();
    assert!(others.addresses.fronts.iter().chain(&others.addresses.servers).all(|one| *one != at.fronts[0]));
    toy.on("east").await.unwrap();
    assert_eq!(calls(at.fronts[0]).await, Some(true));
}
