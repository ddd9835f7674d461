//! A PostgreSQL server on this machine, by its data directory: its processes, and who may log in to it.
//!
//! It must never touch a process whose working directory is not that directory: a pid may have been given to another.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use crate::probe::Gate;

const BEGIN: &str = "# Watchkeeper's fence: begin. It is taken out by an undo, or by you.";
const END: &str = "# Watchkeeper's fence: end.";
/// Nobody logs in; replication is no database by that name, so a standby still hears what was written.
const REJECT: &str = "local all all reject\nhost all all all reject\n";

/// Processes that serve no client. Whoever is none of these is one.
const OWN: [&str; 13] = [
    "archiver",
    "autovacuum",
    "background",
    "checkpointer",
    "io",
    "logger",
    "logical",
    "slotsync",
    "startup",
    "stats",
    "walreceiver",
    "walsender",
    "walwriter",
];

/// A process that serves a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) pid: Pid,
    /// It has not been let in yet.
    pub(crate) knocks: bool,
}

/// Why something could not be done.
pub(crate) enum Wrong {
    /// Too late.
    Late,
    /// Ours: rights, a path.
    Ours(String),
}

pub(crate) struct Postmaster {
    dir: PathBuf,
}

impl Postmaster {
    pub(crate) fn new(dir: &str) -> Result<Postmaster, String> {
        let dir = PathBuf::from(dir);
        if !dir.is_absolute() {
            return Err("`data_dir` is no absolute path".to_owned());
        }
        Ok(Postmaster { dir })
    }

    /// Without the directory nothing that is said of its processes is true.
    pub(crate) fn is_there(&self) -> Result<(), String> {
        let version = self.dir.join("PG_VERSION");
        let found = std::fs::metadata(&version).map(drop);
        found
            .map_err(|error| format!("{} is no data directory that we may read: {error}", self.dir.display()))
    }

    /// All processes that work in that directory.
    pub(crate) fn processes(&self) -> Result<Vec<Pid>, String> {
        let real = self.dir.canonicalize().map_err(|error| format!("{}: {error}", self.dir.display()))?;
        let owner = std::fs::metadata(&real).map_err(|error| format!("{}: {error}", real.display()))?.uid();
        let all = std::fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?;
        let mut found = Vec::new();
        for entry in all.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            // One that has ended meanwhile, or ended and is not waited for, has no such link.
            match std::fs::read_link(entry.path().join("cwd")) {
                Ok(cwd) if cwd == real => found.extend(Pid::from_raw(pid)),
                // A server runs as its directory's owner, so whose else this is, it is none of them.
                Err(error)
                    if error.kind() == std::io::ErrorKind::PermissionDenied
                        && entry.metadata().is_ok_and(|about| about.uid() == owner) =>
                {
                    return Err(
                        "this daemon may not see the server's processes: run it as root, or as their user"
                            .to_owned(),
                    );
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(found)
    }

    /// The first of them.
    fn main(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.dir.join("postmaster.pid")).ok()?;
        let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
        self.processes().ok()?.contains(&pid).then_some(pid)
    }

    /// Tells the first one. Whether there is one.
    pub(crate) fn signal(&self, gate: &Gate, signal: Signal) -> Result<bool, Wrong> {
        let Some(main) = self.main() else { return Ok(false) };
        send(gate, main, signal).map(|()| true)
    }

    /// Tells all of them.
    pub(crate) fn signal_all(&self, gate: &Gate, signal: Signal) -> Result<(), Wrong> {
        for pid in self.processes().map_err(Wrong::Ours)? {
            send(gate, pid, signal)?;
        }
        Ok(())
    }

    /// Those that serve a client, or one who only knocks: who was let in to knock by old rules is judged by old rules.
    pub(crate) fn clients(&self) -> Result<Vec<Client>, String> {
        let main = self.main();
        let all = self.processes()?.into_iter().filter(|pid| Some(*pid) != main);
        Ok(all.filter_map(|pid| Some(Client { pid, knocks: knocks(pid)? })).collect())
    }

    /// Ends every session, and sends away who knocks.
    pub(crate) fn end_clients(&self, gate: &Gate) -> Result<usize, Wrong> {
        let clients = self.clients().map_err(Wrong::Ours)?;
        clients.iter().try_for_each(|client| send(gate, client.pid, Signal::TERM))?;
        Ok(clients.len())
    }

    fn hba(&self) -> PathBuf {
        self.dir.join("pg_hba.conf")
    }

    fn rules(&self) -> Result<String, String> {
        let hba = self.hba();
        std::fs::read_to_string(&hba).map_err(|error| {
            format!(
                "{} cannot be read ({error}): if hba_file is elsewhere, write how = \"stop\"",
                hba.display()
            )
        })
    }

    /// Whether our rules stand first.
    pub(crate) fn is_shut(&self) -> Result<bool, String> {
        Ok(self.rules()?.starts_with(BEGIN))
    }

    /// Puts our rules before all others, or takes them out. Whether the file changed.
    pub(crate) fn shut(&self, gate: &Gate, shut: bool) -> Result<bool, Wrong> {
        let rules = self.rules().map_err(Wrong::Ours)?;
        let without = match (rules.starts_with(BEGIN), rules.split_once(&format!("{END}\n"))) {
            (true, Some((_, rest))) => rest.to_owned(),
            (true, None) => {
                return Err(Wrong::Ours("pg_hba.conf holds half of our fence: mend it".to_owned()));
            }
            (false, _) => rules.clone(),
        };
        let wanted = if shut { format!("{BEGIN}\n{REJECT}{END}\n{without}") } else { without };
        if wanted == rules {
            return Ok(false);
        }
        replace(&self.hba(), &wanted, gate)?;
        Ok(true)
    }
}

/// Whether it has not been let in yet; none: it serves no client.
fn knocks(pid: Pid) -> Option<bool> {
    let title = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    let title = String::from_utf8_lossy(&title).replace('\0', " ");
    // Until it has said who it is, its process is called what the first one is.
    let Some(rest) = title.strip_prefix("postgres: ") else { return (!title.is_empty()).then_some(true) };
    // A cluster's name may stand first.
    let words: Vec<&str> = rest.split_whitespace().collect();
    let role = words.iter().find(|word| !word.ends_with(':')).copied().unwrap_or_default();
    (!OWN.contains(&role)).then(|| matches!(words.last(), Some(&("authentication" | "initializing"))))
}

fn send(gate: &Gate, to: Pid, signal: Signal) -> Result<(), Wrong> {
    // In the same code that does it.
    gate.hand_over().map_err(|_| Wrong::Late)?;
    match kill_process(to, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(Wrong::Ours(format!("the server's processes cannot be told: {error}"))),
    }
}

/// All of it or nothing, with the same owner and rights.
fn replace(path: &Path, text: &str, gate: &Gate) -> Result<(), Wrong> {
    let ours = |error: std::io::Error| Wrong::Ours(format!("{} cannot be written: {error}", path.display()));
    let about = std::fs::metadata(path).map_err(ours)?;
    let beside = path.with_extension("conf.watchkeeper");
    let mut file = std::fs::File::create(&beside).map_err(ours)?;
    file.set_permissions(std::fs::Permissions::from_mode(about.mode() & 0o7777)).map_err(ours)?;
    if rustix::process::getuid().is_root() {
        chown(&beside, Some(about.uid()), Some(about.gid())).map_err(ours)?;
    }
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(ours)?;
    gate.hand_over().map_err(|_| Wrong::Late)?;
    std::fs::rename(&beside, path).map_err(ours)
}
