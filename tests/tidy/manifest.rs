//! The few things that the rules ask of a `Cargo.toml`: which root files it names, and which dependencies.
//!
//! It reads lines of `key = value` under `[sections]`, which is how these manifests are written; no TOML in general.

use super::tree::{File, Tree};

/// A crate's root that a manifest names, or that Cargo takes without being told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The path of the root file, whether it exists or not.
    pub(crate) root: String,
    /// Where it is named: manifest and line.
    pub(crate) manifest: String,
    pub(crate) line: usize,
}

/// One `key = value`, with the section that it stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'t> {
    pub(crate) section: &'t str,
    /// How many section headers came before: tells two `[[test]]` apart.
    table: usize,
    pub(crate) key: &'t str,
    value: &'t str,
    pub(crate) line: usize,
}

/// The manifests of a tree.
pub(crate) fn manifests(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"))
}

/// All entries of a manifest, and an entry with an empty key for each section header.
pub(crate) fn entries(manifest: &File) -> Vec<Entry<'_>> {
    let (mut section, mut table) = ("", 0);
    let mut found = Vec::new();
    for (at, line) in manifest.text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') && line.ends_with(']') {
            section = line.trim_matches(['[', ']']);
            table += 1;
            found.push(Entry { section, table, key: "", value: "", line: at + 1 });
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            found.push(Entry { section, table, key: key.trim(), value: value.trim(), line: at + 1 });
        }
    }
    found
}

/// All dependencies in the sections whose name ends with `kind` (so those of one platform too), each with its line.
pub(crate) fn dependencies<'t>(manifest: &'t File, kind: &str) -> Vec<(&'t str, usize)> {
    let mut found = Vec::new();
    for entry in entries(manifest) {
        let own = entry.section == kind || entry.section.ends_with(&format!(".{kind}"));
        if own && !entry.key.is_empty() {
            found.push((entry.key.split('.').next().unwrap_or(entry.key), entry.line));
        } else if entry.key.is_empty() {
            // `[dependencies.name]`
            let begin = entry
                .section
                .find(&format!("{kind}."))
                .filter(|&at| at == 0 || entry.section[..at].ends_with('.'));
            if let Some(begin) = begin {
                found.push((&entry.section[begin + kind.len() + 1..], entry.line));
            }
        }
    }
    found
}

/// All crates' roots of a tree.
pub(crate) fn targets(tree: &Tree) -> Vec<Target> {
    manifests(tree).flat_map(|manifest| of_manifest(tree, manifest)).collect()
}

fn of_manifest(tree: &Tree, manifest: &File) -> Vec<Target> {
    let folder = manifest.path.trim_end_matches("Cargo.toml");
    let entries = entries(manifest);
    let target =
        |path: &str, line| Target { root: below(folder, path), manifest: manifest.path.clone(), line };
    let mut found = Vec::new();
    for header in entries.iter().filter(|entry| entry.key.is_empty()) {
        let of = |key: &str| {
            let entry = entries.iter().find(|entry| entry.table == header.table && entry.key == key)?;
            entry.value.split('"').nth(1)
        };
        let guesses = match (header.section, of("name")) {
            ("lib", _) => vec!["src/lib.rs".to_owned()],
            ("bin", Some(name)) => vec![format!("src/bin/{name}.rs"), "src/main.rs".to_owned()],
            ("test", Some(name)) => vec![format!("tests/{name}.rs"), format!("tests/{name}/main.rs")],
            ("bench", Some(name)) => vec![format!("benches/{name}.rs"), format!("benches/{name}/main.rs")],
            _ => continue,
        };
        let guessed = guesses.iter().find(|guess| tree.get(&below(folder, guess)).is_some());
        found.push(target(of("path").or(guessed.map(String::as_str)).unwrap_or(&guesses[0]), header.line));
    }
    // What Cargo takes of itself. Tests and benches have to be named.
    for path in ["src/lib.rs", "src/main.rs"] {
        let own = target(path, 1);
        let package = entries.iter().any(|entry| entry.section == "package");
        if package && tree.get(&own.root).is_some() && !found.iter().any(|other| other.root == own.root) {
            found.push(own);
        }
    }
    found
}

/// A path of a manifest, from the tree's root; `..` goes up.
fn below(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn a_manifest_names_its_roots_and_dependencies() {
    let text = "[package]\nname = \"x\"\n[lib]\npath = \"lib.rs\" # \"not this\"\n[[test]]\nname = \"a\"\n\
        path = \"../../tests/a/main.rs\"\n[[test]]\nname = \"b\"\n[[bench]]\nname = \"c\"\n[dependencies]\n\
        d = \"1\"\ne.workspace = true\n[dependencies.f]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\ng = \"1\"\n\
        [dev-dependencies]\nh = \"1\"\n";
    let tree = Tree::default().with("src/core/Cargo.toml", text).with("src/core/tests/b/main.rs", "");
    let roots: Vec<_> = targets(&tree).into_iter().map(|target| target.root).collect();
    assert_eq!(
        roots,
        ["src/core/lib.rs", "tests/a/main.rs", "src/core/tests/b/main.rs", "src/core/benches/c.rs"]
    );
    let manifest = &tree.files[0];
    assert_eq!(dependencies(manifest, "dependencies"), [("d", 13), ("e", 14), ("f", 15), ("g", 18)]);
    assert_eq!(dependencies(manifest, "dev-dependencies"), [("h", 20)]);
}
