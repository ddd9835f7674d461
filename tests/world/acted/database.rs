//! PostgreSQL is killed or stands still: its standby is promoted, its name moves, and the old side can write nothing.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::shop::{Shop, fails_over};
use crate::child::{listens, until};

#[tokio::test]
async fn killed_it_is_settled_promoted_moved_and_verified() {
    let mut shop = Shop::new().await;
    shop.usual("auto");
    let daemon = shop.watched().await;
    shop.place.sql(shop.east.port, "INSERT INTO orders VALUES (1)");
    shop.east.server.signal(Signal::KILL);
    fails_over(&daemon).await;
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.2");
    shop.place.sql(shop.west.port, "INSERT INTO orders VALUES (2)");
    let view = daemon.shop().await;
    assert_eq!(
        (&view["active"], &view["regions"][0]["quarantined"]),
        (&"west".into(), &true.into()),
        "{view}"
    );
    daemon.stop().await;
    shop.east.end();
}

#[tokio::test]
async fn standing_still_it_is_ended_and_wakes_up_no_more() {
    let shop = Shop::new().await;
    shop.usual("auto");
    let daemon = shop.watched().await;
    // A session of the application's, from before: it would go on writing, whatever the server's head does.
    let dsn = format!("postgresql://wk:secret@127.0.0.1:{}/postgres", shop.east.port);
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", &dsn]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut session = psql.spawn().unwrap();
    let mut writes = session.stdin.take().unwrap();
    writeln!(writes, "INSERT INTO orders VALUES (1);").unwrap();
    until("its write is there", || async { shop.place.asks(shop.east.port, "SELECT n FROM orders") == "1" })
        .await;
    shop.east.server.signal(Signal::STOP);
    fails_over(&daemon).await;
    // It is woken, or what is left of it; and the session writes on.
    shop.east.server.wakes();
    writeln!(writes, "INSERT INTO orders VALUES (2);").ok();
    drop(writes);
    let said = session.wait().unwrap();
    assert!(!said.success(), "the session wrote on: {said}");
    assert!(!listens(shop.east.port), "nobody listens where the old side was");
    assert_eq!(shop.place.asks(shop.west.port, "SELECT count(*) FROM orders"), "1");
    shop.place.sql(shop.west.port, "INSERT INTO orders VALUES (3)");
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.2");
    daemon.stop().await;
}
