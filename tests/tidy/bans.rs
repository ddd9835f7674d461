//! Calls that are banned, and the few places that may make one.
//!
//! Why: a decision must be the same in the daemon, in a simulation and in a post-mortem, so time, chance and the
//! environment come in at one door each; and a daemon that nobody watches must not lose a task or fill its memory.
//! Clippy bans some of this too, by type; this list holds also where a lint is expected away and for what clippy
//! cannot see.

use super::Finding;
use super::paths::{Named, paths};
use super::source::{House, Source};

/// What a ban looks for.
enum Look {
    /// These words side by side in a path, in an import or in code.
    Path(&'static [&'static str]),
    /// A name, wherever it stands.
    Name(&'static str),
    /// A macro.
    Macro(&'static str),
}
use Look::{Macro, Name, Path};

/// A ban: what, where (beginnings of paths), and what to do instead.
struct Ban {
    look: Look,
    folders: &'static [&'static str],
    instead: &'static str,
}

const SRC: &[&str] = &["src/"];
const DECIDES: &[&str] = &["src/core/", "src/daemon/"];
const TESTS: &[&str] = &["tests/"];

const CLOCK: &str = "only src/daemon/clock.rs reads a clock; take `Now` as an argument";
const CHANCE: &str =
    "chance comes in as a seed at one door, or a run cannot be repeated; take a generator as an argument";
const TASK: &str =
    "a bare task dies unseen; give it a name, a failure rule and a drain limit in daemon/tasks";
const UNBOUNDED: &str =
    "a queue without a bound is a leak; bound it, and write at the spot what happens when it fills";
const ENVIRONMENT: &str = "only config reads the environment, once; take the value from `Wiring`";
const EXIT: &str = "nothing drains after it; return an ExitCode from main";
const ORDER: &str =
    "its order differs from run to run, and so would what is decided; use a BTreeMap or BTreeSet";
const UNFINISHED: &str =
    "the pager rings for it; build it, or leave the variant out until something makes it";
const SLEEP: &str = "a test that sleeps is slow or flaky; poll with a deadline, or run on virtual time";

const BANS: &[Ban] = &[
    Ban { look: Path(&["Instant", "now"]), folders: SRC, instead: CLOCK },
    Ban { look: Path(&["SystemTime", "now"]), folders: SRC, instead: CLOCK },
    Ban { look: Path(&["Timestamp", "now"]), folders: SRC, instead: CLOCK },
    Ban { look: Path(&["Zoned", "now"]), folders: SRC, instead: CLOCK },
    Ban { look: Name("thread_rng"), folders: SRC, instead: CHANCE },
    Ban { look: Path(&["rand", "rng"]), folders: SRC, instead: CHANCE },
    Ban { look: Path(&["rand", "random"]), folders: SRC, instead: CHANCE },
    Ban { look: Path(&["tokio", "spawn"]), folders: SRC, instead: TASK },
    Ban { look: Path(&["task", "spawn"]), folders: SRC, instead: TASK },
    Ban { look: Name("unbounded_channel"), folders: SRC, instead: UNBOUNDED },
    Ban { look: Path(&["mpsc", "unbounded"]), folders: SRC, instead: UNBOUNDED },
    Ban { look: Path(&["env", "var"]), folders: SRC, instead: ENVIRONMENT },
    Ban { look: Path(&["env", "var_os"]), folders: SRC, instead: ENVIRONMENT },
    Ban { look: Path(&["env", "vars"]), folders: SRC, instead: ENVIRONMENT },
    Ban { look: Path(&["env", "vars_os"]), folders: SRC, instead: ENVIRONMENT },
    Ban { look: Path(&["process", "exit"]), folders: SRC, instead: EXIT },
    Ban { look: Path(&["process", "abort"]), folders: SRC, instead: EXIT },
    Ban { look: Name("HashMap"), folders: DECIDES, instead: ORDER },
    Ban { look: Name("HashSet"), folders: DECIDES, instead: ORDER },
    Ban { look: Name("RandomState"), folders: DECIDES, instead: ORDER },
    Ban { look: Macro("todo"), folders: SRC, instead: UNFINISHED },
    Ban { look: Macro("unimplemented"), folders: SRC, instead: UNFINISHED },
    Ban { look: Macro("dbg"), folders: SRC, instead: "take it out; what a person should see is traced" },
    Ban { look: Path(&["thread", "sleep"]), folders: TESTS, instead: SLEEP },
    Ban { look: Path(&["time", "sleep"]), folders: TESTS, instead: SLEEP },
];

/// A place that may do what is banned: the file, the ban as it reads, and why. One that nobody uses is reported, so
/// that the list stays short; a file that does not exist yet is in nobody's way.
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "src/daemon/clock.rs",
        "SystemTime::now",
        "the one door through which wall time comes in; the boot-time clock has no name in std",
    ),
    ("src/config/given.rs", "env::vars_os", "the layer of a config that the environment is; read once"),
    (
        "src/config/secret.rs",
        "env::var",
        "a secret that is named by its variable is read at its use, and nowhere kept",
    ),
];

impl Look {
    fn text(&self) -> String {
        match self {
            Path(words) => words.join("::"),
            Name(name) => (*name).to_owned(),
            Macro(name) => format!("{name}!"),
        }
    }

    /// The lines on which it stands.
    fn lines(&self, source: &Source<'_>, paths: &[Named<'_>]) -> Vec<usize> {
        match self {
            Path(words) => paths.iter().filter(|named| named.has(words)).map(|named| named.line).collect(),
            Name(name) => source.tokens.iter().filter(|t| t.is(name)).map(|t| t.line).collect(),
            Macro(name) => {
                let pairs = source.tokens.windows(2).filter(|pair| pair[0].is(name) && pair[1].is("!"));
                pairs.map(|pair| pair[0].line).collect()
            }
        }
    }
}

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in house.sources.values() {
        let paths = paths(source);
        for ban in
            BANS.iter().filter(|ban| ban.folders.iter().any(|folder| source.path().starts_with(folder)))
        {
            let what = ban.look.text();
            let lines = ban.look.lines(source, &paths);
            let allowed =
                ALLOWED.iter().find(|(file, allowed, _)| *file == source.path() && *allowed == what);
            match allowed {
                Some((_, _, why)) if lines.is_empty() => findings.push(Finding::new(
                    source.path(),
                    1,
                    format!("`{what}` is allowed here ({why}) and not used: take it out of ALLOWED in tests/tidy/bans.rs"),
                )),
                Some(_) => {}
                None => findings.extend(lines.into_iter().map(|line| {
                    Finding::new(source.path(), line, format!("`{what}` is banned: {}", ban.instead))
                })),
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::{reported, silent};
    use super::*;

    const MAIN: &str = "src/main.rs";

    #[test]
    fn every_ban_is_reported_in_code() {
        for ban in BANS {
            let what = ban.look.text();
            let code = match ban.look {
                Path(_) => format!("fn f() {{\n    a(x::{what}());\n}}\n"),
                Name(_) => format!("fn f() {{\n    a(x.{what}());\n}}\n"),
                Macro(_) => format!("fn f() {{\n    {what}()\n}}\n"),
            };
            let file = if ban.folders == TESTS {
                "tests/a.rs"
            } else if ban.folders == DECIDES {
                "src/daemon/mod.rs"
            } else {
                MAIN
            };
            let manifest = "[package]\nname = \"watchkeeper\"\n[[test]]\nname = \"a\"\n";
            let text = format!("//! Here.\n{code}");
            let mut files = vec![(file, text.as_str())];
            match ban.folders {
                TESTS => files.push(("Cargo.toml", manifest)),
                DECIDES => files.push(("src/lib.rs", "//! The map.\nmod daemon;\n")),
                _ => {}
            }
            reported(&files, &[(file, 3, &format!("`{what}` is banned"))]);
        }
    }

    #[test]
    fn an_import_of_a_banned_call_is_reported() {
        let say = "`env::var` is banned";
        reported(&[(MAIN, "//! Here.\nuse std::{\n    env::{self, var},\n    fs,\n};\n")], &[(MAIN, 3, say)]);
        reported(&[(MAIN, "//! Here.\nuse tokio::spawn as go;\n")], &[(MAIN, 2, "`tokio::spawn` is banned")]);
        let core = ("src/core/ids.rs", "//! Names.\nuse alloc::HashMap;\n");
        reported(&[core], &[("src/core/ids.rs", 2, "`HashMap` is banned")]);
    }

    #[test]
    fn what_only_looks_like_a_banned_call_is_not_reported() {
        let text = "//! Here: Instant::now.\n// dbg!(x)\nfn f() {\n    a(\"todo!()\", r#\"HashMap\"#, env!(\"X\"), \
            tasks.spawn(b), rand::rngs::A)\n}\nuse std::collections::HashMap;\n";
        silent(&[(MAIN, text)]);
    }

    #[test]
    fn an_allowance_is_used_or_reported() {
        let root = ("src/lib.rs", "//! The map.\nmod daemon;\n");
        let daemon = ("src/daemon/mod.rs", "//! The daemon.\nmod clock;\n");
        let clock = "//! The clock.\nfn now() {\n    SystemTime::now()\n}\n";
        silent(&[root, daemon, ("src/daemon/clock.rs", clock)]);
        let idle = clock.replace("SystemTime::now()", "0");
        reported(
            &[root, daemon, ("src/daemon/clock.rs", &idle)],
            &[("src/daemon/clock.rs", 1, "take it out of ALLOWED")],
        );
        let other = clock.replace("SystemTime::now()", "Zoned::now()");
        reported(
            &[root, daemon, ("src/daemon/clock.rs", &other)],
            &[
                ("src/daemon/clock.rs", 1, "take it out of ALLOWED"),
                ("src/daemon/clock.rs", 3, "`Zoned::now` is banned"),
            ],
        );
    }

    #[test]
    fn every_allowance_names_a_ban() {
        for (file, allowed, _) in ALLOWED {
            assert!(BANS.iter().any(|ban| ban.look.text() == *allowed), "{file}: `{allowed}` is not banned");
        }
    }
}
