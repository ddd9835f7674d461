//! `kill -9` at any moment: it starts again, what was durable is there, and the chain of the chronicle holds.

use watchkeeper::chronicle::Chronicle;
use watchkeeper::core::time::Span;

use super::program::{Daemon, pass, spawn};
use super::scene::World;
use crate::child::until;
use crate::evil::Dice;

#[tokio::test]
async fn killed_twenty_times_it_starts_again_and_has_lost_nothing() {
    let mut world = World::new("").await;
    let daemon = Daemon::start(world.path()).await;
    daemon.sees_both_up().await;
    assert_eq!(daemon.post("/api/v1/services/shop/adopt", r#"{"region":"west"}"#).await.0, 200);
    assert_eq!(daemon.post("/api/v1/services/shop/pause", "{}").await.0, 200);
    let epoch = daemon.shop().await["epoch"].clone();
    let mut known = daemon.events().await.count();
    daemon.kill().await;
    // In mid-start, while it takes its claim, while it writes: no two moments alike, and the same ones each time.
    let mut dice = Dice(20);
    for nth in 0..20 {
        let moment = dice.roll(if nth % 2 == 0 { 120 } else { 900 });
        let mut child = spawn(world.path(), |_| {});
        if nth % 4 == 1 {
            // Something to write about.
            world.west.goes().await;
        }
        pass(Span::millis(moment)).await;
        assert!(child.try_wait().unwrap().is_none(), "it did not start again");
        child.kill().await.unwrap();
        if nth % 4 == 1 {
            world.west.comes().await;
        }
        if nth % 5 == 4 {
            let daemon = Daemon::start(world.path()).await;
            until("its record and its pause are there", || async {
                let shop = daemon.shop().await;
                shop["active"] == "west" && shop["epoch"] == epoch && shop["paused"] == true
            })
            .await;
            let count = daemon.events().await.count();
            assert!(count > known, "what was told is there: {count} events after {known}");
            known = count;
            daemon.kill().await;
        }
    }
    let (store, threads) = watchkeeper::store::open(&world.path().join("store"), Default::default()).unwrap();
    let chain = Chronicle::new(store.clone()).verify().await.unwrap();
    println!("the chain of {chain:?} events holds");
    assert!(chain.is_ok_and(|count| count >= known as u64));
    drop(store);
    threads.join();
}
