//! The command line against that daemon: what it prints, how it exits, and that it shows no secret.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::MOVE;
use super::stage::{SECRET, Stage};

/// How it exits, and what it prints.
fn watchkeeper(at: SocketAddr, arguments: &[&str]) -> (Option<i32>, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_watchkeeper"))
        .args(arguments)
        .env("WATCHKEEPER_API", at.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let text = String::from_utf8([ended.stdout, ended.stderr].concat()).expect("text");
    assert!(!text.contains(SECRET), "no secret is shown: {text}");
    (ended.status.code(), text)
}

fn says(at: SocketAddr, arguments: &[&str], code: i32, wanted: &[&str]) -> String {
    let (ended, text) = watchkeeper(at, arguments);
    let all = wanted.iter().all(|wanted| text.contains(wanted));
    assert!(ended == Some(code) && all, "{arguments:?}: {ended:?} {wanted:?}\n{text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_verb_says_what_it_did() {
    let stage = Stage::set("observe", &[]).await;
    let at = stage.at;
    let shows = [
        "shop: plan failover (failover), east -> west",
        "step take_over in west: http",
        "gates that pass: record",
    ];
    says(at, &["failover", "shop"], 1, &shows);
    says(at, &["failover", "shop"], 1, &["nothing was done: say it with --yes 'FAILOVER shop TO west'"]);
    says(at, &["failover", "shop", "--yes", "yes"], 1, &["the phrase is `FAILOVER shop TO west`"]);
    says(at, &["failover", "none", "--yes", MOVE], 1, &["there is no service `none`"]);
    says(at, &["failover", "shop", "--to", "moon"], 1, &["no region `moon`"]);
    says(
        at,
        &["failover", "db"],
        1,
        &["nobody knows what it loses (RPO 5 s)", "(--accept-unknown-loss)", "(--accept-exposure)"],
    );
    says(at, &["failover", "db", "--accept-loss", "x"], 1, &["write a length of time such as \"3s\""]);
    assert!(stage.calls("west").is_empty());

    let reason = ["--reason", "by hand"];
    let done =
        says(at, &[&["failover", "shop", "--yes", MOVE], &reason[..]].concat(), 0, &["has ended: done"]);
    assert!(done.contains("is started"), "{done}");
    assert_eq!(stage.calls("west"), ["/prepare", "/take-over/shop"]);
    says(at, &["release", "shop", "east"], 0, &["done"]);
    says(at, &["release", "shop", "east"], 1, &["not quarantined"]);
    says(
        at,
        &["failback", "shop", "--yes", "FAILBACK shop TO east"],
        0,
        &["west -> east", "has ended: done"],
    );
    assert!(stage.told("shop").await.iter().any(|text| text == "shop: local notes: failover: by hand"));

    // What is held is watched, told, and ends otherwise.
    stage.answers("west/take-over/mail", 404);
    says(at, &["failover", "mail", "--yes", "FAILOVER mail TO west", "--detach"], 0, &["run 1 is started"]);
    stage.held("mail").await;
    says(at, &["skip", "1", "none"], 1, &["no such step"]);
    says(at, &["abort", "1", "--service", "mail", "--reason", "no"], 0, &["done"]);
    says(at, &["watch", "mail", "1"], 1, &["run 1 has ended: undone"]);
    says(at, &["watch", "mail"], 1, &["no run of mail is under way"]);
    says(at, &["retry", "1", "take_over"], 1, &["no run 1 is under way"]);
    says(at, &["acknowledge", "mail", "--run", "1"], 0, &["done"]);

    // A plan that asks people.
    let mend = ["run-plan", "shop", "mend", "--input", "size=small"];
    says(at, &["run-plan", "shop", "mend"], 1, &["it must be told size: --input size="]);
    says(at, &["run-plan", "shop", "mend", "--input", "size=huge"], 1, &["one of small, large"]);
    let preview = [&mend[..], &["--mode", "preview", "--yes", "RUN mend ON shop"]].concat();
    says(at, &preview, 0, &["(preview)", "has ended: done"]);
    says(at, &[&mend[..], &["--yes", "RUN mend ON shop", "--detach"]].concat(), 0, &["is started"]);
    let mut run = String::new();
    crate::living::talk::until("it asks", async || {
        let now = stage.service("shop").await;
        run = now["runs"][0]["run"].to_string();
        now["runs"][0]["asks"][0]["step"] == "ask"
    })
    .await;
    says(at, &["tick", &run, "ask", "0"], 0, &["done"]);
    says(at, &["tick", &run, "ask", "1"], 0, &["done"]);
    crate::living::talk::until("it asks again", async || {
        stage.service("shop").await["runs"][0]["asks"][0]["step"] == "yes"
    })
    .await;
    says(at, &["approve", "shop", "--run", &run, "--step", "yes"], 0, &["done"]);
    says(at, &["watch", "shop", &run], 0, &["has ended: done"]);
    assert_eq!(stage.calls("east").last().map(String::as_str), Some("/mend?size=small"));

    // An incident, and what is requested of nobody.
    says(at, &["veto", "shop"], 1, &["nothing is announced or requested"]);
    says(at, &["approve", "shop"], 1, &["nothing is requested of shop"]);
    says(at, &["acknowledge", "shop"], 1, &["no incident of shop is open"]);
    says(at, &["annotate", "none", "x"], 1, &["there is no service `none`"]);
    says(at, &["evacuate", "moon"], 1, &["no service has a region `moon`"]);
    says(at, &["evacuate", "west"], 1, &["--yes 'EVACUATE west'"]);
    stage.ends_all().await;
}

#[test]
fn a_token_is_shown_once_with_the_lines_that_let_it_in() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let text = says(
        nowhere,
        &["token", "new", "olaf", "--role", "approver"],
        0,
        &["[api.token.olaf]", "role = \"approver\""],
    );
    let token = text.lines().next().expect("the token");
    let hash: String = Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(text.contains(&format!("hash = \"sha256${hash}\"")) && token.len() > 40, "{text}");
    assert_ne!(says(nowhere, &["token", "new", "olaf"], 0, &["operator"]).lines().next(), Some(token));
    says(nowhere, &["token", "new", "No Name"], 1, &["is no name"]);
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("watchkeeper.toml");
    let config: String = text.lines().skip(1).map(|line| format!("{line}\n")).collect();
    let service = "[service.shop]\nregions = [\"east\", \"west\"]\n[service.shop.probe.web]\nkind = \"tcp\"\naddress = \"127.0.0.1:9\"\n";
    std::fs::write(&file, format!("{config}{service}")).expect("written");
    says(nowhere, &["check", Path::new(&file).to_str().expect("a path")], 0, &[]);
}
