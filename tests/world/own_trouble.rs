//! What is our own trouble must never be the target's: no route, no descriptor, no secret.

use watchkeeper::config::probe::{Kind, Tcp};
use watchkeeper::core::health::Blindness;

use super::evil::{End, Evil};
use super::look::{blind, http, kind, look, ok};

fn tcp(address: String) -> Kind {
    Kind::Tcp(Tcp { address, send: None, tls: false, ca: None })
}

/// This very program again, in a child, with only this test and under `command`. `cargo test` runs the tests in one
/// process, where a limit would be everybody's.
pub(crate) async fn again(command: &str, arguments: &[&str], test: &str) {
    let program = std::env::current_exe().unwrap();
    let child = tokio::process::Command::new(command)
        .args(arguments)
        .arg(program)
        .args(["--exact", test, "--nocapture"])
        .output()
        .await
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && out.contains("1 passed"), "{out}{err}");
    print!("{out}");
}

#[tokio::test]
async fn without_a_route_we_are_blind() {
    let alone = || {
        let routes = std::fs::read_to_string("/proc/net/route").unwrap();
        routes.lines().count() <= 1
    };
    if !alone() {
        // A network namespace of its own is empty.
        let way = if rustix::process::getuid().is_root() { "-n" } else { "-rn" };
        return again("unshare", &[way], "own_trouble::without_a_route_we_are_blind").await;
    }
    let found = look(tcp("10.0.0.1:80".to_owned()), &[]).await;
    blind(&found, Blindness::NoRoute);
    assert!(found.detail.contains("no route"), "{}", found.detail);
    blind(&look(tcp("[2001:db8::1]:80".to_owned()), &[]).await, Blindness::NoRoute);
    let at = ["10.0.0.1".to_owned()];
    blind(&look(super::dns::dns("www.shop.test", "A", &at, 1), &[]).await, Blindness::NoRoute);
    blind(&look(kind(http("http://shop.example.com/")), &[]).await, Blindness::NoRoute);
}

#[tokio::test]
async fn without_a_descriptor_we_are_blind() {
    let few = rustix::process::getrlimit(rustix::process::Resource::Nofile).current == Some(64);
    if !few {
        return again("prlimit", &["--nofile=64"], "own_trouble::without_a_descriptor_we_are_blind").await;
    }
    let evil = Evil::saying(b"", End::Hang).await;
    ok(&look(tcp(evil.address()), &[]).await);
    let mut held = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
    }
    blind(&look(tcp(evil.address()), &[]).await, Blindness::Exhausted);
    blind(&look(kind(http(&evil.url())), &[]).await, Blindness::Exhausted);
    drop(held);
    ok(&look(tcp(evil.address()), &[]).await);
}
