//! A canary: what a secret says appears nowhere, wherever it was kept or, by mistake, written.

use watchkeeper::config::{self, Given};

use super::GOOD;

const CANARY: &str = "canary-7f3a9";

/// Everything that can be printed of a config.
fn all_of(given: &Given) -> String {
    let outcome = config::load(given);
    let report = &outcome.report;
    let loaded = outcome.loaded.as_ref().map(|loaded| format!("{:?} {:?}", loaded.policy, loaded.wiring));
    format!(
        "{}\n{}\n{}\n{:?}\n{}\n{}\n{}\n{:?}\n{:?}",
        report,
        report.print(true, 60),
        report.json(),
        report,
        outcome.resolved(false),
        outcome.resolved(true),
        outcome.notes.join("\n"),
        loaded,
        outcome.report.problems(),
    )
}

#[test]
fn a_secret_by_reference_is_never_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, CANARY).unwrap();
    let config = format!(
        "{GOOD}[service.shop.probe.db]\nkind = \"postgres\"\ndsn = {{ file = \"{}\" }}\n\
         [channel.pager]\nkind = \"pagerduty\"\nrouting_key = {{ env = \"PAGER\" }}\n",
        path.display()
    );
    let mut given = super::text(&config);
    given.variables.insert("PAGER".to_owned(), CANARY.to_owned());
    let said = all_of(&given);
    assert!(said.contains("token") && !said.contains(CANARY), "{said}");
}

#[test]
fn a_secret_that_is_written_out_is_shown_nowhere() {
    let places = [
        ("dsn = \"CANARY\"", "kind = \"postgres\""),
        ("dsn = \"postgresql://me:CANARY@db/shop\"", "kind = \"postgres\""),
        ("dsn = [\"CANARY\"]", "kind = \"postgres\""),
        ("dsn = { password = \"CANARY\" }", "kind = \"postgres\""),
        ("dsn = { file = \"/a\", token = \"CANARY\" }", "kind = \"postgres\""),
        ("dsn = '''\nCANARY\n'''", "kind = \"postgres\""),
        ("pasword = \"CANARY\"", "kind = \"redis\"\naddress = \"a:1\""),
        ("password = \"CANARY\" # \"CANARY\"", "kind = \"redis\"\naddress = \"a:1\"\nchek = 1"),
        ("password = \"CANARY", "kind = \"redis\""),
        ("auth = { bearer = \"CANARY\" }", "kind = \"http\"\nurl = \"https://a/\""),
        ("auth = { user = \"u\", password = \"CANARY\" }", "kind = \"http\"\nurl = \"https://a/\""),
        ("headers = { Authorization = \"Bearer CANARY\" }", "kind = \"http\"\nurl = \"https://a/\""),
        ("url = \"https://me:CANARY@shop.example.com/\"", "kind = \"http\""),
        ("token = \"CANARY\"", "kind = \"heartbeat\"\ninterval = 5"),
        ("env = { API_TOKEN = \"CANARY\" }", "kind = \"exec\"\nargv = [\"/x\"]"),
    ];
    for (place, kind) in places {
        let spoiled = place.replace("CANARY", CANARY);
        let config = format!("{GOOD}[service.shop.probe.other]\n{kind}\n{spoiled}\nunknown = 1\n");
        let said = all_of(&super::text(&config));
        assert!(!said.contains(CANARY), "{place}:\n{said}");
    }
    for table in [
        "[channel.x]\nkind = \"slack\"\nwebhook = \"https://hooks/CANARY\"\n",
        "[channel.x]\nkind = \"webhook\"\nurl = { credential = \"u\" }\nsigning = [\"CANARY\"]\n",
        "[api.token.x]\nhash = \"CANARY\"\n",
        "[coordinator]\npassword = \"CANARY\"\n",
        "[api]\ntls = { cert = \"/c\", key = \"CANARY\" }\n",
    ] {
        let said = all_of(&super::text(&format!("{GOOD}{}", table.replace("CANARY", CANARY))));
        assert!(!said.contains(CANARY), "{table}:\n{said}");
    }
}

#[test]
fn a_variable_in_a_secrets_place_is_not_shown() {
    let mut given = super::text(GOOD);
    given.variables.insert("WATCHKEEPER__COORDINATOR__PASSWORD".to_owned(), CANARY.to_owned());
    let said = all_of(&given);
    assert!(said.contains("WATCHKEEPER__COORDINATOR__PASSWORD") && !said.contains(CANARY), "{said}");
}
