//! `http`: one request that changes something, one that looks whether it did, one that takes it back.
//!
//! It speaks as the `http` probe does: the connection stands and TLS is done before the clock is looked at, and the
//! wire looks at it in the call that writes the request's first byte. It must never follow a redirect, nor bring the
//! step's login to another origin than its own.

use futures::future::BoxFuture;
use http::StatusCode;
use url::Url;

use super::came::Came;
use super::keys::Keys;
use super::{Act, Asked, Way, way};
use crate::config::expr::{Expr, Vars};
use crate::config::probe::{Auth, Given, Http as Wiring, Login};
use crate::core::ids::Name;
use crate::core::plan::Op;
use crate::core::time::Span;
use crate::probe::http::Http as Exchange;

/// Of an answer's body; more is cut off, which only matters where an expression speaks of it.
const MOST: u64 = 64 * 1024;
/// So that a provider may compare.
const TOKEN: &str = "watchkeeper-token";

pub(crate) struct Http {
    run: Request,
    observe: Option<Request>,
    undo: Option<Request>,
    outputs: Vec<(Name, Expr)>,
}

struct Request {
    wiring: Wiring,
    expect: Vec<Expr>,
}

/// What came back: the status, whether all that is expected holds, and what was seen.
struct Answered {
    status: StatusCode,
    holds: Result<bool, String>,
    vars: Vars,
}

impl Http {
    pub(crate) fn new(keys: &Keys<'_>) -> Result<Http, String> {
        let auth = match keys.table("auth")? {
            Some(auth) => login(&auth)?,
            None => Auth::default(),
        };
        let run = Request::new(keys, "POST", auth)?;
        let beside = |key: &str| -> Result<Option<Request>, String> {
            let Some(call) = keys.table(key)? else { return Ok(None) };
            let mut request = Request::new(&call, "GET", Auth::default())?;
            if request.wiring.url.origin() == run.wiring.url.origin() {
                request.wiring.auth = run.wiring.auth.clone();
            }
            Ok(Some(request))
        };
        let (observe, undo) = (beside("observe")?, beside("undo")?);
        Ok(Http { run, observe, undo, outputs: keys.outputs()? })
    }

    async fn change(&self, asked: &Asked<'_>, request: &Request) -> Came {
        let wanted: &[(Name, Expr)] = if asked.call.op == Op::Do { &self.outputs } else { &[] };
        let answered = match request.send(asked, wanted).await {
            Ok(answered) => answered,
            Err(came) => return came,
        };
        let status = answered.status;
        match answered.holds {
            Ok(true) => given(wanted, &answered.vars),
            // It says itself that it has not even begun.
            _ if matches!(status.as_u16(), 408 | 425 | 429) => {
                Came::transient(format!("it answers {status}"))
            }
            _ if status.is_client_error() || status == StatusCode::NOT_IMPLEMENTED => {
                Came::refused(format!("it answers {status}"))
            }
            // A server's error, or an answer that is not the one expected, may come after the deed.
            Ok(false) => Came::unknown(format!("it answers {status}, which is not what is expected")),
            Err(wrong) => Came::unknown(format!("it answers {status}, and {wrong}")),
        }
    }

    async fn look(&self, asked: &Asked<'_>, request: &Request) -> Came {
        match request.send(asked, &self.outputs).await {
            Ok(Answered { holds: Ok(true), vars, .. }) => {
                let outputs = given(&self.outputs, &vars).outputs;
                Came { outputs, ..Came::done() }
            }
            Ok(Answered { holds: Ok(false), status, .. })
                if status.is_success() || status == StatusCode::NOT_FOUND =>
            {
                Came::not_done(format!("it is not so: it answers {status}"))
            }
            // Who does not let us look has not said that it is not so.
            Ok(Answered { status, .. }) => Came::unknown(format!("the look at it says nothing: {status}")),
            Err(came) => came,
        }
    }
}

impl Act for Http {
    fn act<'a>(&'a self, asked: &'a Asked<'a>) -> BoxFuture<'a, Came> {
        Box::pin(async move {
            match way(asked.call.op, &self.run, self.observe.as_ref(), self.undo.as_ref()) {
                Way::Change(call) => self.change(asked, call).await,
                Way::Look(call) => self.look(asked, call).await.observed(asked.call.undoing),
                Way::Known(came) => came,
            }
        })
    }
}

impl Request {
    fn new(keys: &Keys<'_>, method: &str, auth: Auth) -> Result<Request, String> {
        let url = keys.needs("url")?;
        // The parser's error does not quote the address, which may hold what a run was given.
        let url = Url::parse(&url).map_err(|error| format!("`url` is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("`url` is no address of the web".to_owned());
        }
        let method = keys.text("method")?.unwrap_or_else(|| method.to_owned()).to_uppercase();
        Ok(Request {
            wiring: Wiring {
                url,
                method,
                headers: keys.given("headers")?,
                body: keys.text("body")?.filter(|body| !body.is_empty()),
                auth,
                ca: None,
                redirects: false,
                body_limit: MOST,
                fresh: true,
            },
            expect: keys.exprs("expect")?,
        })
    }

    async fn send(&self, asked: &Asked<'_>, outputs: &[(Name, Expr)]) -> Result<Answered, Came> {
        let op = asked.call.op;
        let mut wiring = self.wiring.clone();
        wiring.headers.push((TOKEN.to_owned(), Given::Text(asked.call.token.to_string())));
        let compared: Vec<Expr> =
            self.expect.iter().chain(outputs.iter().map(|(_, expr)| expr)).cloned().collect();
        let mut seen = asked.seen(&compared);
        let began = asked.now();
        let exchange = Exchange::new(wiring);
        let answer = exchange.fetch(&mut seen).await.map_err(|why| Came::from_why(why, asked.gate, op))?;
        let latency: Span = asked.now() - began;
        seen.vars.set_span("latency", latency);
        let noted = exchange.note(&mut seen, &answer);
        let holds = match noted {
            Err(_) => Err("its body is longer than is read".to_owned()),
            Ok(()) if self.expect.is_empty() => Ok(answer.status.is_success()),
            Ok(()) => self.expect.iter().try_fold(true, |all, expect| {
                let holds = expect.eval(&seen.vars);
                holds.map(|holds| all && holds).map_err(|_| format!("`{}` cannot be told", expect.text()))
            }),
        };
        Ok(Answered { status: answer.status, holds, vars: seen.vars })
    }
}

/// It is done; what it should give and does not is left out, and whoever needs it is given to a person.
pub(crate) fn given(outputs: &[(Name, Expr)], vars: &Vars) -> Came {
    let mut came = Came::done();
    let mut missing = Vec::new();
    for (name, expr) in outputs {
        match expr.output(vars) {
            Ok(output) => came.outputs.push((name.clone(), output)),
            Err(wrong) => missing.push(format!("it gives no `{name}`: {wrong}")),
        }
    }
    came.detail = missing.join("; ");
    came
}

fn login(auth: &Keys<'_>) -> Result<Auth, String> {
    let login = match (auth.secret("bearer")?, auth.text("user")?, auth.secret("password")?) {
        (Some(token), None, None) => Login::Bearer(token),
        (None, Some(user), Some(password)) => Login::Basic { user, password },
        (None, None, None) => Login::None,
        _ => return Err("`auth` says twice, or half, who we are".to_owned()),
    };
    let client = match (auth.text("cert")?, auth.secret("key")?) {
        (Some(cert), Some(key)) => Some(crate::config::probe::ClientCert { cert: cert.into(), key }),
        (None, None) => None,
        _ => return Err("`cert` and `key` belong together".to_owned()),
    };
    Ok(Auth { login, client })
}
