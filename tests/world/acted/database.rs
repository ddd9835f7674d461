//! PostgreSQL is killed or stands still: its standby is promoted, its name moves, and the old side can write nothing.

use rustix::process::Signal;

use super::shop::{Shop, ended};
use crate::child::until;

#[tokio::test]
async fn killed_it_is_settled_promoted_moved_and_verified() {
    let mut shop = Shop::new().await;
    shop.usual("auto");
    let daemon = shop.watched().await;
    shop.place.sql(shop.east.port, "INSERT INTO orders VALUES (1)");
    shop.east.server.signal(Signal::KILL);
    until("the failover has ended", || async { ended(&daemon).await.is_some() }).await;
    let events = daemon.events().await;
    assert_eq!(ended(&daemon).await.as_deref(), Some("done"), "{events:#?}\n{}", daemon.log());
    assert_eq!(shop.named.says("www.shop.test", "A").await, "10.0.0.2");
    shop.place.sql(shop.west.port, "INSERT INTO orders VALUES (2)");
    let view = daemon.shop().await;
    assert_eq!((&view["active"], &view["regions"][0]["quarantined"]), (&"west".into(), &true.into()), "{view}");
    daemon.stop().await;
    shop.east.end();
}
