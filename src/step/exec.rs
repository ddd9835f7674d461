//! `exec`: a program of the operator's that changes something. Never a shell, and nothing that `exec.allow` does not
//! name.
//!
//! It runs as the `exec` probe does, in a process group that is killed as a whole at the deadline or when nobody waits
//! any more; the kernel ends it with the daemon. What it ends with says what is known: 0 done; 75 not done, try again;
//! 64, 77 and 78 refused (sysexits.h); everything else may have happened half-way and is unknown.

use futures::future::BoxFuture;

use super::came::Came;
use super::http::given;
use super::keys::Keys;
use super::{Act, Asked, Way, way};
use crate::config::expr::Expr;
use crate::config::probe::{Exec as Wiring, Given};
use crate::config::wiring::Exec as Allowed;
use crate::core::ids::Name;
use crate::core::plan::Op;
use crate::probe::exec::Exec as Program;

const TRY_AGAIN: i32 = 75;
const REFUSED: [i32; 3] = [64, 77, 78];

pub(crate) struct Exec {
    run: Wiring,
    observe: Option<Wiring>,
    undo: Option<Wiring>,
    expect: Vec<Expr>,
    outputs: Vec<(Name, Expr)>,
}

impl Exec {
    pub(crate) fn new(keys: &Keys<'_>, allowed: &Allowed) -> Result<Exec, String> {
        let env = keys.given("env")?;
        let program = |key: &str| -> Result<Option<Wiring>, String> {
            let Some(argv) = keys.texts(key)? else { return Ok(None) };
            let (allow, dir) = (allowed.allow.clone().into(), allowed.dir.clone());
            Ok(Some(Wiring { argv, env: env.clone(), allow, dir }))
        };
        Ok(Exec {
            run: program("argv")?.ok_or("`argv` is missing")?,
            observe: program("observe")?,
            undo: program("undo")?,
            expect: keys.exprs("expect")?,
            outputs: keys.outputs()?,
        })
    }

    async fn change(&self, asked: &Asked<'_>, program: &Wiring) -> Came {
        let doing = asked.call.op == Op::Do;
        let (expect, outputs): (&[Expr], &[(Name, Expr)]) =
            if doing { (&self.expect, &self.outputs) } else { (&[], &[]) };
        let mut seen = asked.seen(expect);
        let began = asked.now();
        let ran = match Program::new(with_token(asked, program)).run(&mut seen).await {
            Ok(ran) => ran,
            Err(why) => return Came::from_why(why, asked.gate, asked.call.op),
        };
        seen.vars.set_span("latency", asked.now() - began);
        let said =
            format!("it ends with {}{}", ran.code.map_or("a signal".to_owned(), |c| c.to_string()), ran.said);
        match ran.code {
            Some(TRY_AGAIN) => return Came::transient(said),
            Some(code) if REFUSED.contains(&code) => return Came::refused(said),
            _ => {}
        }
        let speaks = expect.iter().any(|expect| expect.uses("exit"));
        if ran.code.is_none() || (ran.code != Some(0) && !speaks) {
            return Came::unknown(said);
        }
        for expect in expect {
            match expect.eval(&seen.vars) {
                Ok(true) => {}
                Ok(false) => return Came::unknown(format!("{said}, and `{}` does not hold", expect.text())),
                Err(wrong) => {
                    return Came::unknown(format!("{said}, and `{}` cannot be told: {wrong}", expect.text()));
                }
            }
        }
        given(outputs, &seen.vars)
    }

    async fn look(&self, asked: &Asked<'_>, program: &Wiring) -> Came {
        let mut seen = asked.seen(&[]);
        match Program::new(with_token(asked, program)).run(&mut seen).await {
            Ok(ran) => match ran.code {
                Some(0) => Came { outputs: given(&self.outputs, &seen.vars).outputs, ..Came::done() },
                Some(1) => Came::not_done(format!("the look at it says that it is not so{}", ran.said)),
                code => Came::unknown(format!(
                    "the look at it ends with {}, and 0 or 1 is an answer{}",
                    code.map_or("a signal".to_owned(), |code| code.to_string()),
                    ran.said
                )),
            },
            Err(why) => Came::from_why(why, asked.gate, asked.call.op),
        }
    }
}

/// What a program may want to know of its call.
fn with_token(asked: &Asked<'_>, program: &Wiring) -> Wiring {
    let mut program = program.clone();
    let op = match asked.call.op {
        Op::Do => "do",
        Op::Undo => "undo",
        Op::Observe => "observe",
        Op::Verify => "verify",
    };
    let millis = (asked.left().as_micros() / 1_000).to_string();
    for (name, value) in [
        ("WATCHKEEPER_TOKEN", asked.call.token.to_string()),
        ("WATCHKEEPER_OP", op.to_owned()),
        ("WATCHKEEPER_MILLIS_LEFT", millis),
    ] {
        program.env.push((name.to_owned(), Given::Text(value)));
    }
    program
}

impl Act for Exec {
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
