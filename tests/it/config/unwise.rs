//! What is legal and will be regretted.

use watchkeeper::config;

/// One of each: two reference points in one network, `auto` on one observer and without a witness, a fence that needs the
/// dead region, one that waits for nobody, a step that needs it, a promise that detection breaks, an ask that is over before a look, two scenarios that only names tell apart.
const UNWISE: &str = r#"
mode = "auto"
[self_trust]
reference_points = ["1.1.1.1:443", "1.1.2.2:443"]
[coordinator]
ask = "2s"
[service.shop]
regions = ["us-east-1", "us-west-2"]
rto = "30s"
[service.shop.probe.web]
kind = "http"
url = "https://shop.{region}.example.com/health"
interval = "1m"
[service.shop.scenario.down]
plan = "failover"
mode = "auto"
[service.shop.scenario.also_down]
plan = "mend"
[service.shop.scenario.down_too]
plan = "mend_more"
[service.shop.plan.failover]
kind = "failover"
fence = ["fence"]
[service.shop.plan.failover.step.fence]
kind = "postgres_fence"
region = "{from}"
dsn = { credential = "pg-{from}" }
[service.shop.plan.failover.step.promote]
kind = "postgres_promote"
dsn = { credential = "pg-{to}" }
[service.shop.plan.failover.step.tell]
kind = "http"
region = "{from}"
url = "https://shop.{from}.example.com/goodbye"
[service.shop.plan.failover.step.dns]
kind = "route53"
needs = ["promote"]
record = { zone = "Z1", name = "shop.example.com", value = "{to}.example.com" }
[service.shop.plan.mend]
kind = "repair"
fence = ["lapse"]
[service.shop.plan.mend.step.lapse]
kind = "lapse"
for = "30s"
by = "gate"
[service.shop.plan.mend.step.tell]
kind = "http"
url = "https://shop.{region}.example.com/mend"
[service.shop.plan.mend_more]
kind = "repair"
[service.shop.plan.mend_more.step.tell]
kind = "http"
url = "https://shop.{region}.example.com/more"
"#;

#[test]
fn everything_unwise_is_said_and_nothing_is_refused() {
    let outcome = config::load(&super::text(UNWISE));
    assert_eq!(outcome.report.errors(), 0, "{}", outcome.report);
    assert!(outcome.loaded.is_some());
    let mut said = outcome.report.print(false, 100);
    for note in &outcome.notes {
        said.push_str(&format!("note: {note}\n"));
    }
    insta::assert_snapshot!("all", said);
}
