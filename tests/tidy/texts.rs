//! No committed text names a place on somebody's machine, or a package registry's host.
//!
//! Why: such a path is right on one machine only, and a host that is not everybody's makes the build fail for the
//! rest. Packages are asked for by name, through clients that are set up where they run.

use super::Finding;
use super::source::House;

const MACHINE: [&str; 3] = ["/work/", "/root/", "/home/"];
/// First labels of hosts that serve packages.
const REGISTRY: [&str; 8] = ["index", "static", "registry", "crates", "pypi", "deb", "mirror", "mirrors"];
const ENDINGS: [&str; 11] = ["rs", "toml", "md", "txt", "sh", "yml", "yaml", "snap", "service", "html", "js"];

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in house.tree.files.iter().filter(|file| is_ours(&file.path)) {
        for (at, line) in file.text.lines().enumerate() {
            findings.extend(MACHINE.iter().filter(|path| names_path(line, path)).map(|path| {
                let say = format!("`{path}…` is a place on one machine: take it from an argument, or from the project's own folder");
                Finding::new(&file.path, at + 1, say)
            }));
            findings.extend(registry(line).map(|host| {
                let say =
                    format!("`{host}` is a registry's host: ask the ordinary client for a package by name");
                Finding::new(&file.path, at + 1, say)
            }));
        }
    }
    findings
}

/// Text that people write: by its ending, or a script without one. This rule's own words are no breach of it.
fn is_ours(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ours = name.rsplit_once('.').is_none_or(|(_, ending)| ENDINGS.contains(&ending));
    ours && !path.starts_with("tests/tidy/")
}

/// Whether an absolute path begins like this; `src/work/` and `$HOME/work/` do not.
fn names_path(line: &str, path: &str) -> bool {
    let begins = |at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '}' | ')' | '*'))
    };
    line.match_indices(path).any(|(at, _)| begins(at))
}

fn registry(line: &str) -> Option<&str> {
    line.match_indices("://").find_map(|(at, sign)| {
        let rest = &line[at + sign.len()..];
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-')).unwrap_or(rest.len());
        let host = &rest[..end];
        let first = host.split('.').next().unwrap_or(host);
        let served = REGISTRY.contains(&first) || host.contains("artifactory");
        // Names that no registry can have, for examples (RFC 2606 and 6762).
        let example = [".example", ".test", ".invalid", ".local"].iter().any(|end| host.ends_with(end))
            || host.ends_with("example.com")
            || host.ends_with("example.org");
        (served && host.contains('.') && !example).then_some(host)
    })
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::{reported, silent};

    #[test]
    fn a_path_of_one_machine_is_reported() {
        for (path, text) in [
            ("README.md", "# Read\nSee /work/shared/DESIGN.md.\n"),
            ("src/main.rs", "//! The program.\nconst A: &str = \"/home/me/x\";\n"),
            ("tests/scenarios/a.txt", "one\ncat /root/.profile\n"),
            ("deny.toml", "[x]\ny = \"/root/z\"\n"),
            (".ci/run", "#!/usr/bin/env bash\ncd /home/ci/watchkeeper\n"),
        ] {
            reported(&[(path, text)], &[(path, 2, "is a place on one machine")]);
        }
        silent(&[("README.md", "src/work/a ${HOME}/work/ $HOME/work/x ../root/b /workshop /homes\n")]);
    }

    #[test]
    fn a_registry_host_is_reported() {
        let text = "[source.mirror]\nregistry = \"sparse+https://index.some-registry.net/\"\n";
        reported(
            &[("config.toml", text)],
            &[("config.toml", 2, "`index.some-registry.net` is a registry's host")],
        );
        let text = "one\ncurl https://a.b/x https://eu.artifactory.corp.net/y\n";
        reported(&[("install.sh", text)], &[("install.sh", 2, "`eu.artifactory.corp.net`")]);
        silent(&[(
            "README.md",
            "https://registry.example/ http://index.test https://docs.rs/x http://registry:80/\n",
        )]);
    }
}
