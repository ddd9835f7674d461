//! Expectations: what they say, where they are refused, and that the caps keep the stack.

use serde_json::json;

use super::*;

fn vars() -> Vars {
    let mut vars = Vars::default();
    vars.set("status", 200);
    vars.set("value", 1.0);
    vars.set_span("lag", Span::secs(3));
    vars.set_json(
        "body",
        &json!({ "status": "healthy", "n": 3, "items": [1, 2, 3], "checks": { "disk": true } }),
    );
    vars.set_json("rows", &json!([{ "one": 1, "big": 1.5 }]));
    vars
}

fn eval(text: &str) -> Result<bool, NotEvaluated> {
    Expr::new(text).unwrap_or_else(|bad| panic!("{text}: {bad:?}")).eval(&vars())
}

#[test]
fn what_the_plans_write_is_understood() {
    for holds in [
        "status == 200",
        "body.status == 'healthy'",
        "body.checks.disk",
        "lag < duration('5m')",
        "lag == duration('3s')",
        "value == 1.0",
        "value > 0",
        "rows[0].one == 1",
        "rows[0].big > 1",
        "status in [200, 204]",
        "body.items.all(n, n < 4)",
        "has(body.status)",
        "body.status.startsWith('heal') && size(body.items) == 3",
    ] {
        assert_eq!(eval(holds), Ok(true), "{holds}");
    }
    for fails in ["status == 500", "lag > duration('1h')", "lag == 3", "body.n > 3", "has(body.nothing)"] {
        assert_eq!(eval(fails), Ok(false), "{fails}");
    }
    for neither in
        ["body.nothing == 1", "status", "lag < 5", "body.n > 'x'", "rows[7].one == 1", "duration('x') > lag"]
    {
        assert!(eval(neither).is_err(), "{neither}");
    }
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let at = |text: &str| Expr::checked(text, &["status", "body"]).unwrap_err();
    assert_eq!(at("status == 200 && statsu == 1").at, 17);
    assert_eq!(at("'latency' == 'x' || latency").at, 20);
    assert!(at("latency").message.contains("status, body"));
    assert_eq!(at("status == ").at, 10, "{:?}", at("status == "));
    assert_eq!(at("body.foo('x')").message.split(';').next(), Some("there is no function `foo`"));
    assert!(Expr::checked("body.all(status2, status2 == 1)", &["body"]).is_ok());
    assert!(
        Expr::checked("rows.map(x, rows.map(y, x))", &["rows"])
            .unwrap_err()
            .message
            .contains("inside another")
    );
}

#[test]
fn nothing_reaches_the_parser_that_would_cost_its_stack() {
    let long = |one: &str, n: usize| one.repeat(n);
    for bad in [
        format!("{}1{}", long("(", 7), long(")", 7)),
        format!("{}1{}", long("[", 5_000), long("]", 5_000)),
        format!("{}true", long("!", 9)),
        format!("{}1", long("- ", 9)),
        format!("1{}", long(" + 1", 50)),
        format!("body{}", long(".a", 50)),
        format!("{}1", long("true ? 1 : ", 9)),
        long("x", 2_000),
        "'open".to_owned(),
        "1 // 2".to_owned(),
    ] {
        assert!(Expr::new(&bad).is_err(), "{bad}");
    }
}

#[test]
fn the_worst_that_passes_fits_a_workers_stack() {
    let work = || {
        let open = "(".repeat(caps::DEEPEST);
        let close = ")".repeat(caps::DEEPEST);
        for text in [
            format!("{open}1{close} == 1"),
            format!("{}1{} == [1]", "[".repeat(caps::DEEPEST), "]".repeat(caps::DEEPEST)),
            format!("{}1{} == 1", "size([".repeat(caps::DEEPEST / 2), "])".repeat(caps::DEEPEST / 2)),
            format!("1{} > 0", " + 1".repeat(caps::OPERATORS - 1)),
            format!("true{}", " && true".repeat(caps::OPERATORS - 1)),
            format!("{}true{}", "(true && !!!!".repeat(caps::DEEPEST), ")".repeat(caps::DEEPEST)),
            format!("{}1{} > 0", "(1 + ".repeat(caps::DEEPEST), " * 2 - 1)".repeat(caps::DEEPEST)),
            format!("{}true{}", "(true ? true : ".repeat(4), ")".repeat(4)),
        ] {
            drop(Expr::new(&text).map(|expr| expr.eval(&Vars::default())));
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap();
    thread.join().unwrap();
}

#[test]
fn an_answer_that_is_large_or_deep_is_no_trouble() {
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let deep: serde_json::Value = serde_json::from_str(&deep).unwrap();
    let wide = json!((0..20_000).collect::<Vec<_>>());
    for value in [deep, wide] {
        let mut vars = Vars::default();
        vars.set_json("body", &value);
        assert_eq!(Expr::new("size(body) > 0").unwrap().eval(&vars), Ok(true));
        assert!(vars.shown().all(|(_, text)| text.len() < 300));
    }
}
