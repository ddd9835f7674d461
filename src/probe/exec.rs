//! `exec`: a program of the operator's; its exit code is the answer. Never a shell, and nothing that `exec.allow` does
//! not name.
//!
//! It runs in a process group of its own, which is killed as a whole when its time is up and when it has left
//! children behind. What it prints is read to the end and kept only so far.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use futures::future::BoxFuture;
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::http::read;
use super::{Look, Phase, Seen, Why, blind, failed, wire};
use crate::config::probe::{Exec as Wiring, Given};
use crate::core::health::{Blindness, Failure};

/// So much of what it prints is kept.
const KEPT: usize = 64 * 1024;
/// Part of every Debian: runs a program that the kernel ends with its parent.
const MORTAL: &str = "/usr/bin/setpriv";

pub(crate) struct Exec {
    wiring: Wiring,
}

/// How a program ended.
pub(crate) struct Ran {
    /// None: a signal ended it.
    pub(crate) code: Option<i32>,
    signal: i32,
    /// The beginning of what it complained of.
    pub(crate) said: String,
}

/// A process group that ends with whoever holds this.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself, which is as good.
            match kill_process_group(group, Signal::KILL) {
                Ok(()) | Err(_) => {}
            }
        }
    }
}

impl Exec {
    pub(crate) fn new(wiring: Wiring) -> Exec {
        Exec { wiring }
    }

    /// The program behind every link, if that may run.
    fn program(&self) -> Result<PathBuf, Why> {
        let ours = |what: String| blind(Blindness::Evaluation, what);
        let named =
            self.wiring.argv.first().map(Path::new).ok_or_else(|| ours("`argv` is empty".to_owned()))?;
        if !Wiring::allows(&self.wiring.allow, named) {
            return Err(ours(format!("{} is not named by exec.allow", named.display())));
        }
        let real = named.canonicalize();
        let real = real.map_err(|error| ours(format!("{} cannot be run: {error}", named.display())))?;
        let allow: Vec<_> = self.wiring.allow.iter().filter_map(|path| path.canonicalize().ok()).collect();
        if !Wiring::allows(&allow, &real) {
            let (named, real) = (named.display(), real.display());
            return Err(ours(format!("{named} leads to {real}, which exec.allow does not name")));
        }
        Ok(real)
    }

    fn command(&self, changes: bool) -> Result<Command, Why> {
        let program = self.program()?;
        let dir = &self.wiring.dir;
        if !dir.is_dir() {
            let what = format!("exec.dir is no folder that we may use: {}; make it", dir.display());
            return Err(blind(Blindness::Evaluation, what));
        }
        let mut command = if changes {
            let ours = |what| blind(Blindness::Evaluation, format!("{} {what}", program.display()));
            if rustix::fs::access(&program, rustix::fs::Access::EXEC_OK).is_err() {
                return Err(ours("is no program that we may run"));
            }
            if !Path::new(MORTAL).exists() {
                return Err(ours(&format!(
                    "cannot be bound to this daemon: {MORTAL} is missing; install util-linux"
                )));
            }
            // What the daemon started must not go on when the daemon was killed: nobody would know of it.
            let mut command = Command::new(MORTAL);
            command.args(["--pdeathsig", "KILL", "--"]).arg(&program);
            command
        } else {
            Command::new(program)
        };
        command
            .args(self.wiring.argv.iter().skip(1))
            .current_dir(&self.wiring.dir)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        for (name, value) in &self.wiring.env {
            match value {
                Given::Text(text) => command.env(name, text),
                Given::Secret(secret) => command.env(name, read(secret)?.expose_secret()),
            };
        }
        Ok(command)
    }
}

impl Exec {
    /// Runs it to its end. What is started ends when this is dropped.
    pub(crate) async fn run(&self, seen: &mut Seen<'_>) -> Result<Ran, Why> {
        seen.begin(Phase::Run);
        let mut command = self.command(seen.gate.is_some())?;
        // Asked in the same code that starts it.
        if let Some(gate) = seen.gate {
            gate.hand_over().map_err(|late| blind(Blindness::Evaluation, late.to_string()))?;
        }
        let mut child = command.spawn().map_err(|error| {
            let busy = error.kind() == std::io::ErrorKind::WouldBlock;
            match wire::ours(&error) {
                Some(why @ Why::Blind(Blindness::Exhausted, _)) => why,
                _ if busy => blind(Blindness::Exhausted, "no process can be started here"),
                _ => blind(Blindness::Evaluation, format!("it cannot be run: {error}")),
            }
        })?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let mut group = Group(group);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (status, whole) = {
            let mut printed = std::pin::pin!(async {
                tokio::join!(drain(stdout, &mut out), drain(stderr, &mut err));
            });
            // What it prints is read while it runs, or it would stand still before a full pipe.
            let mut whole = false;
            let status = loop {
                tokio::select! {
                    biased;
                    () = &mut printed, if !whole => whole = true,
                    status = child.wait() => break status,
                }
            };
            if !whole {
                // What is left in the pipe is there already; who still holds it open is a child left behind.
                let grace = std::time::Duration::from_millis(20);
                whole = tokio::time::timeout(grace, printed.as_mut()).await.is_ok();
            }
            (status, whole)
        };
        let status = status.map_err(|error| wire::broken(&error))?;
        if whole {
            group.0 = None;
        }
        drop(group);
        seen.end();
        let stdout = String::from_utf8_lossy(&out).trim_end().to_owned();
        let last: String =
            String::from_utf8_lossy(&err).trim().chars().filter(|c| !c.is_control()).take(200).collect();
        let said = if last.is_empty() { String::new() } else { format!(": {last}") };
        seen.vars.set("stdout", stdout);
        if let Some(code) = status.code() {
            seen.vars.set("exit", i64::from(code));
        }
        Ok(Ran { code: status.code(), signal: status.signal().unwrap_or_default(), said })
    }
}

impl Look for Exec {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let Ran { code, signal, said } = self.run(seen).await?;
            let Some(code) = code else {
                return Err(failed(Failure::Closed, format!("it was ended by signal {signal}{said}")));
            };
            if code != 0 && !seen.wants("exit") {
                let status = u16::try_from(code).unwrap_or(u16::MAX);
                return Err(failed(Failure::Status(status), format!("it ends with {code}{said}")));
            }
            Ok(())
        })
    }
}

/// Reads to the end and keeps the beginning.
async fn drain(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let room = KEPT.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
    }
}
